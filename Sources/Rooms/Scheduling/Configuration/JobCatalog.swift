package import JobConfig
package import SlipwayModel

/// One version of the configuration, indexed for decisions.
package struct JobCatalog: Sendable {
    /// 0 where nothing was ever applied.
    package let version: Int64
    /// What it says beside its jobs.
    package let settings: VersionSettings
    private let presubmits: [RepositoryName: [ConfiguredJob]]
    private let postsubmits: [RepositoryName: [ConfiguredJob]]
    private let periodics: [String: ConfiguredJob]

    package init(version: Int64, jobs: [ConfiguredJob], settings: VersionSettings = VersionSettings()) {
        self.version = version
        self.settings = settings
        var presubmits: [RepositoryName: [ConfiguredJob]] = [:]
        var postsubmits: [RepositoryName: [ConfiguredJob]] = [:]
        var periodics: [String: ConfiguredJob] = [:]
        for job in jobs {
            switch (job.job.kind, job.job.repository) {
            case (.periodic, _): periodics[job.job.name] = job
            case (.postsubmit, let repository?): postsubmits[repository, default: []].append(job)
            case (.presubmit, let repository?): presubmits[repository, default: []].append(job)
            default: break
            }
        }
        self.presubmits = presubmits
        self.postsubmits = postsubmits
        self.periodics = periodics
    }

    package func presubmits(of repository: RepositoryName) -> [ConfiguredJob] { presubmits[repository] ?? [] }
    package func postsubmits(of repository: RepositoryName) -> [ConfiguredJob] { postsubmits[repository] ?? [] }

    /// The job that a request means; nil where the configuration has none for its repository and branch. A batch runs
    /// presubmits.
    package func job(_ name: String, _ kind: JobKind, _ refs: Refs?) -> ConfiguredJob? {
        guard kind != .periodic else { return periodics[name] }
        guard let refs, let branch = refs.baseRef else { return nil }
        let jobs = kind == .postsubmit ? postsubmits(of: refs.repository) : presubmits(of: refs.repository)
        return jobs.first { $0.job.name == name && $0.runsAgainst(branch: branch) }
    }
}
