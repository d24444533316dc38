import JobConfig
import SlipwayModel

/// The jobs that a repository's own files give at some commit, as one version of the configuration reads them.
struct RepositoryJobs: Sendable {
    /// Of the configuration, whose presets, defaults, clusters and names they were read with.
    var version: Int64
    /// The files' paths; empty where the repository has none.
    var files: [String] = []
    /// Each says where it is written: `FILE@COMMIT:LINE`.
    var presubmits: [ConfiguredJob] = []
    var postsubmits: [ConfiguredJob] = []
    /// Where there is any, the files give no jobs.
    var problems: [ConfigProblem] = []

    init(version: Int64) { self.version = version }

    /// - Parameter commit: what the files were read at.
    init(_ loaded: LoadedConfiguration, version: Int64, commit: String) {
        self.version = version
        files = loaded.files.map(\.path)
        problems = loaded.errors
        guard loaded.isValid else { return }
        for var job in loaded.jobs {
            job.job.source = job.job.source.map { Self.source($0, at: commit) }
            if job.job.kind == .postsubmit { postsubmits.append(job) } else { presubmits.append(job) }
        }
    }

    /// The job of a name that runs against a branch.
    func job(_ name: String, _ kind: JobKind, branch: String?) -> ConfiguredJob? {
        guard kind != .periodic, let branch else { return nil }
        let jobs = kind == .postsubmit ? postsubmits : presubmits
        return jobs.first { $0.job.name == name && $0.runsAgainst(branch: branch) }
    }

    private static func source(_ place: String, at commit: String) -> String {
        guard let colon = place.lastIndex(of: ":") else { return "\(place)@\(commit)" }
        return "\(place[..<colon])@\(commit)\(place[colon...])"
    }
}
