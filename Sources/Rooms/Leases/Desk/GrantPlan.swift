package import FoundationEssentials
package import JobConfig

/// Who gets what. Pure: the same people, resources and pools give the same grants.
///
/// Everybody is looked at once, in one order over all lines: by the time at which they began to wait, moved back by their
/// priority. So whoever waits for several types at once waits for nobody behind him, and there is no circle.
///
/// - Whoever can have everything he wants has it.
/// - Whoever has to ask again for it (a client that polls) finds it kept for him.
/// - Whoever cannot have everything keeps what there is from those behind him, so that a wish for many is not starved
///   by wishes for one. Only whom his own quota stops keeps nothing.
package struct GrantPlan: Sendable, Hashable {
    /// Somebody at the desk or in a line.
    package struct Claimant: Sendable, Hashable {
        package var id: Int
        package var owner: String
        package var wish: LeaseWish
        /// The order; equal times by `sequence`.
        package var rank: Date
        package var sequence: Int64
        /// Whether a grant reaches him: he asks just now, or is told.
        package var isReachable: Bool

        package init(
            id: Int, owner: String, wish: LeaseWish, rank: Date, sequence: Int64, isReachable: Bool = true
        ) {
            self.id = id
            self.owner = owner
            self.wish = wish
            self.rank = rank
            self.sequence = sequence
            self.isReachable = isReachable
        }

        package static func isBefore(_ left: Claimant, _ right: Claimant) -> Bool {
            left.rank != right.rank ? left.rank < right.rank : left.sequence < right.sequence
        }
    }

    package struct Grant: Sendable, Hashable {
        package var claimant: Int
        /// Positions in `free` of their lines, with the state that each gets.
        package var resources: [Pick]
    }

    package struct Pick: Sendable, Hashable {
        package var line: LeaseLine
        package var position: Int
        package var dest: String
    }

    package private(set) var grants: [Grant] = []
    /// Whom his own quota stops, with the type.
    package private(set) var stopped: [Int: String] = [:]
    /// Something is left for people who stand in a line beyond those looked at, whom this plan may pass over.
    package private(set) var needsMore = false

    private let pools: [String: LeasePool]
    private let free: [LeaseLine: Int]
    /// From where on each line is unspoken for.
    private var taken: [LeaseLine: Int] = [:]
    private var held: [String: [String: Int]]

    /// - Parameters:
    ///   - free: how many resources are free in each line, oldest first.
    ///   - held: by type and owner, where the pool counts.
    ///   - lastSeen: of lines that may go on beyond those who are among the claimants, the last one who is.
    package init(
        _ claimants: [Claimant], free: [LeaseLine: Int], pools: [String: LeasePool],
        held: [String: [String: Int]] = [:], lastSeen: [LeaseLine: Claimant] = [:]
    ) {
        self.pools = pools
        self.free = free
        self.held = held
        for claimant in claimants.sorted(by: Claimant.isBefore) {
            // He may be about to pass somebody.
            if claimant.wish.lines.contains(where: { line in
                lastSeen[line].map { Claimant.isBefore($0, claimant) } == true && hasMore(line)
            }) {
                needsMore = true
            }
            serve(claimant)
        }
        needsMore = needsMore || lastSeen.keys.contains(where: hasMore)
    }

    private func hasMore(_ line: LeaseLine) -> Bool { taken[line, default: 0] < free[line, default: 0] }

    private mutating func serve(_ claimant: Claimant) {
        // One item of one type in a pool that counts nobody: nearly everybody.
        if claimant.wish.items.count == 1, claimant.wish.items[0].types.count == 1 {
            let item = claimant.wish.items[0]
            if pools[item.types[0]]?.isCounted != true { return serve(claimant, item) }
        }
        let before = (taken, held)
        var picks: [Pick] = []
        var misses: [LeaseWish.Item] = []
        for item in claimant.wish.items {
            guard let type = choice(item, claimant) else {
                misses.append(item)
                continue
            }
            let line = LeaseLine(type: type, state: item.state)
            let start = taken[line, default: 0]
            picks += (start..<(start + item.count)).map { Pick(line: line, position: $0, dest: item.dest) }
            taken[line] = start + item.count
            if pools[type]?.isCounted == true { held[type, default: [:]][claimant.owner, default: 0] += item.count }
        }
        if misses.isEmpty {
            if claimant.isReachable { grants.append(Grant(claimant: claimant.id, resources: picks)) }
            return
        }
        held = before.1
        if stopped[claimant.id] != nil {
            taken = before.0
            return
        }
        for item in misses {
            for type in item.types {
                let line = LeaseLine(type: type, state: item.state)
                taken[line] = min(free[line, default: 0], taken[line, default: 0] + item.count)
            }
        }
    }

    private mutating func serve(_ claimant: Claimant, _ item: LeaseWish.Item) {
        let line = LeaseLine(type: item.types[0], state: item.state)
        let start = taken[line, default: 0]
        let end = start + item.count
        guard end <= free[line, default: 0] else {
            taken[line] = free[line, default: 0]
            return
        }
        taken[line] = end
        guard claimant.isReachable else { return }
        grants.append(
            Grant(
                claimant: claimant.id,
                resources: (start..<end).map { Pick(line: line, position: $0, dest: item.dest) }))
    }

    /// The type with the greatest share to spare, then the cheapest, then the first named; nil where none has enough.
    private mutating func choice(_ item: LeaseWish.Item, _ claimant: Claimant) -> String? {
        var best: (type: String, headroom: Double, cost: Double)?
        var quotaStops: String?
        var isShort = false
        for type in item.types {
            guard let pool = pools[type] else { continue }
            let line = LeaseLine(type: type, state: item.state)
            let left = free[line, default: 0] - taken[line, default: 0]
            if let quota = pool.quota(of: claimant.owner),
                held[type]?[claimant.owner] ?? 0 > quota - item.count
            {
                quotaStops = type
                continue
            }
            guard left - kept(for: claimant.owner, pool) >= item.count else {
                isShort = true
                continue
            }
            let headroom = Double(left) / Double(max(1, pool.size))
            if best == nil || (headroom, -pool.costPerHour) > (best?.headroom ?? 0, -(best?.cost ?? 0)) {
                best = (type, headroom, pool.costPerHour)
            }
        }
        if best == nil, !isShort, let quotaStops { stopped[claimant.id] = quotaStops }
        return best?.type
    }

    /// What is kept of a pool for others than `owner`.
    private func kept(for owner: String, _ pool: LeasePool) -> Int {
        pool.reservations.reduce(0) { sum, reservation in
            reservation.key == owner
                ? sum : sum + max(0, reservation.value - (held[pool.type]?[reservation.key] ?? 0))
        }
    }
}
