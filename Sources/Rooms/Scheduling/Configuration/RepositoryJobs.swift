import JobConfig
import Patterns
import Signatures
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
    /// What they were read at; empty where nothing could be read.
    var commit = ""
    /// Stands for the jobs and the problems, whatever the commit.
    var hash = ""

    init(version: Int64) { self.version = version }

    /// - Parameter commit: what the files were read at.
    init(_ loaded: LoadedConfiguration, version: Int64, commit: String) {
        self.version = version
        files = loaded.files.map(\.path)
        problems = loaded.errors
        self.commit = commit
        hash = SHA256.hexadecimal(
            Array((loaded.jobs.map(CanonicalJSON.digest) + problems.map(\.description)).joined(separator: "\n").utf8))
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

    /// Those that run against a branch, each bound to it alone.
    func jobs(against branch: String) -> [ConfiguredJob] {
        guard let only = try? Brancher(branches: ["^\(Pattern.escaped(branch))$"]) else { return [] }
        return (presubmits + postsubmits).filter { $0.runsAgainst(branch: branch) }.map { job in
            var job = job
            job.branches = only
            return job
        }
    }

    private static func source(_ place: String, at commit: String) -> String {
        guard let colon = place.lastIndex(of: ":") else { return "\(place)@\(commit)" }
        return "\(place[..<colon])@\(commit)\(place[colon...])"
    }
}
