package import FoundationEssentials
package import SlipwayModel
import Web

/// `/jobs` and `/jobs/<name>`.
struct JobPages {
    let store: ResultsStore

    static let listRows = 100
    static let historyRows = 20
    /// Runs that the chart and the pass rate look back on.
    static let lookBack = 100
    static let definitions = 20

    func list(search: String, after: String) async throws -> [String: PageValue] {
        let found = try await store.jobs(search: search, after: after, limit: Self.listRows)
        let jobs = found.prefix(Self.listRows)
        let now = Date()
        return [
            "search": .text(search),
            "jobs": .objects(
                jobs.map { job in
                    [
                        "name": .text(job.name), "path": .text(RunRow.jobPath(job.name)),
                        "kind": .text(ResultsText.kind(job.kind)),
                        "repository": .optional(
                            job.repositories > 1 ? "\(job.repositories) repositories" : job.repository),
                        "state": .optional(job.lastState?.rawValue),
                        "label": .optional(job.lastState.map { ResultsText.label($0) }),
                        "runPath": .optional(job.lastRun.map { "/runs/\($0)" }),
                        "age": job.lastRequestedAt.map { .markup(.age($0, now: now)) } ?? .nothing,
                    ]
                }),
            "isEmpty": .flag(jobs.isEmpty),
            "emptyText": .text(search.isEmpty ? ResultsText.noJobs : ResultsText.noJobsMatch),
            "nextPath": found.count > Self.listRows
                ? .text("/jobs" + Link.query([("q", search), ("after", jobs.last?.name)])) : .nothing,
            "firstPath": after.isEmpty ? .nothing : .text("/jobs" + Link.query([("q", search)])),
        ]
    }

    func history(_ job: String, before: RunID?, now: Date) async throws -> [String: PageValue] {
        let found = try await store.history(of: job, before: before, limit: Self.historyRows)
        let runs = Array(found.prefix(Self.historyRows))
        let recent =
            before == nil && found.count <= Self.historyRows
            ? runs : try await store.history(of: job, before: nil, limit: Self.lookBack)
        if recent.isEmpty, try await !store.isConfigured(job) {
            throw WebError.notFound(ResultsText.noSuchJob(job))
        }
        let figures = JobFigures(recent)
        let path = RunRow.jobPath(job)
        let definitions = try await store.definitions(of: job, limit: Self.definitions)
        let clusters = before == nil ? try await FailureClusters(store: store).values(recent, now: now) : [:]
        return clusters.merging([
            "job": .text(job),
            "isConfigured": .flag(!definitions.isEmpty),
            // What there is to see of a job that never ran.
            "definitions": .objects(
                definitions.map {
                    JobFacts.definition($0).merging([
                        "isOpen": .flag(recent.isEmpty && definitions.count == 1)
                    ]) { $1 }
                }),
            "runs": .objects(try await RunRow.rows(runs, store: store, now: now)),
            "isEmpty": .flag(runs.isEmpty),
            "emptyText": .text("This job has not run yet."),
            "hasFigures": .flag(figures.judged > 0),
            "rate": .text(figures.passRate.map { "\($0) %" } ?? "–"),
            "judged": .number(figures.judged),
            "median": .text(figures.medianSeconds.map { HumanTime.duration($0) } ?? "–"),
            "streak": .text(figures.streakText),
            "streakState": .text(figures.isFailing ? RunState.failure.rawValue : RunState.success.rawValue),
            "streakSince": figures.streakSince.map { .markup(.age($0, now: now)) } ?? .nothing,
            "streakPath": .optional(figures.streakRun.map { "/runs/\($0)" }),
            "chart": figures.finished > 1 ? .markup(DurationChart(recent, now: now).chart.html) : .nothing,
            "allPath": .text("/runs" + Link.query([("job", job)])),
            "badgePath": .text("/badge.svg" + Link.query([("jobs", job)])),
            "nextPath": found.count > Self.historyRows
                ? .text(path + Link.query([("before", runs.last?.runID.description)])) : .nothing,
            "newestPath": before == nil ? .nothing : .text(path),
        ]) { $1 }
    }
}

/// What a job's last runs amount to. Pure.
package struct JobFigures: Sendable {
    /// Runs that ended, whatever way.
    package let finished: Int
    /// Runs that passed or failed; aborted ones say nothing of the job.
    package let judged: Int
    /// Whole percent; nil where nothing was judged.
    package let passRate: Int?
    package let medianSeconds: Double?
    package let isFailing: Bool
    /// Since when, and with which run, it began to end as it ends now; as far back as was looked.
    package let streakSince: Date?
    package let streakRun: RunID?
    package let streakLength: Int

    /// - Parameter runs: newest first.
    package init(_ runs: [RunSummary]) {
        finished = runs.count { $0.state.isFinished }
        let judgedRuns = runs.filter { [.success, .failure, .error].contains($0.state) }
        judged = judgedRuns.count
        let passed = judgedRuns.count { $0.state == .success }
        passRate = judged == 0 ? nil : 100 * passed / judged
        let seconds = judgedRuns.compactMap { run -> Double? in
            guard let start = run.startedAt, let end = run.finishedAt else { return nil }
            return end.timeIntervalSince(start)
        }.sorted()
        medianSeconds = seconds.isEmpty ? nil : seconds[seconds.count / 2]
        isFailing = judgedRuns.first.map { $0.state != .success } ?? false
        let isFailing = isFailing
        let streak = judgedRuns.prefix { ($0.state != .success) == isFailing }
        streakLength = streak.count
        streakSince = streak.last?.finishedAt
        streakRun = streak.last?.runID
    }

    var streakText: String {
        guard judged > 0 else { return "Never ended yet" }
        let times = streakLength == 1 ? "once" : "\(streakLength) times"
        return isFailing ? "Failing, \(times) in a row" : "Passing, \(times) in a row"
    }
}
