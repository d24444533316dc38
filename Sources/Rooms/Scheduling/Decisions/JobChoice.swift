package import JobConfig
import SlipwayModel

/// A job that starts, and why, in words for people. It refers into the list it was chosen from: a job is a large value,
/// and a thousand of them may be chosen at once.
package struct JobChoice: Sendable {
    private let jobs: [ConfiguredJob]
    private let index: Int
    private let decision: Decision

    init(_ jobs: [ConfiguredJob], at index: Int, _ decision: Decision) {
        self.jobs = jobs
        self.index = index
        self.decision = decision
    }

    package var job: ConfiguredJob { jobs[index] }
    package var reason: String { decision.reason }
}

extension ConfiguredJob {
    /// Started by events, not only by name: it always runs, or a change rule may say so. (Prow: not
    /// `NeedsExplicitTrigger`.)
    package var isAutomatic: Bool { alwaysRun || runIfChanged != nil || skipIfOnlyChanged != nil }

    /// The context it reports under.
    package var reportedContext: String { job.context ?? job.name }
}

/// The presubmits that a pull request starts by itself.
package enum AutomaticJobs {
    package static func choose(
        from jobs: [ConfiguredJob], branch: String, changedFiles: () throws -> [String]
    ) rethrows -> [JobChoice] {
        var choices: [JobChoice] = []
        for index in jobs.indices where jobs[index].isAutomatic {
            let decision = try jobs[index].decision(branch: branch, changedFiles: changedFiles)
            if decision.runs { choices.append(JobChoice(jobs, at: index, decision)) }
        }
        return choices
    }
}

/// The postsubmits that a push starts: those of the branch or tag whose change rules the pushed commits meet.
package enum PushDecision {
    package static func choose(from jobs: [ConfiguredJob], ref: String, changedFiles: [String]) -> [JobChoice] {
        jobs.indices.compactMap { index in
            let decision = jobs[index].decision(branch: ref, changedFiles: { changedFiles })
            return decision.runs ? JobChoice(jobs, at: index, decision) : nil
        }
    }
}
