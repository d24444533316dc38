package import SlipwayModel

/// How an organisation and repository show in a path. Prow's `path_strategy`.
package enum PathStrategy: Hashable, Sendable, Codable {
    /// Always `org_repo`.
    case explicit
    /// Nothing for the default repository, `repo` within the default organisation, else `org_repo`.
    case legacy(defaultOrg: String, defaultRepo: String)
    /// Nothing for the default repository, else `org_repo`.
    case single(defaultOrg: String, defaultRepo: String)

    /// The path's component for a repository; nil where it has none.
    package func component(_ repository: RepositoryName) -> String? {
        // Gerrit's organisations are addresses; kept readable as Prow keeps them.
        var org = repository.org
        for prefix in ["https://", "http://"] where org.hasPrefix(prefix) { org.removeFirst(prefix.count) }
        let both = "\(org)_\(String(repository.repo.map { $0 == "/" ? "_" : $0 }))"
        switch self {
        case .explicit: return both
        case .legacy(let defaultOrg, let defaultRepo):
            guard repository.org == defaultOrg else { return both }
            return repository.repo == defaultRepo ? nil : repository.repo
        case .single(let defaultOrg, let defaultRepo):
            return repository.org == defaultOrg && repository.repo == defaultRepo ? nil : both
        }
    }
}

/// Where one attempt's artifacts lie. Prow's layout (pod-utils `gcs/target.go`), which TestGrid and ci-search read.
package struct ArtifactLayout: Hashable, Sendable {
    /// The folder the attempt owns:
    /// `pr-logs/pull/<org_repo>/<number>/<job>/<build>`, `pr-logs/pull/batch/<job>/<build>` or `logs/<job>/<build>`.
    package let folder: ArtifactPath
    /// A file that holds the folder's path, so that a presubmit's build is found without its pull request:
    /// `pr-logs/directory/<job>/<build>.txt`. Presubmits only.
    package let link: ArtifactPath?
    /// The files that hold the job's newest build id.
    package let latestBuilds: [ArtifactPath]

    /// - Throws: `ArtifactLayoutError` where a name cannot be part of a path, or a presubmit has no pull request.
    package init(
        kind: JobKind, job: String, build: BuildID, refs: Refs?, strategy: PathStrategy = .explicit
    ) throws(ArtifactLayoutError) {
        do {
            let directory = try ArtifactPath(components: ["pr-logs", "directory", job])
            switch kind {
            case .periodic, .postsubmit:
                let jobFolder = try ArtifactPath(components: ["logs", job])
                folder = try jobFolder.appending(build.description)
                link = nil
                latestBuilds = [try jobFolder.appending("latest-build.txt")]
            case .batch:
                folder = try ArtifactPath(components: ["pr-logs", "pull", "batch", job, build.description])
                link = nil
                latestBuilds = [try directory.appending("latest-build.txt")]
            case .presubmit:
                guard let refs, let pull = refs.pulls?.first else { throw ArtifactLayoutError.noPull(job) }
                let repository = strategy.component(refs.repository).map { [$0] } ?? []
                let jobFolder = try ArtifactPath(
                    components: ["pr-logs", "pull"] + repository + [String(pull.number), job])
                folder = try jobFolder.appending(build.description)
                link = try directory.appending("\(build).txt")
                latestBuilds = [
                    try directory.appending("latest-build.txt"), try jobFolder.appending("latest-build.txt"),
                ]
            }
        } catch let error as ArtifactLayoutError {
            throw error
        } catch let error as ArtifactPathError {
            throw .unusableName(job, error)
        } catch {
            throw .unusableName(job, .forbiddenByte)
        }
    }

    // MARK: Inside the attempt's folder

    package var started: ArtifactPath { within("started.json") }
    package var finished: ArtifactPath { within("finished.json") }
    package var prowJob: ArtifactPath { within("prowjob.json") }
    package var cloneRecords: ArtifactPath { within("clone-records.json") }
    package var cloneLog: ArtifactPath { within("clone-log.txt") }
    package var buildLog: ArtifactPath { within("build-log.txt") }
    /// What the job left in its ARTIFACTS folder.
    package var artifacts: ArtifactPath { within("artifacts") }
    /// Chunks of the log while the run is on; gone once `build-log.txt` stands and the attempt is finished.
    package var liveLog: ArtifactPath { within(".log") }

    /// The chunk files of a live log are named by their number, from 0: `.log/00000000`, `.log/00000001` …
    package func logChunk(_ number: Int) -> ArtifactPath {
        let digits = String(number)
        return within(".log/" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits)
    }

    /// Constant names of a few bytes: they can make the path neither unsafe nor, but for a name of a thousand bytes,
    /// too long; such a one is answered by the folder itself, which no file can replace.
    private func within(_ name: String) -> ArtifactPath { (try? folder.appending(name)) ?? folder }
}

/// Why an attempt has no place in the store.
package enum ArtifactLayoutError: Error, Hashable, CustomStringConvertible {
    case noPull(String)
    case unusableName(String, ArtifactPathError)

    package var description: String {
        switch self {
        case .noPull(let job): "Presubmit '\(job)' names no pull request, so its artifacts have no place."
        case .unusableName(let job, let error): "The artifacts of job '\(job)' have no place: \(error.description)"
        }
    }
}
