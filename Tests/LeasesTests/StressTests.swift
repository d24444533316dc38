import Fleet
import Foundation
import Leases
import Postgres
import SlipwayTesting
import Synchronization
import Testing

/// What a stress run did, in the order in which it was seen; and what must be true of it.
final class LeaseLog: Sendable {
    struct Grant: Sendable {
        var name: String
        var token: Int64
        var lease: UUID
        var seen: Int
        /// When its holder began to give it back; nil where he never did.
        var returned: Int?
    }

    private struct State {
        var grants: [String: [Int64: Grant]] = [:]
        var clock = 0
        var operations = 0
        var refusedOldTokens = 0
        var faults: [String] = []
    }

    private let state = Mutex(State())

    var operations: Int { state.withLock { $0.operations } }
    var refusedOldTokens: Int { state.withLock { $0.refusedOldTokens } }

    func count() { state.withLock { $0.operations += 1 } }
    func refuseOldToken() { state.withLock { $0.refusedOldTokens += 1 } }
    func fault(_ text: String) { state.withLock { $0.faults.append(text) } }

    func granted(_ name: String, _ token: Int64, _ lease: UUID) {
        state.withLock { state in
            state.clock += 1
            if let other = state.grants[name]?[token], other.lease != lease {
                state.faults.append("\(name) was granted twice under token \(token)")
            }
            state.grants[name, default: [:]][token] = Grant(name: name, token: token, lease: lease, seen: state.clock)
        }
    }

    func returning(_ name: String, _ token: Int64) {
        state.withLock { state in
            state.clock += 1
            state.grants[name]?[token]?.returned = state.clock
        }
    }

    /// - Parameter ended: by name and token, the leases that ended without their holder.
    func check(ended: Set<String>) -> [String] {
        state.withLock { state in
            var faults = state.faults
            for (name, grants) in state.grants {
                let inOrder = grants.values.sorted { $0.token < $1.token }
                for (earlier, later) in zip(inOrder, inOrder.dropFirst()) {
                    if ended.contains("\(name)/\(earlier.token)") { continue }
                    guard let returned = earlier.returned, returned < later.seen else {
                        faults.append("\(name): token \(later.token) while \(earlier.token) was held")
                        continue
                    }
                }
            }
            return faults
        }
    }
}

/// 64 clients at two desks over one database, as at two gateways; some pause past the end of their lease and come back
/// late; connections are cut all the while.
@Suite("Leases under stress", .serialized)
struct StressTests {
    private static let clients = 64
    private static let operations =
        Int(ProcessInfo.processInfo.environment["SLIPWAY_LEASE_OPERATIONS"] ?? "") ?? 100_000

    @Test("no two owners, nothing lost, every grant fenced, old tokens refused")
    func stress() async throws {
        let names = (0..<24).map { "board-\($0)" }
        let yaml = "resources: [{type: board, names: [\(names.joined(separator: ", "))]}]"
        try await LeasesHarness.run(yaml) { room in
            let log = LeaseLog()
            let desks = [room.desk, LeaseDesk(bus: room.bus)]
            let caretaker = try #require(room.room.chores.first { $0.name == "lease-caretaker" })
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<Self.clients {
                    group.addTask {
                        try await Self.client(number, desks[number % 2], log)
                        return true
                    }
                }
                group.addTask {
                    var random = SeededGenerator(seed: 99)
                    while !Task.isCancelled {
                        try? await caretaker.run()
                        await Self.clean(room.desk)
                        // Sessions of this database alone, a few at a time, in whatever they are doing.
                        _ = try? await room.bus.database.query(
                            """
                            select pg_terminate_backend(pid) from pg_stat_activity
                             where datname = current_database() and pid <> pg_backend_pid() and random() < 0.2
                            """)
                        try? await Task.sleep(for: .milliseconds(Int.random(in: 100...400, using: &random)))
                    }
                    return false
                }
                var left = Self.clients
                while left > 0, let isClient = try await group.next() { if isClient { left -= 1 } }
                group.cancelAll()
            }
            // Everything that somebody went away with ends.
            try await room.age(seconds: 10_000)
            try await caretaker.run()
            let ended = try await room.bus.database.query(
                "select name || '/' || token from leases.history where ended_by = 'expiry'"
            ).map { try $0.decode(String.self) }
            #expect(log.check(ended: Set(ended)) == [])
            #expect(log.operations >= Self.operations)
            #expect(log.refusedOldTokens > 0)
            #expect(try await room.resources().allSatisfy { $0.hasSuffix(" -") })
            #expect(try await room.resources().count == names.count)
            let fenced = try await room.bus.database.query(
                """
                select count(*) from leases.resources as resource
                 where resource.token <> (select count(*) from leases.history as ended where ended.name = resource.name)
                """
            ).one().decode(Int.self)
            #expect(fenced == 0, "a grant has no end in the history, or two have one token")
        }
    }

    /// Makes free what ran out, as a janitor does; what a lost connection leaves half done the next round finds.
    private static func clean(_ desk: LeaseDesk) async {
        var claim = LeaseClaim(
            owner: "janitor", wish: LeaseWish(type: "board", state: "dirty", dest: "cleaning"))
        claim.lasts = 2
        while case .granted(let resources, _, _)? = try? await desk.claim(claim) {
            for resource in resources {
                _ = try? await desk.giveBack(
                    LeaseReturn(name: resource.name, token: resource.token, dest: "free"))
            }
        }
    }

    private static func client(_ number: Int, _ desk: LeaseDesk, _ log: LeaseLog) async throws {
        var random = SeededGenerator(seed: UInt64(number))
        var late: (name: String, token: Int64, since: ContinuousClock.Instant)?
        while log.operations < operations {
            let id = UUID()
            var claim = LeaseClaim(owner: "client-\(number)", wish: LeaseWish(type: "board"), key: "lease/\(id)")
            claim.leaseID = id
            claim.lasts = 2
            claim.patience = .isTold(60)
            let resource = try await obtain(claim, id, desk, log)
            log.granted(resource.name, resource.token, id)
            if let old = late, .now - old.since > .seconds(5) {
                // Back from a pause: whatever he believes to hold may be another's by now.
                var back = LeaseReturn(name: old.name, token: old.token, dest: "free")
                back.isOperator = false
                if case .notHeld? = try? await desk.giveBack(back) { log.refuseOldToken() }
                log.count()
                late = nil
            }
            // One in fifty pauses: he gives nothing back until later, or never.
            if late == nil, Int.random(in: 0..<50, using: &random) == 0 {
                log.returning(resource.name, resource.token)
                late = (resource.name, resource.token, .now)
                continue
            }
            log.returning(resource.name, resource.token)
            await giveBack(resource.name, resource.token, desk, log)
        }
    }

    /// Asks under the same id until it is granted, whatever becomes of the connection.
    private static func obtain(
        _ claim: LeaseClaim, _ id: UUID, _ desk: LeaseDesk, _ log: LeaseLog
    ) async throws -> GrantedResource {
        let waiter = desk.waiters.join(id)
        defer { desk.waiters.leave(id, waiter.id) }
        while true {
            log.count()
            switch try? await desk.claim(claim) {
            case .granted(let resources, _, _)?:
                if let first = resources.first { return first }
            case .waiting?: _ = await waiter.wake.wait(atMost: .milliseconds(200))
            case nil: try await Task.sleep(for: .milliseconds(5))
            case let other?:
                log.fault("a claim was answered \(other)")
                throw CancellationError()
            }
        }
    }

    /// Gives back until it is certain that it was done.
    private static func giveBack(_ name: String, _ token: Int64, _ desk: LeaseDesk, _ log: LeaseLog) async {
        while true {
            log.count()
            switch try? await desk.giveBack(LeaseReturn(name: name, token: token, dest: "free")) {
            // Not held: an attempt whose answer was lost has done it, or the lease has ended.
            case .done?, .notHeld?: return
            case nil: try? await Task.sleep(for: .milliseconds(5))
            case let other?: return log.fault("a return of \(name) was answered \(other)")
            }
        }
    }
}
