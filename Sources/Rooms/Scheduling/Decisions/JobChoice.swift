package import JobConfig
import SlipwayModel

/// A job that starts, and why, in words for people.
package struct JobChoice: Hashable, Sendable {
    package var job: ConfiguredJob
    package var reason: String

    package init(_ job: ConfiguredJob, reason: String) {
        self.job = job
        self.reason = reason
    }
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
        // By index: a job is a large value, and most of thousands are only looked at.
        for index in jobs.indices where jobs[index].isAutomatic {
            let decision = try jobs[index].decision(branch: branch, changedFiles: changedFiles)
            if decision.runs { choices.append(JobChoice(jobs[index], reason: decision.reason)) }
        }
        return choices
    }
}

/// The postsubmits that a push starts: those of the branch or tag whose change rules the pushed commits meet.
package enum PushDecision {
    package static func choose(from jobs: [ConfiguredJob], ref: String, changedFiles: [String]) -> [JobChoice] {
        jobs.compactMap { job in
            let decision = job.decision(branch: ref, changedFiles: { changedFiles })
            return decision.runs ? JobChoice(job, reason: decision.reason) : nil
        }
    }
}
