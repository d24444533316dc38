import Fleet
import Foundation
import Leases
import Postgres
import SlipwayTesting
import Testing

@Suite("The desk")
struct DeskTests {
    @Test("what is free is granted once, oldest first, under a token that grows")
    func grants() async throws {
        try await LeasesHarness.run { room in
            let first = try await room.claim("board", owner: "a")
            let second = try await room.claim("board", owner: "b")
            let third = try await room.claim("board", owner: "c")
            #expect(Set([first, second, third].compactMap { $0?.first }).count == 3)
            #expect(try await room.claim("board", owner: "d") == nil)
            let name = try #require(first?.first)
            #expect(try await room.giveBack(name, owner: "a") == .done)
            let again = try await room.desk.claim(LeaseClaim(owner: "d", wish: LeaseWish(type: "board")))
            #expect(again.tokens == [2])
        }
    }

    @Test("only whoever holds a resource gives it back, and once")
    func returns() async throws {
        try await LeasesHarness.run { room in
            let name = try #require(try await room.claim("bench", owner: "a")?.first)
            #expect(try await room.giveBack(name, owner: "b") == .notHeld(by: "a"))
            #expect(try await room.giveBack("no-such", owner: "a") == .unknownResource)
            #expect(try await room.giveBack(name, owner: "a", dest: "dirty") == .done)
            #expect(try await room.giveBack(name, owner: "a") == .notHeld(by: ""))
            #expect(try await room.claim("bench", owner: "a") == nil)
            #expect(try await room.claim("bench", owner: "a", state: "dirty") == ["bench-1"])
        }
    }

    @Test("an old token gives nothing back")
    func fencing() async throws {
        try await LeasesHarness.run { room in
            _ = try await room.claim("bench", owner: "a")
            #expect(try await room.giveBack("bench-1", owner: "a") == .done)
            _ = try await room.claim("bench", owner: "a")
            #expect(
                try await room.desk.giveBack(LeaseReturn(name: "bench-1", token: 1, dest: "free")) == .notHeld(by: "a"))
            #expect(try await room.desk.renew(LeaseRenewal(name: "bench-1", token: 1)) == .notHeld(by: "a"))
            #expect(try await room.desk.giveBack(LeaseReturn(name: "bench-1", token: 2, dest: "free")) == .done)
        }
    }

    @Test("places are kept in the order of coming, for as long as somebody comes back")
    func line() async throws {
        try await LeasesHarness.run { room in
            _ = try await room.claim("bench", owner: "a")
            #expect(try await room.claim("bench", owner: "b", key: "b") == nil)
            #expect(try await room.claim("bench", owner: "c", key: "c") == nil)
            #expect(try await room.giveBack("bench-1", owner: "a") == .done)
            #expect(try await room.claim("bench", owner: "c", key: "c") == nil)
            #expect(try await room.claim("bench", owner: "d") == nil)
            #expect(try await room.claim("bench", owner: "b", key: "b") == ["bench-1"])
            #expect(try await room.giveBack("bench-1", owner: "b") == .done)
            try await room.age(seconds: 31)
            #expect(try await room.claim("bench", owner: "d") == ["bench-1"])
        }
    }

    @Test("one type of which several are wanted, and several types, at once or not at all")
    func several() async throws {
        try await LeasesHarness.run { room in
            #expect(try await room.claim("board", owner: "a", count: 4) == nil)
            #expect(try await room.claim("board", owner: "a", count: 3)?.count == 3)
            let wish = LeaseWish(items: [
                LeaseWish.Item(types: ["board"]), LeaseWish.Item(types: ["bench"]),
            ])
            let answer = try await room.desk.claim(LeaseClaim(owner: "b", wish: wish))
            #expect(answer == .waiting(isNew: true, overQuotaOf: nil))
            #expect(try await room.claim("bench", owner: "c") == ["bench-1"])
        }
    }

    @Test("a long wait ends when its turn comes, in the order of coming")
    func longWait() async throws {
        try await LeasesHarness.run { room in
            let leases = NativeLeases(room.desk)
            _ = try await room.claim("bench", owner: "a")
            let (first, second) = (UUID(), UUID())
            async let one = leases.acquire(first, owner: "b", wish: LeaseWish(type: "bench"), wait: .seconds(60))
            try await eventually("the first waits") {
                try await leases.look(first, owner: "b").lease?.state == .waiting
            }
            async let two = leases.acquire(second, owner: "c", wish: LeaseWish(type: "bench"), wait: .seconds(60))
            try await eventually("the second waits behind it") {
                try await leases.look(second, owner: "c").lease?.before == 1
            }
            #expect(try await room.giveBack("bench-1", owner: "a") == .done)
            let lease = try #require((try await one).lease)
            #expect(lease.state == .granted)
            let token = try #require(lease.token)
            #expect(try await leases.release(first, owner: "b", token: token - 1, dest: "free") == .stale)
            _ = try await leases.release(first, owner: "b", token: token, dest: "free")
            let next = try #require((try await two).lease)
            #expect(next.state == .granted && next.token == token + 1)
        }
    }

    @Test("a lease that nobody renews ends, and its resource is dirty")
    func expiry() async throws {
        try await LeasesHarness.run { room in
            _ = try await room.claim("bench", owner: "a")
            try await room.tend()
            #expect(try await room.resources().contains("bench-1 leased a"))
            try await room.age(seconds: 1801)
            try await room.tend()
            #expect(try await room.resources().contains("bench-1 dirty -"))
        }
    }

    @Test("a pool that shrinks is drained")
    func drain() async throws {
        try await LeasesHarness.run { room in
            let name = try #require(try await room.claim("board", owner: "a")?.first)
            let applied = try await room.apply("resources: [{type: bench, names: [bench-1]}]")
            #expect(applied.removed == 4)
            #expect(try await room.resources() == ["bench-1 free -", "\(name) leased a"])
            #expect(try await room.claim("board", owner: "b") == nil)
            #expect(try await room.desk.renew(LeaseRenewal(name: name, owner: "a")) != .unknownResource)
            #expect(try await room.giveBack(name, owner: "a") == .done)
            try await room.tend()
            #expect(try await room.resources() == ["bench-1 free -"])
        }
    }

    @Test("dynamic pools grow when somebody waits, up to their greatest number")
    func dynamic() async throws {
        try await LeasesHarness.run("resources: [{type: vm, state: free, min-count: 1, max-count: 2}]") { room in
            try await room.tend()
            #expect(try await room.resources().count == 1)
            #expect(try await room.claim("vm", owner: "a") != nil)
            #expect(try await room.claim("vm", owner: "b") == nil)
            #expect(try await room.resources().count == 1)
            #expect(try await room.claim("vm", owner: "b", key: "b") == nil)
            #expect(try await room.resources().count == 2)
            #expect(try await room.claim("vm", owner: "b", key: "b") != nil)
            #expect(try await room.claim("vm", owner: "c", key: "c") == nil)
            #expect(try await room.resources().count == 2)
        }
    }

    @Test("of several returns of one resource in one breath the first by its holder counts")
    func returnsTogether() async throws {
        try await LeasesHarness.run { room in
            _ = try await room.claim("bench", owner: "a")
            let answer = try await room.desk.giveBack([
                LeaseReturn(name: "bench-1", owner: "b", dest: "dirty"),
                LeaseReturn(name: "bench-1", owner: "a", dest: "free"),
                LeaseReturn(name: "bench-1", owner: "a", dest: "dirty"),
            ])
            #expect(answer == .notHeld(by: ""))
            #expect(try await room.resources().contains("bench-1 free -"))
        }
    }

    @Test("whoever builds a composite and dies in between leaves nothing behind that the next one does not find")
    func composite() async throws {
        let yaml = """
            resources:
            - {type: board, state: free, names: [board-1, board-2, board-3, board-4]}
            - {type: rack, state: dirty, min-count: 1, max-count: 1, needs: {board: 2}}
            """
        try await LeasesHarness.run(yaml) { room in
            try await room.tend()
            let rack = try #require(try await room.claim("rack", owner: "a")?.first)
            #expect(try await room.resources().count { $0.hasSuffix("leased part-of/\(rack)") } == 2)
            _ = try await room.giveBack(rack, owner: "a", dest: "dirty")
            // The boards were taken, and what they are for was not noted.
            _ = try await room.bus.database.query("update leases.resources set user_data = '{}' where name = \(rack)")
            try await room.tend()
            #expect(try await room.claim("rack", owner: "b") == [rack])
            #expect(try await room.resources().count { $0.hasSuffix("leased part-of/\(rack)") } == 2)
        }
    }
}

extension DeskAnswer {
    /// The tokens of what was granted.
    fileprivate var tokens: [Int64]? {
        guard case .granted(let resources, _, _) = self else { return nil }
        return resources.map(\.token)
    }
}

extension NativeLeases.Verdict {
    fileprivate var lease: NativeLeases.Lease? {
        guard case .lease(let lease) = self else { return nil }
        return lease
    }
}
