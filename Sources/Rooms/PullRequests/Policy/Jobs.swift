import JobConfig
import SlipwayModel

extension ConfiguredJob {
    /// The context it reports under.
    var contextName: String { job.context ?? job.name }

    /// Whether events start it, not only its name.
    var isAutomatic: Bool { alwaysRun || runIfChanged != nil || skipIfOnlyChanged != nil }
}
