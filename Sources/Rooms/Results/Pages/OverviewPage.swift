import FoundationEssentials
import SlipwayModel
import Web

/// `/`: what runs now, what failed last, what waits where, and how the last day or week went.
struct OverviewPage {
    let store: ResultsStore

    private static let rows = 12

    func values(span: Trends.Span, now: Date) async throws -> [String: PageValue] {
        var running = RunFilter()
        running.state = .running
        var failed = RunFilter()
        failed.state = .failed
        async let runningRuns = store.runs(running, limit: Self.rows)
        async let failedRuns = store.runs(failed, limit: Self.rows)
        async let queues = store.queues()
        async let pace = store.pace(since: now - span.seconds)
        let (clusters, rows) = try await (queues, pace)
        let isRunning = try await Array(runningRuns.prefix(Self.rows))
        let hasFailed = try await Array(failedRuns.prefix(Self.rows))
        let runningCount = clusters.reduce(0) { $0 + $1.running }
        let waitingCount = clusters.reduce(0) { $0 + $1.waiting + $1.dispatched }
        let hour = rows.filter { $0.beginsAt + PaceRow.seconds > now - 3600 }
            .reduce(PaceRow(beginsAt: now), +)
        let trends = Trends(rows, span: span, now: now)
        let all = trends.total
        return [
            "running": .number(runningCount),
            "waiting": .number(waitingCount),
            "finished": .number(hour.finished),
            "rate": .text(hour.judged == 0 ? "–" : "\(100 * hour.passed / hour.judged) %"),
            "wait": .text(WaitClasses.median(hour.waits).map { HumanTime.duration($0) } ?? "–"),
            "runningRuns": .objects(try await RunRow.rows(isRunning, store: store, now: now)),
            "noneRunning": .flag(isRunning.isEmpty),
            "moreRunning": .flag(runningCount > isRunning.count),
            "nothingRunning": .text(ResultsText.nothingRunning),
            "failedRuns": .objects(try await RunRow.rows(hasFailed, store: store, now: now)),
            "noneFailed": .flag(hasFailed.isEmpty),
            "nothingFailed": .text(ResultsText.nothingFailed),
            "noneAtAll": .flag(isRunning.isEmpty && hasFailed.isEmpty && all.finished == 0 && waitingCount == 0),
            "noRuns": .text(ResultsText.noRuns),
            "hasTrends": .flag(all.finished > 0),
            "spans": .objects(
                Trends.Span.allCases.map { choice in
                    [
                        "label": .text(choice.label), "isCurrent": .flag(choice == span),
                        "path": .text("/" + Link.query([("span", choice == .day ? nil : choice.rawValue)])),
                    ]
                }),
            "runsChart": .markup(trends.runs.html),
            "runsTotal": .text("\(all.finished) in \(span.label)"),
            "failuresChart": .markup(trends.failures.html),
            "failuresTotal": .text(all.judged == 0 ? "" : "\(100 * all.failed / all.judged) % in \(span.label)"),
            "waitsChart": .markup(trends.waits.html),
            "waitsTotal": .text(
                WaitClasses.median(all.waits).map { "\(HumanTime.duration($0)) in \(span.label)" } ?? ""),
            "clusters": .objects(clusters.map { ClusterRow.values($0, now: now) }),
            "noClusters": .flag(clusters.isEmpty),
            "noAgents": .text(ResultsText.noAgents),
        ]
    }
}

/// A cluster as the overview and the fleet's page show it.
enum ClusterRow {
    static func values(_ queue: ClusterQueue, now: Date) -> [String: PageValue] {
        [
            "name": .text(queue.cluster),
            "path": .text("/runs" + Link.query([("cluster", queue.cluster), ("state", "unfinished")])),
            "running": .number(queue.running),
            "waiting": .number(queue.waiting + queue.dispatched),
            "since": queue.waitingSince.map { .markup(.age($0, now: now)) } ?? .nothing,
            "agents": .number(queue.agents),
            "capacity": .number(queue.capacity),
            "isDeserted": .flag(queue.agents == 0),
        ]
    }
}
