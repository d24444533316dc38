import Fleet
package import JobConfig
package import SlipwayModel

/// One version of the configuration, indexed for decisions.
package struct JobCatalog: Sendable {
    /// 0 where nothing was ever applied.
    package let version: Int64
    /// What it says beside its jobs.
    package let settings: VersionSettings
    /// Which repositories may bring jobs of their own.
    package let inRepository: InRepositoryRules
    private let hashes: Set<String>
    private let presubmits: [RepositoryName: [ConfiguredJob]]
    private let postsubmits: [RepositoryName: [ConfiguredJob]]
    private let periodics: [String: ConfiguredJob]

    package init(
        version: Int64, jobs: [ConfiguredJob], settings: VersionSettings = VersionSettings(),
        inRepository: InRepositoryRules = InRepositoryRules()
    ) {
        self.version = version
        self.settings = settings
        self.inRepository = inRepository
        hashes = Set(jobs.map(\.hash))
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

    /// Whether pull requests of a repository may start anything.
    func hasPresubmits(_ repository: RepositoryName) -> Bool {
        presubmits[repository] != nil || inRepository.isEnabled(repository)
    }

    /// Whether a job of this hash is among its own, so that its definition is stored.
    func defines(_ hash: String) -> Bool { hashes.contains(hash) }

    /// The jobs that a repository may have: those of this version, and those of its own files.
    ///
    /// - Throws: `RetryLater` where its own files were read by another version, or not at all.
    func jobs(_ kind: JobKind, of repository: RepositoryName, own: RepositoryJobs?) throws -> [ConfiguredJob] {
        let central = kind == .postsubmit ? postsubmits(of: repository) : presubmits(of: repository)
        guard inRepository.isEnabled(repository) else { return central }
        guard let own, own.version == version else {
            throw RetryLater("the configuration changed while the event was handled", after: .milliseconds(50))
        }
        return central + (kind == .postsubmit ? own.postsubmits : own.presubmits)
    }

    /// The job that a request means; nil where the configuration has none for its repository and branch. A batch runs
    /// presubmits.
    package func job(_ name: String, _ kind: JobKind, _ refs: Refs?) -> ConfiguredJob? {
        guard kind != .periodic else { return periodics[name] }
        guard let refs, let branch = refs.baseRef else { return nil }
        let jobs = kind == .postsubmit ? postsubmits(of: refs.repository) : presubmits(of: refs.repository)
        return jobs.first { $0.job.name == name && $0.runsAgainst(branch: branch) }
    }
}
