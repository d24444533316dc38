import Fleet
import FoundationEssentials
import Logging
import Postgres
import SlipwayModel

/// Looks after what nobody else does any more: leases whose holders are gone, lost places, pools that shrink and grow.
struct Caretaker: Sendable {
    let desk: LeaseDesk
    let runs: RunLeases
    let database: PostgresPool
    let logger: Logger

    func round() async throws {
        // First, so that no run loses its lease because nobody has looked for a while.
        try await runs.round()
        while try await endOverdue() {}
        try await forgetPlaces()
        try await tendPools()
    }

    /// Ends leases that were not renewed in time: what they held is dirty now.
    ///
    /// - Returns: whether there may be more.
    private func endOverdue() async throws -> Bool {
        let overdue = try await database.execute(LeasesStore.overdueLeases).map { row in
            try row.decode((String, String, Int64, String, UUID?).self)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (name, _, token, owner, _) in overdue {
                group.addTask {
                    // By its token: one that was renewed or given back meanwhile is left alone.
                    var back = LeaseReturn(name: name, token: token, dest: "dirty")
                    back.isOperator = true
                    back.endedBy = "expiry"
                    guard case .done = try await desk.giveBack(back) else { return }
                    logger.warning("the lease of \(name) by \(owner) has ended: it was not renewed in time")
                }
            }
            try await group.waitForAll()
        }
        return overdue.count == 1000
    }

    private func forgetPlaces() async throws {
        let lines = try await database.execute(LeasesStore.lostPlaces).map { row in
            let (type, state) = try row.decode((String, String).self)
            return LeaseLine(type: type, state: state)
        }
        try await desk.serve(lines)
    }

    /// Dynamic pools between their least and greatest number; resources on their way out.
    private func tendPools() async throws {
        let types = try await database.execute(LeasesStore.drainingTypes).map { try $0.decode(String.self) }
        guard !types.isEmpty else { return }
        let lines = try await desk.bus.commit { effects in
            let database = effects.database
            try await database.execute(LeasesStore.lockPools, types)
            try await database.execute(LeasesStore.excessDynamic, types)
            try await database.execute(LeasesStore.dropTombstones, types)
            try await database.execute(LeasesStore.dropDrained, types)
            let made = try await database.execute(LeasesStore.fillMinimum, types)
            try await database.execute(LeasesStore.dropPools)
            return try made.map { row in
                let (type, state) = try row.decode((String, String).self)
                return LeaseLine(type: type, state: state)
            }
        }
        try await desk.serve(lines)
    }

    /// Once a minute.
    func sample() async throws {
        try await database.execute(LeasesStore.takeSample)
        try await database.execute(LeasesStore.forgetSamples)
        try await database.execute(LeasesStore.forgetHistory, LeaseLimits.historyDays)
    }
}

enum LeaseLimits {
    /// How long leases that have ended are remembered.
    static let historyDays = 90
}
