/// What arrives in one simulated day, and what is true about it: the same for every policy.
struct Workload: Sendable {
    let scenario: Scenario
    let seed: UInt64
    /// Times, ascending; a pull request's number is its index.
    private(set) var arrivals: [Double] = []
    private(set) var isBad: [Bool] = []
    /// Those that are bad together with it.
    private(set) var rivals: [[Int]] = []

    init(_ scenario: Scenario, seed: UInt64) {
        self.scenario = scenario
        self.seed = seed
        var random = RandomStream(seed, 1)
        if case .drained(let count) = scenario.arrivals {
            arrivals = Array(repeating: 0, count: count)
        } else {
            let end = scenario.arrivals == .burst ? scenario.horizon / 4 : scenario.horizon
            // Arrivals of every load and capacity are one stream, stretched.
            var time = random.exponential(mean: 1) / scenario.arrivalRate
            while time < end {
                arrivals.append(time)
                time += random.exponential(mean: 1) / scenario.arrivalRate
            }
        }
        isBad = arrivals.indices.map { number in
            var random = RandomStream(seed, 2, UInt64(number))
            return random.unit() < scenario.failure
        }
        rivals = Array(repeating: [], count: arrivals.count)
        guard scenario.conflict > 0 else { return }
        for later in arrivals.indices {
            for earlier in max(0, later - scenario.conflictReach)..<later {
                var random = RandomStream(seed, 3, UInt64(later), UInt64(earlier))
                guard random.unit() < scenario.conflict else { continue }
                rivals[later].append(earlier)
                rivals[earlier].append(later)
            }
        }
    }
}
