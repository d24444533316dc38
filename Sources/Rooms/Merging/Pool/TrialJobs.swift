package import JobConfig
import SlipwayModel

/// The jobs that pull requests have to pass together before they land. Pure; Tide's `presubmitsForBatch`.
package enum TrialJobs {
    /// - Parameters:
    ///   - presubmits: of the repository.
    ///   - policy: of the branch; what it requires runs although only a comment would start it.
    ///   - changedFiles: what the pull requests change together.
    package static func required(
        of presubmits: [ConfiguredJob], branch: String, policy: ContextPolicy, changedFiles: [String]
    ) -> [TrainJob] {
        presubmits.filter { job in
            guard job.job.isRequired || job.runBeforeMerge else { return false }
            let context = job.job.context ?? job.job.name
            let isForced = job.runBeforeMerge || job.isManual && policy.required.contains(context)
            return job.decision(branch: branch, changedFiles: { changedFiles }, forced: isForced).runs
        }.map { job in
            let freshness: TrainJob.Freshness =
                switch job.job.mergeFreshness {
                case .always: .always
                case .tree: .tree
                case .age(let seconds): .age(seconds: seconds)
                }
            return TrainJob(
                name: job.job.name, hash: job.hash, freshness: freshness, context: job.job.context)
        }.sorted { $0.name < $1.name }
    }
}

extension ConfiguredJob {
    /// Only a comment starts it.
    fileprivate var isManual: Bool { !alwaysRun && runIfChanged == nil && skipIfOnlyChanged == nil }
}
