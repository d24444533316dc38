import Fleet
import FoundationEssentials
import Postgres
import SlipwayModel

/// Messages in: runs that want resources, and runs that have ended.
///
/// The desk has transactions of its own, each harmless to repeat: a run's lease has the run's id, so that asking for it
/// again finds it. That it was granted is told by the desk, with the grant.
struct LeasesWorker: Worker {
    let name = "leases"
    let topics = [LeaseRequested.type, LeaseReturned.type]
    let runs: RunLeases

    func plan(_ messages: [Message]) async throws -> CommitPlan {
        var requests: [LeaseRequested] = []
        var returns: [LeaseReturned] = []
        for message in messages {
            if message.envelope.type == LeaseRequested.type {
                requests.append(try message.decode(LeaseRequested.self))
            } else {
                returns.append(try message.decode(LeaseReturned.self))
            }
        }
        let ended = Set(returns.map(\.runID))
        let refused = try await runs.request(requests.filter { !ended.contains($0.runID) })
        try await runs.end(returns.map(\.runID))
        return { effects in
            for lost in refused { effects.emit(lost) }
        }
    }
}

/// What runs hold and wait for.
struct RunLeases: Sendable {
    let desk: LeaseDesk
    private let estimates = LineEstimates()
    private var database: PostgresPool { desk.bus.database }

    /// Seconds that a run's lease lasts without a look at the run, which comes every few seconds.
    static let lasts = 120.0
    /// Seconds that a run's place is kept without one.
    private static let kept = 86_400.0

    init(desk: LeaseDesk) { self.desk = desk }

    static func key(_ run: RunID) -> String { "run/\(run)" }

    /// - Returns: the runs that can never have what they want.
    func request(_ requests: [LeaseRequested]) async throws -> [LeaseLost] {
        try await withThrowingTaskGroup(of: LeaseLost?.self) { group in
            for request in requests {
                group.addTask { try await self.request(request) }
            }
            var lost: [LeaseLost] = []
            for try await refusal in group { if let refusal { lost.append(refusal) } }
            return lost
        }
    }

    private func request(_ request: LeaseRequested) async throws -> LeaseLost? {
        var claim = LeaseClaim(
            owner: "slipway",
            wish: LeaseWish(items: request.items.map { LeaseWish.Item(types: $0.types, count: $0.count) }),
            key: Self.key(request.runID), patience: .isTold(Self.kept))
        claim.leaseID = request.runID.uuid
        claim.account = "slipway"
        claim.priority = min(max(request.priority, LeaseRules.priorities.lowerBound), LeaseRules.priorities.upperBound)
        claim.lasts = Self.lasts
        claim.runID = request.runID.uuid
        claim.job = request.job
        claim.reason = request.items.compactMap(\.reason).first
        guard case .unknownType(let type) = try await desk.claim(claim) else { return nil }
        return LeaseLost(runID: request.runID, reason: LeasesText.noSuchPool(type))
    }

    /// Gives back what ended runs hold, and gives up what they wait for.
    func end(_ runs: [RunID]) async throws {
        guard !runs.isEmpty else { return }
        try await end(
            held: try await database.execute(LeasesStore.heldByRuns, runs.map(\.uuid)),
            waiting: try await database.execute(LeasesStore.withdrawRuns, runs.map(\.uuid)))
    }

    private func end(held: Rows, waiting: Rows) async throws {
        let backs = try held.map { row in
            // A job may have left anything behind; where nobody cleans, nothing has to be cleaned.
            let (name, token, hasJanitor) = try row.decode((String, Int64, Bool).self)
            var back = LeaseReturn(name: name, token: token, dest: hasJanitor ? "dirty" : "free")
            back.isOperator = true
            back.endedBy = "run"
            return back
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for back in backs {
                group.addTask { _ = try await desk.giveBack(back) }
            }
            try await group.waitForAll()
        }
        try await desk.serve(
            Array(Set(try waiting.flatMap { try $0.decode(JSON<LeaseWish>.self).value.lines })).sorted())
    }

    /// One look at all runs that hold or want something: those that go on keep it, those that have ended, whatever
    /// became of the message, give it back.
    func round() async throws {
        try await database.execute(LeasesStore.keepRuns)
        let ended = try await database.execute(LeasesStore.endedRuns).map { RunID(try $0.decode(UUID.self)) }
        try await end(ended)
    }

    /// Tells waiting runs where they stand, when that has changed.
    func tellPlaces() async throws {
        var changed: [(request: Int64, run: RunID, text: String)] = []
        for row in try await database.execute(LeasesStore.placesOfRuns) {
            let (request, run, type, before, told) = try row.decode((Int64, UUID, String, Int, String?).self)
            let figures = try await estimates.figures(of: type, database)
            let text = LeasesText.waiting(type, before: before, figures)
            if text != told { changed.append((request, RunID(run), text)) }
        }
        guard !changed.isEmpty else { return }
        try await desk.bus.commit { [changed] effects in
            try await effects.database.execute(
                LeasesStore.notePlaces, changed.map(\.request), changed.map(\.text))
            for change in changed { effects.emit(LeaseWaiting(runID: change.run, text: change.text)) }
        }
    }
}
