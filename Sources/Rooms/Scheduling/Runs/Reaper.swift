import Fleet
import FoundationEssentials
import Logging
import Postgres
import SlipwayModel

/// Looks after what nobody else does any more: attempts of vanished agents, passed deadlines, lost messages.
struct Reaper: Sendable {
    let bus: FleetBus
    let limits: SchedulingLimits

    /// One round; also the safety net of the dispatcher.
    func round() async throws {
        let mayJudge = try await bus.commit { [limits] effects in
            try await effects.database.execute(SchedulingStore.beginRound, limits.agentLostAfter).one()
                .decode(Bool.self)
        }
        if mayJudge { while try await takeLost() {} }
        try await endOverdue()
        try await sendAgain()
        try await dispatchEverywhere()
        try await bus.database.execute(SchedulingStore.forgetAgents)
    }

    /// - Returns: whether there may be more.
    private func takeLost() async throws -> Bool {
        try await bus.commit { [bus, limits] effects in
            let rows = try await effects.database.execute(SchedulingStore.lostAttempts, limits.agentLostAfter)
            let attempts = try rows.map(HeldAttempt.init)
            var changes = RunChanges(effects, topology: bus.topology, limits: limits)
            try await changes.giveUp(attempts, because: .agentVanished)
            try await changes.dispatch()
            for attempt in attempts {
                bus.logger.warning(
                    "agent \(attempt.agent) vanished during attempt \(attempt.number) of run \(attempt.runID)")
            }
            return attempts.count == 1000
        }
    }

    private func endOverdue() async throws {
        try await bus.commit { [bus, limits] effects in
            var changes = RunChanges(effects, topology: bus.topology, limits: limits)
            let overdue = try await effects.database.execute(SchedulingStore.overdueRuns)
            let long = try await effects.database.execute(SchedulingStore.longRuns, limits.maximumHours)
            let aborts = try overdue.map {
                RunAbort(runID: try $0.decode(UUID.self), by: "slipway", reason: SchedulingText.deadlinePassed)
            }
            let ends = try long.map {
                RunAbort(
                    runID: try $0.decode(UUID.self), by: "slipway",
                    reason: SchedulingText.ranTooLong(hours: limits.maximumHours))
            }
            try await changes.abort(aborts + ends)
            try await changes.dispatch()
        }
    }

    private func sendAgain() async throws {
        try await bus.commit { [bus, limits] effects in
            let changes = RunChanges(effects, topology: bus.topology, limits: limits)
            let rows = try await effects.database.execute(
                SchedulingStore.unclaimedRuns, limits.unclaimedAfter, limits.agentLostAfter)
            for row in rows {
                let (build, cluster) = try row.decode((Int64, String).self)
                try changes.send([BuildID(build)], to: cluster)
            }
        }
    }

    private func dispatchEverywhere() async throws {
        try await bus.commit { [bus, limits] effects in
            var changes = RunChanges(effects, topology: bus.topology, limits: limits)
            for row in try await effects.database.execute(SchedulingStore.liveClusters, limits.agentLostAfter) {
                changes.touch(try row.decode(String.self))
            }
            try await changes.dispatch()
        }
    }
}

/// A running attempt whose row this transaction holds.
struct HeldAttempt: Sendable {
    var runID: RunID
    var buildID: BuildID
    var agent: String
    var number: Int
    var losses: Int
    var cancelReason: String?

    init(_ row: Row) throws(PostgresError) {
        let (runID, buildID, agent, number, losses, cancelReason) = try row.decode(
            (UUID, Int64, String, Int, Int, String?).self)
        self.runID = RunID(runID)
        self.buildID = BuildID(buildID)
        self.agent = agent
        self.number = number
        self.losses = losses
        self.cancelReason = cancelReason
    }
}

/// What becomes of an attempt that its agent does not complete. Pure.
package enum AbandonedAttempt: Hashable, Sendable {
    package enum Cause: Hashable, Sendable {
        case agentVanished
        /// The agent shuts down; not the run's fault, so it does not count.
        case handedBack
    }

    case aborted(reason: String)
    case waits(reason: String, losses: Int)
    case error(reason: String)

    /// - Parameter losses: how often agents of this run vanished before.
    package init(
        _ cause: Cause, agent: String, attempt: Int, losses: Int, cancelReason: String?, limits: SchedulingLimits
    ) {
        if let cancelReason {
            self = .aborted(reason: cancelReason)
        } else if cause == .handedBack {
            self = .waits(reason: SchedulingText.handedBack(agent, attempt: attempt), losses: losses)
        } else if losses < limits.maximumLosses {
            self = .waits(reason: SchedulingText.agentVanished(agent, attempt: attempt), losses: losses + 1)
        } else {
            self = .error(reason: SchedulingText.agentsVanished(agent, times: losses + 1))
        }
    }
}

extension RunChanges {
    /// Ends held attempts that their agent does not complete: back to waiting under a new build id, or the run's end.
    mutating func giveUp(_ attempts: [HeldAttempt], because cause: AbandonedAttempt.Cause) async throws {
        var waiting: [(run: UUID, reason: String, losses: Int)] = []
        var ended: [(run: UUID, state: RunState, reason: String)] = []
        for attempt in attempts {
            let verdict = AbandonedAttempt(
                cause, agent: attempt.agent, attempt: attempt.number, losses: attempt.losses,
                cancelReason: attempt.cancelReason, limits: limits)
            switch verdict {
            case .waits(let reason, let losses): waiting.append((attempt.runID.uuid, reason, losses))
            case .aborted(let reason): ended.append((attempt.runID.uuid, .aborted, reason))
            case .error(let reason): ended.append((attempt.runID.uuid, .error, reason))
            }
        }
        if !waiting.isEmpty {
            let rows = try await database.execute(
                SchedulingStore.returnToWaiting, waiting.map(\.run), waiting.map(\.reason), waiting.map(\.losses))
            for row in rows { touch(try row.decode(String.self)) }
        }
        if !ended.isEmpty {
            let rows = try await database.execute(
                SchedulingStore.endAttempts, ended.map(\.run), ended.map(\.state.rawValue), ended.map(\.reason))
            try announceEnds(of: rows.map(EndedRun.init))
        }
    }
}
