import Foundation

/// What many clients of leases saw and did, beside what the database remembers of it. Pure: what `LeaseChecker` reads.
struct LeaseHistory: Sendable {
    /// One wish, from when it was said first to when it was granted.
    struct Wish: Sendable {
        /// The lease's id, or for a client of Boskos's interface the owner's name, which it uses once.
        var id: String
        var type: String
        var priority = 0
        /// Whether its place alone decides when it is granted: one resource of one type, and told when its turn comes.
        var isInOrder = true
        /// Before it was said first.
        var said: Double
        /// After it was known to stand in line; nil where it was granted at once.
        var queued: Double?
    }

    /// A resource in somebody's hands.
    struct Hold: Sendable {
        var wish: String
        var name: String
        /// Nil where the interface tells none.
        var token: Int64?
        /// After the grant was known.
        var seen: Double
        /// Before it was given back; nil for somebody who went away with it.
        var left: Double?
    }

    /// A call under a token, or an owner's name, that others have followed on.
    struct LateCall: Sendable {
        var name: String
        var token: Int64
        var wasRefused: Bool
    }

    /// A lease that the database remembers.
    struct Ended: Sendable {
        var name: String
        var token: Int64
        var wish: String
        var grantedAt: Double
        var endedAt: Double
        var endedBy: String
    }

    /// A resource as it stands when everybody has gone.
    struct Resource: Sendable {
        var name: String
        var token: Int64
        var isFree: Bool
    }

    /// Every time is the machine's, on which clients and database run.
    var wishes: [Wish] = []
    var holds: [Hold] = []
    var lateCalls: [LateCall] = []
    /// Answers that nothing explains.
    var surprises: [String] = []
    var ended: [Ended] = []
    var resources: [Resource] = []
}

/// Says what in a history of leases must not be. Each rule stands for itself; `docs/leases.md` has the table.
struct LeaseChecker {
    /// Seconds of waiting that a step of priority is worth.
    static let ageing = 60.0

    enum Rule: String, Sendable, CaseIterable {
        case oneOwner, fencedGrants, nothingLost, oldTokensRefused, fairOrder, noSurprise
    }

    private let history: LeaseHistory
    /// By resource, in the order of tokens.
    private let leases: [String: [LeaseHistory.Ended]]
    private let holds: [String: LeaseHistory.Hold]

    init(_ history: LeaseHistory) {
        self.history = history
        leases = Dictionary(grouping: history.ended, by: \.name).mapValues { $0.sorted { $0.token < $1.token } }
        holds = Dictionary(history.holds.map { (Self.key($0.name, $0.wish), $0) }) { first, _ in first }
    }

    private static func key(_ name: String, _ wish: String) -> String { "\(name) \(wish)" }

    /// For each rule that is broken, by what.
    var faults: [Rule: [String]] {
        let all = Rule.allCases.map { ($0, faults(against: $0)) }
        return Dictionary(uniqueKeysWithValues: all.filter { !$0.1.isEmpty })
    }

    func faults(against rule: Rule) -> [String] {
        switch rule {
        case .oneOwner: ownersAtOnce()
        case .fencedGrants: unfenced()
        case .nothingLost: lost()
        case .oldTokensRefused: history.lateCalls.filter { !$0.wasRefused }.map { "\($0.name) under \($0.token)" }
        case .fairOrder: overtaken()
        case .noSurprise: history.surprises
        }
    }

    /// By the database's books, and by what holders saw: a lease that was given back lasted until its holder began to,
    /// and the next holder saw his grant after that.
    private func ownersAtOnce() -> [String] {
        leases.flatMap { name, leases in
            let early = leases.compactMap { lease -> String? in
                guard lease.endedBy == "release", let hold = holds[Self.key(name, lease.wish)] else { return nil }
                guard let left = hold.left, left <= lease.endedAt else {
                    return "\(name): the lease under \(lease.token) ended before its holder gave it back"
                }
                return nil
            }
            return early
                + zip(leases, leases.dropFirst()).compactMap { earlier, later in
                    guard earlier.endedAt <= later.grantedAt else {
                        return "\(name): token \(later.token) was granted before \(earlier.token) had ended"
                    }
                    guard earlier.endedBy == "release", let left = holds[Self.key(name, earlier.wish)]?.left,
                        let seen = holds[Self.key(name, later.wish)]?.seen, seen <= left
                    else { return nil }
                    return "\(name): token \(later.token) was seen while \(earlier.token) was held"
                }
        }
    }

    /// Every grant that a client saw stands in the books once, under the token that the client was told; tokens of a
    /// resource are 1, 2, 3…
    private func unfenced() -> [String] {
        var faults: [String] = []
        for (name, leases) in leases where leases.map(\.token) != (1...Int64(leases.count)).map({ $0 }) {
            faults.append("\(name): the tokens of its \(leases.count) leases are not one after the other")
        }
        let known = Dictionary(grouping: history.ended) { Self.key($0.name, $0.wish) }
        for hold in history.holds {
            let found = known[Self.key(hold.name, hold.wish)] ?? []
            guard hold.token.map({ token in found.contains { $0.token == token } }) ?? (found.count == 1) else {
                faults.append("\(hold.name): the grant \(hold.token.map(String.init) ?? "") of \(hold.wish) is unknown")
                continue
            }
        }
        return faults
    }

    private func lost() -> [String] {
        history.resources.compactMap { resource in
            let count = Int64(leases[resource.name]?.count ?? 0)
            if !resource.isFree { return "\(resource.name) is not free, though nobody is left" }
            if resource.token != count {
                return "\(resource.name) was granted \(resource.token) times, and ended \(count)"
            }
            return nil
        }
    }

    /// Whoever is known to stand in line when another is granted, and to have come before him, has been passed over. A
    /// step of priority counts as a minute.
    private func overtaken() -> [String] {
        Dictionary(grouping: history.wishes.filter(\.isInOrder), by: \.type).values.flatMap(overtaken)
    }

    private func overtaken(_ wishes: [LeaseHistory.Wish]) -> [String] {
        struct Grant {
            var wish: LeaseHistory.Wish
            var at: Double
        }
        func rank(_ time: Double, _ wish: LeaseHistory.Wish) -> Double { time - Double(wish.priority) * Self.ageing }
        let granted = Dictionary(history.ended.map { ($0.wish, $0.grantedAt) }) { min($0, $1) }
        let grants = wishes.compactMap { wish in granted[wish.id].map { Grant(wish: wish, at: $0) } }
            .sorted { $0.at < $1.at }
        var coming = wishes.filter { $0.queued != nil }.sorted { $0.queued ?? 0 < $1.queued ?? 0 }[...]
        var line: [LeaseHistory.Wish] = []
        var faults: [String] = []
        for grant in grants {
            while let next = coming.first, next.queued ?? 0 < grant.at {
                coming.removeFirst()
                line.append(next)
            }
            // Those granted in the same moment were granted in one transaction.
            line.removeAll { granted[$0.id] ?? .infinity <= grant.at }
            for wish in line where rank(wish.queued ?? 0, wish) < rank(grant.wish.said, grant.wish) {
                faults.append(
                    """
                    \(grant.wish.id) (priority \(grant.wish.priority), said at \(grant.wish.said)) was granted at \(grant.at) \
                    before \(wish.id) (priority \(wish.priority)), which stood in line at \(wish.queued ?? 0)
                    """)
            }
        }
        return faults
    }
}
