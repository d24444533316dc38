import Foundation
import JobConfig
import Leases
import Testing

@Suite("Who gets what")
struct GrantPlanTests {
    /// People by name, in the order in which they came, and what becomes of them.
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// `name: 2 a + 1 b|c`, with `!` behind the name for a priority of one minute, `?` for somebody who polls and
        /// does not ask just now.
        var people: [String]
        var free: [String: Int]
        var pools: [LeasePool] = []
        var held: [String: [String: Int]] = [:]
        /// The names of those who get everything, in order.
        var granted: [String]
        var types: [String: [String]] = [:]
        /// Of lines that go on: the last one who was looked at.
        var lastSeen: [String: String] = [:]
        var needsMore = false
    }

    static let cases: [Case] = [
        Case(
            testDescription: "first come, first served", people: ["a: 1 x", "b: 1 x", "c: 1 x"], free: ["x": 2],
            granted: ["a", "b"]),
        Case(testDescription: "priority goes before", people: ["a: 1 x", "b!: 1 x"], free: ["x": 1], granted: ["b"]),
        Case(
            testDescription: "what is a poller's turn is kept for him", people: ["a?: 1 x", "b: 1 x"],
            free: ["x": 1], granted: []),
        Case(
            testDescription: "beyond what is kept there is enough", people: ["a?: 1 x", "b: 1 x"], free: ["x": 2],
            granted: ["b"]),
        Case(testDescription: "all or nothing", people: ["a: 1 x + 1 y"], free: ["x": 5, "y": 0], granted: []),
        Case(
            testDescription: "a wish for several is not starved by wishes for one",
            people: ["a: 1 x + 1 y", "b: 1 x"], free: ["x": 1, "y": 0], granted: []),
        Case(
            testDescription: "it keeps only what it wants", people: ["a: 1 x + 1 y", "b: 1 x"],
            free: ["x": 2, "y": 0], granted: ["b"]),
        Case(
            testDescription: "two that want the same two types in other orders do not stop each other",
            people: ["a: 1 x + 1 y", "b: 1 y + 1 x"], free: ["x": 1, "y": 1], granted: ["a"]),
        Case(
            testDescription: "three of one type wait for three", people: ["a: 3 x", "b: 1 x"], free: ["x": 2],
            granted: []),
        Case(
            testDescription: "one of several: the one with the greatest share to spare",
            people: ["a: 1 x|y"], free: ["x": 2, "y": 3], pools: [pool("x", 2), pool("y", 10)], granted: ["a"],
            types: ["a": ["x"]]),
        Case(
            testDescription: "one of several: the cheapest of equals", people: ["a: 1 x|y"],
            free: ["x": 2, "y": 2], pools: [pool("x", 4, cost: 3), pool("y", 4, cost: 1)], granted: ["a"],
            types: ["a": ["y"]]),
        Case(
            testDescription: "a quota stops its owner and nobody else", people: ["a: 1 x", "b: 1 x"],
            free: ["x": 1], pools: [pool("x", 3, quota: 2)], held: ["x": ["a": 2]], granted: ["b"]),
        Case(
            testDescription: "a quota counts what is granted at the same time",
            people: ["a: 1 x", "a: 1 x", "b: 1 x"], free: ["x": 3], pools: [pool("x", 3, quota: 1)],
            granted: ["a", "b"]),
        Case(
            testDescription: "what is reserved is not for others", people: ["a: 1 x", "vip: 1 x"], free: ["x": 1],
            pools: [pool("x", 3, reserved: ["vip": 1])], granted: []),
        Case(
            testDescription: "whoever holds his reserve keeps no more of it", people: ["a: 1 x"],
            free: ["x": 1], pools: [pool("x", 3, reserved: ["vip": 1])], held: ["x": ["vip": 1]], granted: ["a"]),
    ]

    static func pool(
        _ type: String, _ size: Int, cost: Double = 0, quota: Int? = nil, reserved: [String: Int] = [:]
    ) -> LeasePool {
        var pool = LeasePool(type: type)
        pool.names = (0..<size).map { "\(type)-\($0)" }
        pool.costPerHour = cost
        pool.quota = quota
        pool.reservations = reserved
        return pool
    }

    static let longLines: [Case] = [
        Case(
            testDescription: "who was looked at takes all there is", people: ["a: 1 x", "b: 1 x"], free: ["x": 1],
            granted: ["a"], lastSeen: ["x": "a"]),
        Case(
            testDescription: "who was looked at takes elsewhere, and whoever comes would pass somebody",
            people: ["a: 1 y|x", "b: 1 x"], free: ["x": 1, "y": 1], granted: ["a", "b"], lastSeen: ["x": "a"],
            needsMore: true),
        Case(
            testDescription: "who was looked at takes elsewhere, and somebody further back may have it",
            people: ["a: 1 y|x"], free: ["x": 1, "y": 1], granted: ["a"], lastSeen: ["x": "a"], needsMore: true),
        Case(
            testDescription: "who was looked at has all that his quota allows", people: ["a: 1 x"], free: ["x": 1],
            pools: [pool("x", 3, quota: 1)], held: ["x": ["a": 1]], granted: [], lastSeen: ["x": "a"],
            needsMore: true),
        Case(
            testDescription: "what is kept for somebody is not left for those behind", people: ["a: 2 x", "b: 1 x"],
            free: ["x": 1], granted: [], lastSeen: ["x": "a"]),
        Case(
            testDescription: "priority goes before those looked at and passes nobody",
            people: ["a: 1 x", "b!: 1 x"], free: ["x": 1], granted: ["b"], lastSeen: ["x": "a"]),
        Case(
            testDescription: "a line that was seen whole", people: ["a: 1 y|x", "b: 1 x"], free: ["x": 1, "y": 1],
            granted: ["a", "b"]),
    ]

    @Test("decisions", arguments: cases + longLines)
    func decide(_ test: Case) throws {
        var names: [String] = []
        var claimants: [GrantPlan.Claimant] = []
        for (number, text) in test.people.enumerated() {
            let parts = text.split(separator: ": ")
            let marked = parts[0]
            let name = String(marked.filter(\.isLetter))
            names.append(name)
            let items = parts[1].split(separator: " + ").map { item in
                let words = item.split(separator: " ")
                return LeaseWish.Item(
                    types: words[1].split(separator: "|").map(String.init), count: Int(words[0]) ?? 1)
            }
            claimants.append(
                GrantPlan.Claimant(
                    id: number, owner: name, wish: LeaseWish(items: items),
                    rank: Date(timeIntervalSince1970: Double(number) - (marked.contains("!") ? 60 : 0)),
                    sequence: Int64(number), isReachable: !marked.contains("?")))
        }
        var pools = Dictionary(test.pools.map { ($0.type, $0) }) { $1 }
        for type in test.free.keys where pools[type] == nil { pools[type] = Self.pool(type, 10) }
        let free = Dictionary(test.free.map { (LeaseLine(type: $0.key, state: "free"), $0.value) }) { $1 }
        let lastSeen = test.lastSeen.compactMap { type, name in
            names.firstIndex(of: name).map { (LeaseLine(type: type, state: "free"), claimants[$0]) }
        }
        let plan = GrantPlan(
            claimants.reversed(), free: free, pools: pools, held: test.held,
            lastSeen: Dictionary(lastSeen) { $1 })
        #expect(plan.grants.map { names[$0.claimant] } == test.granted)
        #expect(plan.needsMore == test.needsMore)
        for (name, types) in test.types {
            let grant = plan.grants.first { names[$0.claimant] == name }
            #expect(grant?.resources.map(\.line.type) == types)
        }
    }

    @Test("whoever needs a reserve gets it")
    func reserve() {
        let wish = LeaseWish(type: "x")
        let claimant = GrantPlan.Claimant(id: 0, owner: "vip", wish: wish, rank: Date(), sequence: 0)
        let plan = GrantPlan(
            [claimant], free: [LeaseLine(type: "x", state: "free"): 1],
            pools: ["x": Self.pool("x", 3, reserved: ["vip": 1])])
        #expect(plan.grants.count == 1)
    }
}
