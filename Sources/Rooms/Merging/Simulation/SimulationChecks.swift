import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A finite set drained until each landed or is out, with neither flakes nor conflicts: by information theory no policy
/// that finds out who is bad lands more than (1 − p) ÷ H(p) in the mean of its runs, H being the binary entropy.
package struct BoundCheck: Encodable, Sendable {
    package var failure: Double
    package var mergesPerRun: Double
    package var bound: Double
    package var holds: Bool

    enum CodingKeys: String, CodingKey {
        case failure, bound, holds
        case mergesPerRun = "merges_per_run"
    }

    package init(failure: Double, count: Int = 400, capacity: Int = 4, seeds: Int = 10) {
        self.failure = failure
        var scenario = Scenario()
        (scenario.arrivals, scenario.failure, scenario.capacity) = (.drained(count), failure, capacity)
        var (merges, runs) = (0, 0)
        for seed in 0..<seeds {
            let ledger = TrainSimulation.run(Workload(scenario, seed: UInt64(seed)), policy: TrainPolicy())
            merges += ledger.merges
            runs += ledger.runs
        }
        mergesPerRun = (Double(merges) / Double(max(1, runs))).rounded(to: 3)
        let entropy = -failure * log2(failure) - (1 - failure) * log2(1 - failure)
        bound = ((1 - failure) / entropy).rounded(to: 3)
        holds = mergesPerRun <= bound
    }
}

/// What the train does with a pool of so many that come in at once: until the first step after the last has been planned.
package struct PlanningCheck: Encodable, Sendable {
    package var pullRequests: Int
    package var milliseconds: Double

    enum CodingKeys: String, CodingKey {
        case milliseconds
        case pullRequests = "pull_requests"
    }

    package init(pullRequests: Int = 1000) {
        self.pullRequests = pullRequests
        let now = Date(timeIntervalSinceReferenceDate: 0)
        let spent = ContinuousClock().measure {
            var train = MergeTrain(base: TrainBase(commit: "0", tree: "0"), capacity: 8)
            for number in 0..<pullRequests {
                let entered = now - Double(RandomStream.mix(UInt64(number)) % 100_000)
                _ = train.apply(.entered(TrainMember(number: number, head: "h", enteredAt: entered)), at: now)
            }
            _ = train.apply(.tick, at: now)
        }
        milliseconds = (spent / .milliseconds(1)).rounded(to: 2)
    }
}

/// A promise of the train beside its peers, and the rows that break it.
package struct GoalCheck: Encodable, Sendable {
    package var goal: String
    package var rows: Int
    /// The scenario, and the two figures compared.
    package var missed: [String]

    /// Only what the table has the rows for.
    package static func all(_ rows: [SimulationRow]) -> [GoalCheck] {
        let scenarios = Dictionary(grouping: rows, by: \.scenario).sorted { $0.key < $1.key }.map { _, rows in
            Dictionary(rows.map { ($0.policy, $0) }, uniquingKeysWith: { first, _ in first })
        }
        func check(
            _ goal: String, beside peer: SimulatedPolicy, where applies: (SimulationRow) -> Bool = { _ in true },
            _ figure: (SimulationRow) -> Double, _ holds: (SimulationRow, SimulationRow) -> Bool
        ) -> GoalCheck? {
            var check = GoalCheck(goal: goal, rows: 0, missed: [])
            for row in scenarios {
                guard let slipway = row[.slipway], let peer = row[peer], applies(slipway) else { continue }
                check.rows += 1
                if !holds(slipway, peer) {
                    check.missed.append("\(slipway.scenario): \(figure(slipway)), \(figure(peer))")
                }
            }
            return check.rows == 0 ? nil : check
        }
        func isBusy(_ row: SimulationRow) -> Bool { row.arrivals == "poisson" && row.load >= 1.5 }
        func isRough(_ row: SimulationRow) -> Bool { isBusy(row) && row.failure >= 0.05 && row.flake >= 0.05 }
        return [
            check(
                "merges/h at least 2 × Tide, C = 4, load ≥ 1.5, 5 and 10 % bad, 5 % flakes", beside: .tide,
                where: { isRough($0) && $0.capacity == 4 }, \.mergesPerHour
            ) {
                $0.mergesPerHour >= 2 * $1.mergesPerHour
            },
            check(
                "merges/h at least 3.5 × Tide, C = 8, load ≥ 1.5, 5 and 10 % bad, 5 % flakes", beside: .tide,
                where: { isRough($0) && $0.capacity == 8 }, \.mergesPerHour
            ) {
                $0.mergesPerHour >= 3.5 * $1.mergesPerHour
            },
            check("merges/h never below Tide", beside: .tide, \.mergesPerHour) { $0.mergesPerHour >= $1.mergesPerHour },
            check("merges/h never below Zuul, load ≥ 1.5", beside: .zuul, where: isBusy, \.mergesPerHour) {
                $0.mergesPerHour >= $1.mergesPerHour
            },
            check("merges/h never below Zuul, any load", beside: .zuul, \.mergesPerHour) {
                $0.mergesPerHour >= $1.mergesPerHour
            },
            check(
                "merges/h at least 1.3 × Zuul, load ≥ 1.5, 10 % bad", beside: .zuul,
                where: { isBusy($0) && $0.failure >= 0.1 }, \.mergesPerHour
            ) {
                $0.mergesPerHour >= 1.3 * $1.mergesPerHour
            },
            check(
                "p95 wait within Tide's interval or below, load ≥ 1.5", beside: .tide, where: isBusy, \.p95WaitMinutes
            ) {
                $0.p95WaitMinutes <= $1.p95WaitCI[1]
            },
            check("runs per merge at most 1.2 × Tide's, load ≥ 1.5", beside: .tide, where: isBusy, \.runsPerMerge) {
                $0.runsPerMerge <= 1.2 * $1.runsPerMerge
            },
            check("main never broken", beside: .slipway, { Double($0.brokenMain) }) { row, _ in row.brokenMain == 0 },
        ].compactMap(\.self)
    }
}

extension SimulationRow {
    fileprivate var scenario: String {
        let load = arrivals == "burst" ? "burst" : "load \(load)"
        return "C \(capacity), \((failure * 100).rounded(to: 2)) % bad, \((flake * 100).rounded(to: 2)) % flakes, "
            + "conflicts \((conflict * 100).rounded(to: 2)) %, \(load)"
    }
}
