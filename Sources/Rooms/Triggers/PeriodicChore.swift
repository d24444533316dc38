import Fleet
import FoundationEssentials
import JobConfig
import Logging
import Postgres
import Signatures
import SlipwayModel
import Synchronization

/// Fires periodic jobs. Every gateway runs it; the tick's primary key lets one of them win.
final class PeriodicChore: Sendable {
    private struct Plan {
        var version: Int64 = -1
        var jobs: [String: (schedule: Schedule, retry: PeriodicRetry?)] = [:]
        /// When each job is worth another look, by the database's clock.
        var nextLook: [String: Date] = [:]
    }

    private let bus: FleetBus
    private let plan = Mutex(Plan())

    init(_ bus: FleetBus) { self.bus = bus }

    var chore: Chore { Chore(name: "periodics", every: .seconds(1)) { [self] in try await round() } }

    func round() async throws {
        let version = try await bus.database.execute(TriggersStore.currentVersion).one().decode(Int64.self)
        if plan.withLock({ $0.version }) != version { try await load(version) }
        let now = Date()
        // A minute of slack for clocks that differ: the database's time decides, this only saves work.
        let candidates = plan.withLock { plan in
            plan.jobs.keys.filter { (plan.nextLook[$0] ?? .distantPast) <= now.addingTimeInterval(1) }
        }
        guard !candidates.isEmpty else { return }
        for row in try await bus.database.execute(TriggersStore.periodicStates, candidates) {
            let (job, firstSeen, lastInstant, lastStart, lastEnd, lastResult, retries, databaseNow) = try row.decode(
                (String, Date, Date?, Date?, Date?, RunState?, Int, Date).self)
            guard let (schedule, retry) = plan.withLock({ $0.jobs[job] }) else { continue }
            let state = PeriodicSchedule.State(
                firstSeen: firstSeen, lastInstant: lastInstant, lastStart: lastStart, lastEnd: lastEnd,
                lastResult: lastResult, retries: retries)
            let verdict = PeriodicSchedule.verdict(schedule, retry: retry, state, now: databaseNow)
            switch verdict {
            case .fire(let instant): try await settle(job, instant, fires: true)
            case .drop(let instant): try await settle(job, instant, fires: false)
            case .retry(let end): try await tryAgain(job, after: end)
            case .wait(let until):
                let pause = until.timeIntervalSince(databaseNow)
                plan.withLock { $0.nextLook[job] = now.addingTimeInterval(min(pause, 60)) }
            }
        }
    }

    private func settle(_ job: String, _ instant: Date, fires: Bool) async throws {
        try await bus.commit { effects in
            guard try await effects.claimTick("periodic/\(job)", at: instant) else { return }
            try await effects.database.execute(TriggersStore.recordInstant, job, instant)
            guard fires else { return }
            let microseconds = Int64((instant.timeIntervalSince1970 * 1_000_000).rounded())
            effects.emit(
                RunRequested(
                    requestID: .named("periodic/\(job)/\(microseconds)"), origin: .periodic, kind: .periodic, job: job))
        }
    }

    private func tryAgain(_ job: String, after end: Date) async throws {
        try await bus.commit { effects in
            guard try await effects.claimTick("periodic-retry/\(job)", at: end) else { return }
            try await effects.database.execute(TriggersStore.countRetry, job)
            let microseconds = Int64((end.timeIntervalSince1970 * 1_000_000).rounded())
            effects.emit(
                RunRequested(
                    requestID: .named("periodic-retry/\(job)/\(microseconds)"), origin: .periodic, kind: .periodic,
                    job: job))
        }
    }

    private func load(_ version: Int64) async throws {
        let jobs = try await bus.database.execute(TriggersStore.periodicJobs).map { row in
            try row.decode(JSON<ConfiguredJob>.self).value
        }
        try await bus.database.execute(TriggersStore.seePeriodics, jobs.map(\.job.name))
        plan.withLock { plan in
            plan = Plan(
                version: version,
                jobs: Dictionary(
                    jobs.compactMap { job in job.schedule.map { (job.job.name, ($0, job.retry)) } },
                    uniquingKeysWith: { $1 }))
        }
    }
}
