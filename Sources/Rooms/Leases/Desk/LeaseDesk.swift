package import Fleet
package import FoundationEssentials
import JobConfig
import Postgres
import SlipwayModel
import Synchronization

/// Where resources are granted and given back: whatever comes in while a transaction is under way shares the next one,
/// so that a busy desk pays one commit for many and an idle one waits for nothing.
///
/// A transaction holds the pools it touches, so that there is one order in which resources of a type change hands,
/// over all processes. It gives back, looks at what is free and who is first, lets `GrantPlan` decide, and writes the
/// grants, each fenced by the resource's last token.
package final class LeaseDesk: Sendable {
    let bus: FleetBus
    package let waiters: LeaseWaiters
    private let pools = PoolCache()
    private let calls: GroupCommit<[DeskCall], [DeskAnswer]>
    private let renewals: GroupCommit<LeaseRenewal, RenewalAnswer>

    /// - Parameter limit: callers that share a transaction at most.
    package init(bus: FleetBus, limit: Int = 400) {
        self.bus = bus
        let waiting = LeaseWaiters()
        waiters = waiting
        let pools = pools
        calls = GroupCommit(limit: limit) { calls in
            var answers = try await DeskBatch.perform(calls.flatMap(\.self), bus: bus, pools: pools, waiting: waiting)[
                ...]
            return calls.map { own in
                defer { answers = answers.dropFirst(own.count) }
                return Array(answers.prefix(own.count))
            }
        }
        renewals = GroupCommit(limit: limit) { try await LeaseRenewal.perform($0, bus: bus) }
    }

    package func claim(_ claim: LeaseClaim) async throws -> DeskAnswer { try await perform([.claim(claim)])[0] }

    package func giveBack(_ back: LeaseReturn) async throws -> DeskAnswer { try await giveBack([back]) }

    /// Gives back all of these in one transaction, as far as they are held; answers `.done` where all were.
    package func giveBack(_ backs: [LeaseReturn]) async throws -> DeskAnswer {
        backs.isEmpty ? .done : try await perform([.giveBack(backs)])[0]
    }

    /// Lets those in line have what became free by other ways than the desk.
    package func serve(_ lines: [LeaseLine]) async throws {
        guard !lines.isEmpty else { return }
        _ = try await perform([.serve(lines)])
    }

    /// - Returns: an answer per call, in order, of one transaction.
    func perform(_ work: [DeskCall]) async throws -> [DeskAnswer] {
        var answers = try await calls.submit(work)
        // A name may have come back under another type than this process knew.
        let vanished = work.indices.filter { answers[$0] == .unknownResource }
        guard !vanished.isEmpty else { return answers }
        for (place, answer) in zip(vanished, try await calls.submit(vanished.map { work[$0] })) {
            answers[place] = answer
        }
        return answers
    }

    package func renew(_ renewal: LeaseRenewal) async throws -> RenewalAnswer {
        try await renewals.submit(renewal)
    }
}

/// A sign of life of a holder, and what he notes.
package struct LeaseRenewal: Sendable, Hashable {
    package var name: String
    package var owner: String?
    package var token: Int64?
    package var account: String?
    package var isOperator = false
    /// The state that it has to be in; nil: any.
    package var state: String?
    /// What to note, by key; an empty value takes the key away.
    package var notes: [String: String]?
    /// Seconds from now on, instead of those so far.
    package var lasts: Double?

    package init(name: String, owner: String? = nil, token: Int64? = nil, account: String? = nil) {
        self.name = name
        self.owner = owner
        self.token = token
        self.account = account
    }

    static func perform(_ renewals: [LeaseRenewal], bus: FleetBus) async throws -> [RenewalAnswer] {
        let rows = try await bus.database.execute(
            LeasesStore.renew, renewals.map(\.name), renewals.map(\.owner), renewals.map(\.token),
            renewals.map(\.account), renewals.map(\.isOperator), renewals.map(\.state),
            renewals.map { $0.notes.map { JSON($0.filter { !$0.value.isEmpty }) } },
            renewals.map { $0.notes.map { JSON($0.filter { $0.value.isEmpty }.map(\.key)) } },
            renewals.map(\.lasts))
        return try zip(renewals, rows).map { renewal, row in
            let (exists, owner, state, isHolder, isKept, expiresAt) = try row.decode(
                (Bool, String, String, Bool, Bool, Date?).self)
            if !exists { return .unknownResource }
            if !isHolder { return .notHeld(by: owner) }
            if let wanted = renewal.state, wanted != state { return .otherState(state) }
            return isKept ? .kept(until: expiresAt ?? .distantFuture) : .again
        }
    }
}

package enum RenewalAnswer: Sendable, Hashable {
    case kept(until: Date)
    case notHeld(by: String)
    case otherState(String)
    case unknownResource
    /// Another call noted something about the resource in the same breath: say it again.
    case again
}

/// The settings of pools, decoded once for each version of them; and the types of resources.
final class PoolCache: Sendable {
    private struct Known {
        var pools: [String: (version: Int64, pool: LeasePool)] = [:]
        var types: [String: String] = [:]
    }

    private let known = Mutex(Known())

    /// What is known of these versions; nil for the types that have to be read.
    func pools(_ versions: [String: Int64]) -> (known: [String: LeasePool], missing: [String]) {
        known.withLock { known in
            var found: [String: LeasePool] = [:]
            var missing: [String] = []
            for (type, version) in versions {
                if let entry = known.pools[type], entry.version == version {
                    found[type] = entry.pool
                } else {
                    missing.append(type)
                }
            }
            return (found, missing)
        }
    }

    func pool(_ type: String) -> LeasePool? { known.withLock { $0.pools[type]?.pool } }

    func remember(_ pool: LeasePool, version: Int64) {
        known.withLock { $0.pools[pool.type] = (version, pool) }
    }

    func types(of names: [String]) -> [String: String] {
        known.withLock { known in
            Dictionary(names.compactMap { name in known.types[name].map { (name, $0) } }) { $1 }
        }
    }

    func remember(types: [String: String]) {
        known.withLock { known in
            if known.types.count > 500_000 { known.types = [:] }
            known.types.merge(types) { $1 }
        }
    }

    func forget(_ names: [String]) { known.withLock { known in names.forEach { known.types[$0] = nil } } }
}

/// Those who wait in this process to be told that it is their turn.
package final class LeaseWaiters: Sendable {
    private let wakes = Mutex<[UUID: [Int: WakeUp]]>([:])
    private let lastID = Mutex(0)

    package init() {}

    package func join(_ lease: UUID) -> (id: Int, wake: WakeUp) {
        let id = lastID.withLock { last in
            last += 1
            return last
        }
        let wake = WakeUp()
        wakes.withLock { $0[lease, default: [:]][id] = wake }
        return (id, wake)
    }

    package func leave(_ lease: UUID, _ id: Int) {
        wakes.withLock { wakes in
            wakes[lease]?[id] = nil
            if wakes[lease]?.isEmpty == true { wakes[lease] = nil }
        }
    }

    func isHere(_ lease: UUID) -> Bool { wakes.withLock { $0[lease] != nil } }

    package func wake(_ leases: some Sequence<UUID>) {
        let all = wakes.withLock { wakes in leases.flatMap { wakes[$0].map { Array($0.values) } ?? [] } }
        for wake in all { wake.signal() }
    }

    /// Everybody looks again: something may have been missed.
    package func wakeAll() {
        let all = wakes.withLock { $0.values.flatMap(\.values) }
        for wake in all { wake.signal() }
    }

    package var count: Int { wakes.withLock { $0.count } }
}
