import FoundationEssentials
import SlipwayModel
import Web

/// `/`: what runs now, what failed last, what waits where.
struct OverviewPage {
    let store: ResultsStore

    private static let rows = 12

    func values(now: Date) async throws -> [String: PageValue] {
        var running = RunFilter()
        running.state = .running
        var failed = RunFilter()
        failed.state = .failed
        let hourAgo = UInt64(max(0, now.timeIntervalSince1970 - 3600) * 1000)
        async let runningRuns = store.runs(running, limit: Self.rows)
        async let failedRuns = store.runs(failed, limit: Self.rows)
        async let queues = store.queues()
        async let recent = store.recentCounts(since: RunID(UUID.version7(milliseconds: hourAgo).floor))
        let (clusters, counts) = try await (queues, recent)
        let isRunning = try await Array(runningRuns.prefix(Self.rows))
        let hasFailed = try await Array(failedRuns.prefix(Self.rows))
        let runningCount = clusters.reduce(0) { $0 + $1.running }
        let waitingCount = clusters.reduce(0) { $0 + $1.waiting + $1.dispatched }
        let passed = counts.finished - counts.failed
        return [
            "running": .number(runningCount),
            "waiting": .number(waitingCount),
            "finished": .number(counts.finished),
            "rate": .text(counts.finished == 0 ? "–" : "\(100 * passed / counts.finished) %"),
            "wait": .text(counts.medianWait.map { HumanTime.duration($0) } ?? "–"),
            "runningRuns": .objects(try await RunRow.rows(isRunning, store: store, now: now)),
            "noneRunning": .flag(isRunning.isEmpty),
            "moreRunning": .flag(runningCount > isRunning.count),
            "nothingRunning": .text(ResultsText.nothingRunning),
            "failedRuns": .objects(try await RunRow.rows(hasFailed, store: store, now: now)),
            "noneFailed": .flag(hasFailed.isEmpty),
            "nothingFailed": .text(ResultsText.nothingFailed),
            "noneAtAll": .flag(isRunning.isEmpty && hasFailed.isEmpty && counts.finished == 0 && waitingCount == 0),
            "noRuns": .text(ResultsText.noRuns),
            "clusters": .objects(clusters.map { Self.cluster($0, now: now) }),
            "noClusters": .flag(clusters.isEmpty),
            "noAgents": .text(ResultsText.noAgents),
        ]
    }

    private static func cluster(_ queue: ClusterQueue, now: Date) -> [String: PageValue] {
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
