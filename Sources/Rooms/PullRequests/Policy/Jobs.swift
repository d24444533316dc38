import JobConfig
import SlipwayModel

extension ConfiguredJob {
    /// The context it reports under.
    var contextName: String { job.context ?? job.name }
}
