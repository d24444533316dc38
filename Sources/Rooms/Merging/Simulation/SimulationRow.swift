/// Who decides what is tested and what lands.
package enum SimulatedPolicy: String, CaseIterable, Sendable, Codable {
    case slipway, tide, zuul, serial
}

/// A policy on a scenario, over all seeds.
package struct SimulationRow: Encodable, Sendable {
    package var policy: SimulatedPolicy
    package var capacity: Int
    package var failure: Double
    package var flake: Double
    package var conflict: Double
    package var load: Double
    /// `poisson`, or `burst`: load 4 for the first quarter of the time and nothing after it.
    package var arrivals: String
    /// Tide's best batch limit on this row, 0 for unlimited; null for the others.
    package var batchLimit: Int?
    package var mergesPerHour: Double
    /// 95 %, over the seeds.
    package var mergesPerHourCI: [Double]
    /// Of those that landed, over all seeds; from the arrival, through whatever happened to it since.
    package var p50WaitMinutes: Double
    package var p95WaitMinutes: Double
    package var p95WaitCI: [Double]
    /// Runs started, cancelled ones too, for each that landed.
    package var runsPerMerge: Double
    /// Good ones put out, in the mean of the seeds.
    package var falseEjections: Double
    /// The longest wait of a good one, landed or not, in the mean of the seeds.
    package var oldestWaitMinutes: Double
    /// Landings on a tree that no run would have passed, over all seeds.
    package var brokenMain: Int

    enum CodingKeys: String, CodingKey {
        case policy, capacity, failure, flake, conflict, load, arrivals
        case batchLimit = "batch_limit"
        case mergesPerHour = "merges_per_hour"
        case mergesPerHourCI = "merges_per_hour_ci"
        case p50WaitMinutes = "p50_wait_min"
        case p95WaitMinutes = "p95_wait_min"
        case p95WaitCI = "p95_wait_min_ci"
        case runsPerMerge = "runs_per_merge"
        case falseEjections = "false_ejections"
        case oldestWaitMinutes = "oldest_wait_min"
        case brokenMain = "broken_main"
    }

    init(_ policy: SimulatedPolicy, _ scenario: Scenario, batchLimit: Int? = nil, _ ledgers: [Ledger]) {
        self.policy = policy
        capacity = scenario.capacity
        failure = scenario.failure
        flake = scenario.flake
        conflict = scenario.conflict
        switch scenario.arrivals {
        case .steady(let load): (self.load, arrivals) = (load, "poisson")
        case .burst: (load, arrivals) = (1, "burst")
        case .drained: (load, arrivals) = (0, "drained")
        }
        self.batchLimit = batchLimit
        let merges = Spread(ledgers.map { Double($0.merges) / (scenario.horizon / 3600) })
        mergesPerHour = merges.mean.rounded(to: 3)
        mergesPerHourCI = merges.interval
        let waits = ledgers.flatMap(\.waits).sorted()
        p50WaitMinutes = (waits.quantile(0.5) / 60).rounded(to: 1)
        p95WaitMinutes = (waits.quantile(0.95) / 60).rounded(to: 1)
        let tails = Spread(ledgers.map { $0.waits.sorted().quantile(0.95) / 60 })
        // Around the quantile of all waits, as wide as the seeds' own quantiles spread.
        let margin = (tails.interval[1] - tails.interval[0]) / 2
        p95WaitCI = [p95WaitMinutes - margin, p95WaitMinutes + margin].map { $0.rounded(to: 1) }
        let landed = ledgers.reduce(0) { $0 + $1.merges }
        runsPerMerge = landed == 0 ? 0 : (Double(ledgers.reduce(0) { $0 + $1.runs }) / Double(landed)).rounded(to: 3)
        falseEjections = Spread(ledgers.map { Double($0.falseEjections) }).mean.rounded(to: 3)
        oldestWaitMinutes = Spread(ledgers.map { $0.longestWait / 60 }).mean.rounded(to: 1)
        brokenMain = ledgers.reduce(0) { $0 + $1.brokenMain }
    }
}

/// Mean and 95 % interval of independent values (normal approximation).
struct Spread {
    var mean = 0.0
    var interval = [0.0, 0.0]

    init(_ values: [Double]) {
        guard !values.isEmpty else { return }
        let count = Double(values.count)
        mean = values.reduce(0, +) / count
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / max(1, count - 1)
        let margin = 1.96 * (variance / count).squareRoot()
        interval = [mean - margin, mean + margin].map { $0.rounded(to: 3) }
    }
}

extension Double {
    func rounded(to digits: Int) -> Double {
        let scale = (0..<digits).reduce(1.0) { scale, _ in scale * 10 }
        return (self * scale).rounded() / scale
    }
}

extension [Double] {
    /// Of sorted values.
    func quantile(_ share: Double) -> Double {
        isEmpty ? 0 : self[Swift.min(count - 1, Int(share * Double(count)))]
    }
}
