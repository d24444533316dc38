import Fleet
import FoundationEssentials
import Postgres
import SlipwayModel
import Synchronization

/// The calls of one transaction, from what they ask to what became of them.
struct DeskBatch: Sendable {
    let calls: [DeskCall]
    let pools: PoolCache
    let waiting: LeaseWaiters
    /// Types to hold beside those that the calls name, since somebody first in line wants them too.
    var further: Set<String> = []
    /// How many of those in line are looked at, at least.
    var depth = 0

    /// - Returns: an answer per call, in order.
    static func perform(
        _ calls: [DeskCall], bus: FleetBus, pools: PoolCache, waiting: LeaseWaiters
    ) async throws -> [DeskAnswer] {
        var batch = DeskBatch(calls: calls, pools: pools, waiting: waiting)
        var answers: [DeskAnswer]?
        while true {
            let types = try await batch.typesOfNames(bus.database)
            do {
                let done = try await batch.commit(types, bus)
                waiting.wake(done.woken)
                answers = answers ?? done.answers
                guard !done.grown.isEmpty else { break }
                batch = DeskBatch(calls: [.serve(done.grown)], pools: pools, waiting: waiting)
            } catch let error as PoolsMissing {
                batch.further.formUnion(error.types)
            } catch is LineTooShort {
                batch.depth = max(100, batch.depth * 10)
            }
        }
        return answers ?? []
    }

    /// The transaction does not hold every pool that somebody first in line wants something of.
    struct PoolsMissing: Error {
        let types: Set<String>
    }

    /// Somebody further back in line may have what those who were looked at do not take.
    struct LineTooShort: Error {}

    /// So many are looked at in any case; who stands behind them may be passed.
    static let greatestDepth = 100_000

    struct Done: Sendable {
        var answers: [DeskAnswer]
        /// Leases of others that were granted.
        var woken: [UUID]
        /// Lines with resources that were not there yet when the decision was made.
        var grown: [LeaseLine]
    }

    /// The types of the resources that are given back. A name has one type for as long as it exists.
    private func typesOfNames(_ database: PostgresPool) async throws -> [String: String] {
        var names: [String] = []
        for case .giveBack(let backs) in calls { names += backs.map(\.name) }
        guard !names.isEmpty else { return [:] }
        var types = pools.types(of: names)
        let missing = names.filter { types[$0] == nil }
        if !missing.isEmpty {
            for row in try await database.execute(LeasesStore.typesOfNames, missing) {
                let (name, type) = try row.decode((String, String).self)
                types[name] = type
            }
            pools.remember(types: types)
        }
        return types
    }

    /// Where COMMIT is not answered, finds out what became of it: whoever was granted something must hear of that, or it
    /// lies idle until his patience ends.
    private func commit(_ types: [String: String], _ bus: FleetBus) async throws -> Done {
        var attempts = 1
        while true {
            let last = Mutex<(round: DeskRound, done: Done)?>(nil)
            do {
                return try await bus.commit { effects in
                    var round = DeskRound(batch: self, typesOfNames: types)
                    try await round.look(effects.database)
                    try round.decide()
                    let done = try await round.write(effects)
                    last.withLock { [round] in $0 = (round, done) }
                    return done
                }
            } catch let error as PostgresError where error.kind == .commitUnknown && attempts < 3 {
                if let (round, done) = last.withLock({ $0 }), let proof = round.proof,
                    try await Self.happened(proof, round.types, bus.database)
                {
                    return done
                }
                attempts += 1
            }
        }
    }

    /// Whether a transaction happened whose COMMIT was not answered. Waits for its locks, so that it is over.
    private static func happened(
        _ proof: DeskRound.Proof, _ types: [String], _ database: PostgresPool
    ) async throws -> Bool {
        try await database.transaction { transaction in
            try await transaction.pipeline([
                (LeasesStore.lockPools, [types]), (LeasesStore.happened, [proof.name, proof.token, proof.at]),
            ])[1].one().decode(Bool.self)
        }
    }
}

/// A resource that was free changed under the transaction's hands; the whole is done again.
struct ResourceMoved: Error, CustomStringConvertible {
    let description = "a resource that was free has been taken by a change made past the desk; try again"
}
