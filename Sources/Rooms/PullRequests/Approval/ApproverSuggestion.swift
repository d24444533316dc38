/// The fewest people who can give the approvals that are missing. Pure, and the same at every run.
///
/// Of several smallest sets the one is taken whose people are preferred (assigned, or asked for review) or stand
/// nearest to the changed files; what then is still equal is decided by a fixed order that differs from pull request
/// to pull request, so that not always the same people are asked. The smallest set is found exactly for changes as
/// people make them; where the search would take too long, by taking whoever covers most, again and again.
package struct ApproverSuggestion: Sendable, Hashable {
    /// What is missing of one need.
    package struct Gap: Sendable {
        /// Candidates with their distance from the files.
        package var candidates: [String: Int]
        package var missing: Int

        package init(candidates: [String: Int], missing: Int) {
            self.candidates = candidates
            self.missing = missing
        }
    }

    /// In alphabetical order.
    package private(set) var people: [String] = []
    /// Whether the gaps are closed when all of them approve.
    package private(set) var isEnough: Bool

    /// - Parameters:
    ///   - preferred: lower-case logins.
    ///   - seed: the pull request's number.
    package init(_ gaps: [Gap], preferred: Set<String>, seed: Int) {
        isEnough = gaps.allSatisfy { $0.candidates.count >= $0.missing }
        var helps: [String: (distance: Int, gaps: [Int])] = [:]
        for (index, gap) in gaps.enumerated() {
            for (login, distance) in gap.candidates {
                var help = helps.removeValue(forKey: login) ?? (.max, [])
                help.distance = min(help.distance, distance)
                help.gaps.append(index)
                helps[login] = help
            }
        }
        let candidates = helps.map { login, help in
            Cover.Candidate(
                login: login, cost: preferred.contains(login) ? 0 : help.distance + 1,
                order: Self.order(login, seed: seed), gaps: help.gaps)
        }
        var cover = Cover(candidates, missing: gaps.map { min($0.missing, $0.candidates.count) })
        people = cover.solve().sorted()
    }

    /// FNV-1a over the number and the login, its bits mixed once more: names that differ in their last letter only
    /// would stand side by side otherwise.
    static func order(_ login: String, seed: Int) -> UInt64 {
        let hash = "\(seed) \(login)".utf8.reduce(0xcbf2_9ce4_8422_2325) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01b3
        }
        return (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
    }
}

/// Chooses the fewest candidates that close every gap: branch and bound behind a greedy first answer.
private struct Cover {
    struct Candidate {
        var login: String
        var cost: Int
        var order: UInt64
        var gaps: [Int]
        /// The same gaps as bits, where there are few.
        var mask: UInt64 = 0
    }

    /// Steps after which the best answer so far is taken: some milliseconds.
    private static let stepLimit = 5000
    /// More gaps than this are left to the greedy answer.
    private static let exactGaps = 64

    private let candidates: [Candidate]
    private let missing: [Int]
    /// Per gap the candidates that help, in the order in which they are tried.
    private var helpers: [[Int]]
    private var best: [Int] = []
    private var bestCost = Int.max
    private var steps = 0

    init(_ all: [Candidate], missing: [Int]) {
        let ordered = all.sorted { ($0.cost, $0.order, $0.login) < ($1.cost, $1.order, $1.login) }
        // Of those who help at the same gaps, no more than the largest gap needs.
        var alike: [[Int]: Int] = [:]
        var kept = ordered.filter { candidate in
            alike[candidate.gaps, default: 0] += 1
            return alike[candidate.gaps, default: 0] <= candidate.gaps.map { missing[$0] }.max() ?? 0
        }
        if missing.count <= Self.exactGaps {
            for index in kept.indices { kept[index].mask = kept[index].gaps.reduce(0) { $0 | 1 << UInt64($1) } }
        }
        candidates = kept
        self.missing = missing
        helpers = Array(repeating: [], count: missing.count)
        for (index, candidate) in candidates.enumerated() {
            for gap in candidate.gaps { helpers[gap].append(index) }
        }
    }

    mutating func solve() -> [String] {
        best = greedy()
        bestCost = best.reduce(0) { $0 + candidates[$1].cost }
        if missing.count <= Self.exactGaps, !best.isEmpty {
            var chosen: [Int] = []
            search(missing, &chosen, cost: 0, spent: Array(repeating: false, count: candidates.count))
        }
        return best.map { candidates[$0].login }
    }

    private func greedy() -> [Int] {
        var open = missing
        var covered = Array(repeating: 0, count: missing.count)
        var chosen: [Int] = []
        var spent = Array(repeating: false, count: candidates.count)
        while open.contains(where: { $0 > 0 }) {
            var (most, next) = (0, -1)
            for (index, candidate) in candidates.enumerated() where !spent[index] {
                let gain = candidate.gaps.count { open[$0] > 0 }
                if gain > most { (most, next) = (gain, index) }
            }
            guard next >= 0 else { break }
            spent[next] = true
            chosen.append(next)
            for gap in candidates[next].gaps {
                open[gap] = max(0, open[gap] - 1)
                covered[gap] += 1
            }
        }
        // Without those whom later ones made needless.
        return chosen.filter { index in
            let gaps = candidates[index].gaps
            guard gaps.allSatisfy({ covered[$0] > missing[$0] }) else { return true }
            for gap in gaps { covered[gap] -= 1 }
            return false
        }
    }

    /// - Parameter spent: chosen already, or tried on the way here.
    private mutating func search(_ open: [Int], _ chosen: inout [Int], cost: Int, spent: [Bool]) {
        steps += 1
        guard steps < Self.stepLimit else { return }
        // The gap with the least choice; any answer has somebody of it.
        var next: (gap: Int, choice: Int)?
        var (total, largest, mask) = (0, 0, UInt64(0))
        for (gap, count) in open.enumerated() where count > 0 {
            total += count
            largest = max(largest, count)
            mask |= 1 << UInt64(gap)
            let choice = helpers[gap].count { !spent[$0] } - count
            if choice < 0 { return }
            if next.map({ choice < $0.choice }) ?? true { next = (gap, choice) }
        }
        guard let next else {
            if (chosen.count, cost) < (best.count, bestCost) { (best, bestCost) = (chosen, cost) }
            return
        }
        var widest = 1
        for (index, candidate) in candidates.enumerated() where !spent[index] {
            widest = max(widest, (candidate.mask & mask).nonzeroBitCount)
        }
        let least = max(largest, (total + widest - 1) / widest)
        guard (chosen.count + least, cost) < (best.count, bestCost) else { return }
        var spent = spent
        for index in helpers[next.gap] where !spent[index] {
            var rest = open
            for gap in candidates[index].gaps where rest[gap] > 0 { rest[gap] -= 1 }
            spent[index] = true
            chosen.append(index)
            search(rest, &chosen, cost: cost + candidates[index].cost, spent: spent)
            chosen.removeLast()
        }
    }
}
