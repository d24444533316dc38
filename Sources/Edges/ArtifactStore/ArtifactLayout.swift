package import SlipwayModel

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

    /// - Parameter jobFolder: the folder of the run's attempts, as it is stored with the run.
    /// - Throws: `ArtifactLayoutError` where a name cannot be part of a path.
    package init(kind: JobKind, job: String, build: BuildID, jobFolder: String) throws(ArtifactLayoutError) {
        do throws(ArtifactPathError) {
            try self.init(kind: kind, job: job, build: build, below: ArtifactPath(jobFolder))
        } catch {
            throw .unusableName(job, error)
        }
    }

    /// The layout of a run that is stored nowhere.
    ///
    /// - Throws: `ArtifactLayoutError` where a name cannot be part of a path, or a presubmit has no pull request.
    package init(
        kind: JobKind, job: String, build: BuildID, refs: Refs?, strategy: PathStrategy = .explicit
    ) throws(ArtifactLayoutError) {
        if kind == .presubmit, (refs?.pulls ?? []).isEmpty { throw .noPull(job) }
        do throws(ArtifactPathError) {
            try self.init(
                kind: kind, job: job, build: build,
                below: ArtifactPath(components: strategy.folder(kind: kind, job: job, refs: refs)))
        } catch {
            throw .unusableName(job, error)
        }
    }

    private init(kind: JobKind, job: String, build: BuildID, below jobFolder: ArtifactPath) throws(ArtifactPathError) {
        folder = try jobFolder.appending(build.description)
        let directory = try ArtifactPath(components: ["pr-logs", "directory", job])
        switch kind {
        case .periodic, .postsubmit:
            link = nil
            latestBuilds = [try jobFolder.appending("latest-build.txt")]
        case .batch:
            link = nil
            latestBuilds = [try directory.appending("latest-build.txt")]
        case .presubmit:
            link = try directory.appending("\(build).txt")
            latestBuilds = [
                try directory.appending("latest-build.txt"), try jobFolder.appending("latest-build.txt"),
            ]
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
    /// When the attempt waited, was cloned, ran and was put away; among the job's own artifacts, where viewers of
    /// timelines look.
    package var intervals: ArtifactPath { within("artifacts/e2e-timelines_slipway.json") }
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
