import FoundationEssentials

/// What the train believes about its pull requests and tests, from what it has seen; old observations fade.
package struct TrainEstimates: Hashable, Sendable, Codable {
    private var landed = 0.0
    private var ejected = 0.0
    /// Cleared members that landed, and cars of them alone that failed all the same.
    private var confirmed = 0.0
    private var refuted = 0.0
    private var flakes = 0.0
    private var runs = 0.0

    /// Chance that a member of which nothing is known is bad.
    package var failureRate: Double { (ejected + 0.5) / (landed + ejected + 20) }
    /// Chance that a run on a good tree fails.
    package var flakeRate: Double { (flakes + 0.3) / (runs + 20) }
    /// Chance that a member fails although a lane cleared it, because of those that it meets in the line: small, until
    /// it is seen to be otherwise.
    package var clearedRate: Double { (refuted + 30 * failureRate / 20) / (confirmed + refuted + 30) }

    mutating func land(_ count: Int) {
        landed += Double(count)
        fade()
    }

    mutating func confirm(_ count: Int) {
        confirmed += Double(count)
        guard confirmed + refuted > 200 else { return }
        confirmed /= 2
        refuted /= 2
    }

    mutating func refute() { refuted += 1 }

    mutating func eject() {
        ejected += 1
        fade()
    }

    mutating func flake() { flakes += 1 }

    mutating func finish() {
        runs += 1
        guard runs > 400 else { return }
        runs /= 2
        flakes /= 2
    }

    private mutating func fade() {
        guard landed + ejected > 300 else { return }
        landed /= 2
        ejected /= 2
    }

    /// Chance that all of them are good.
    func goodness(of members: some Sequence<TrainMember>) -> Double {
        let (fresh, cleared) = (1 - failureRate, 1 - clearedRate)
        return members.reduce(1) { $0 * ($1.isCleared ? cleared : fresh) }
    }

    /// Chance that a failed run of a tree that is good with this chance was a flake.
    func flakiness(goodness: Double) -> Double {
        let flake = goodness * flakeRate
        return flake / (1 - goodness + flake)
    }
}
