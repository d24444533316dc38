import ArtifactStore
import FoundationEssentials
import SlipwayModel
import Web

/// `/runs/<id>`: one run, by default its latest attempt.
struct RunPage {
    let store: ResultsStore
    let artifacts: any ArtifactStorage
    let maps: LogMaps

    static let shownArtifacts = 30

    struct Request {
        var run: RunID
        /// An earlier attempt; nil for the latest.
        var build: BuildID?
        /// The log line to open on.
        var line: Int?
        var showsAllTests: Bool
    }

    /// A run and the attempt of it that is asked for.
    struct Attempt {
        var detail: RunDetail
        var attempts: [AttemptRow]
        var build: BuildID
        /// The attempt's folder in the artifact store.
        var folder: ArtifactPath

        var isEarlier: Bool { build != detail.summary.buildID }
    }

    static func attempt(_ run: RunID, build: BuildID?, store: ResultsStore) async throws -> Attempt {
        async let found = store.run(run)
        async let earlier = store.attempts(of: run)
        let (detail, attempts) = try await (found, earlier)
        guard let detail else { throw WebError.notFound(ResultsText.noSuchRun(run.description)) }
        let build = build ?? detail.summary.buildID
        guard build == detail.summary.buildID || attempts.contains(where: { $0.buildID == build }) else {
            throw WebError.notFound(ResultsText.noSuchBuild(build))
        }
        let latest = try ArtifactPath(detail.artifactPath)
        let folder = try (latest.parent ?? .root).appending(build.description)
        return Attempt(detail: detail, attempts: attempts, build: build, folder: folder)
    }

    func values(_ request: Request, context: SlipwayContext, now: Date) async throws -> (PageHead, [String: PageValue])
    {
        let attempt = try await Self.attempt(request.run, build: request.build, store: store)
        let detail = attempt.detail
        let summary = detail.summary
        let state: RunState = attempt.isEarlier ? .aborted : summary.state
        let log = LogPart(
            log: RunLog(artifacts, folder: attempt.folder), maps: maps, run: summary.runID, build: attempt.build,
            state: summary.state, isEarlier: attempt.isEarlier)
        let tests = TestsPart(store: store, build: attempt.build, state: state)
        async let logValues = log.values(line: request.line)
        async let testValues = tests.values(showsAll: request.showsAllTests)
        async let files = ArtifactPages.summary(
            of: attempt, artifacts: artifacts, limit: Self.shownArtifacts)
        async let told = intervals(of: attempt)
        let chart = IntervalChart(detail, lost: attempt.attempts, told: await told, now: now)
        var values: [String: PageValue] = [
            "id": .text(summary.runID.description),
            "job": .text(summary.job),
            "jobPath": .text(RunRow.jobPath(summary.job)),
            "kind": .text(ResultsText.kind(summary.kind)),
            "isOptional": .flag(summary.isOptional),
            "state": .text(summary.state.rawValue),
            "label": .text(ResultsText.label(summary.state)),
            "isFinished": .flag(summary.state.isFinished),
            "sentence": .text(ResultsText.sentence(detail, now: now)),
            "description": .optional(Self.description(summary)),
            "subject": .markup(RunRow.subject(summary)),
            "title": .optional(summary.title),
            "author": .optional(summary.author),
            "intervals": chart.intervals.isEmpty ? .nothing : .markup(chart.html),
            "facts": .objects(RunFacts(attempt, now: now).facts),
            "attempts": .objects(Self.attempts(attempt, now: now)),
            "hasAttempts": .flag(!attempt.attempts.isEmpty),
            "isEarlier": .flag(attempt.isEarlier),
            "latestPath": .text("/runs/\(summary.runID)"),
            "build": .text(attempt.build.description),
            "canWrite": .flag(context.allows(.runsWrite) || context.identity?.forgeLogin != nil),
            "isSignedIn": .flag(context.identity != nil),
            "loginPath": .text("/login" + Link.query([("next", "/runs/\(summary.runID)")])),
            "rerunPath": .text("/rerun" + Link.query([("run", summary.runID.description)])),
            "abortPath": .text("/abort" + Link.query([("run", summary.runID.description)])),
            "allTestsPath": .text(
                "/runs/\(summary.runID)"
                    + Link.query([
                        ("build", attempt.isEarlier ? attempt.build.description : nil), ("tests", "all"),
                    ]) + "#tests"),
        ]
        values.merge(try await files) { $1 }
        values["log"] = .object(try await logValues)
        values["tests"] = .object(try await testValues)
        let head = PageHead(
            title: "\(ResultsText.label(summary.state)): \(summary.job)", section: "/runs",
            crumbs: Self.crumbs(summary),
            scripts: [ResultsAssets.set.path(of: "log.js")])
        return (head, values)
    }

    /// Bytes of a timeline that are read.
    private static let timelineLimit = 256 << 10

    /// What the agent of a finished run told of it. A file that is none tells nothing: the chart does without.
    private func intervals(of attempt: Attempt) async -> IntervalsDocument? {
        guard attempt.detail.summary.state.isFinished, !attempt.isEarlier,
            let path = try? attempt.folder.appending("artifacts/e2e-timelines_slipway.json"),
            let bytes = try? await artifacts.get(path, maximum: Self.timelineLimit)
        else { return nil }
        return try? IntervalsDocument.decode(bytes)
    }

    /// What the run's own machinery said, where it says more than the state does.
    private static func description(_ run: RunSummary) -> String? {
        let known = [
            "", "Job triggered.", "Job succeeded.", "Job failed.", "Job aborted.", "The job succeeded.",
        ]
        // The sentence before it has the exit code already.
        return known.contains(run.description) || run.description.hasPrefix("The job failed: it exited with ")
            ? nil : run.description
    }

    static func crumbs(_ run: RunSummary) -> [PageHead.Crumb] {
        var crumbs = [PageHead.Crumb("Runs", "/runs")]
        if let repository = run.repository {
            crumbs.append(.init(repository.description, "/runs" + Link.query([("repo", repository.description)])))
            if run.kind == .presubmit, let number = run.pullNumbers.first {
                crumbs.append(.init("#\(number)", RunRow.pullPath(repository, number)))
            }
        }
        return crumbs + [.init(run.job, RunRow.jobPath(run.job))]
    }

    private static func attempts(_ attempt: Attempt, now: Date) -> [[String: PageValue]] {
        let summary = attempt.detail.summary
        let earlier: [[String: PageValue]] = attempt.attempts.map { row in
            [
                "number": .number(row.attempt), "text": .text(row.description), "agent": .text(row.agent),
                "age": .markup(.age(row.startedAt, now: now)),
                "took": .text(HumanTime.duration(row.endedAt.timeIntervalSince(row.startedAt))),
                "path": .text("/runs/\(summary.runID)" + Link.query([("build", row.buildID.description)])),
                "isShown": .flag(row.buildID == attempt.build),
            ]
        }
        let latest: [String: PageValue] = [
            "number": .number(summary.attempt), "text": .text(ResultsText.label(summary.state)),
            "agent": .optional(attempt.detail.agent),
            "age": summary.startedAt.map { .markup(.age($0, now: now)) } ?? .nothing,
            "took": .text(RunRow.took(summary, now: now)), "path": .text("/runs/\(summary.runID)"),
            "isShown": .flag(!attempt.isEarlier),
        ]
        return earlier + [latest]
    }
}
