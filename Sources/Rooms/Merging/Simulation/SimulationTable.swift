import FoundationEssentials

/// Every policy on every scenario.
package struct SimulationTable: Sendable {
    package var policies = SimulatedPolicy.allCases
    package var capacities = [2, 3, 4, 8]
    package var failures = [0.005, 0.01, 0.02, 0.05, 0.1]
    package var flakes = [0, 0.01, 0.05]
    package var conflicts = [0.0]
    package var loads = [0.5, 1, 1.5, 2]
    package var withBurst = true
    package var seeds = 100
    /// What every scenario has in common.
    package var common = Scenario()
    package var trainPolicy = TrainPolicy()

    static let tideLimits = [4, 8, 15, 0]

    package init() {}

    package var scenarios: [Scenario] {
        var scenarios: [Scenario] = []
        let arrivals = loads.map { Scenario.Arrivals.steady(load: $0) } + (withBurst ? [.burst] : [])
        for capacity in capacities {
            for conflict in conflicts {
                for flake in flakes {
                    for failure in failures {
                        for arrival in arrivals {
                            var scenario = common
                            (scenario.capacity, scenario.failure, scenario.flake) = (capacity, failure, flake)
                            (scenario.conflict, scenario.arrivals) = (conflict, arrival)
                            scenarios.append(scenario)
                        }
                    }
                }
            }
        }
        return scenarios
    }

    /// The rows of one scenario, in the order of `policies`.
    package func rows(of scenario: Scenario) -> [SimulationRow] {
        let workloads = (0..<seeds).map { Workload(scenario, seed: UInt64($0)) }
        return policies.compactMap { policy in
            switch policy {
            case .slipway:
                SimulationRow(policy, scenario, workloads.map { TrainSimulation.run($0, policy: trainPolicy) })
            case .tide:
                Self.tideLimits.map { limit in
                    SimulationRow(
                        policy, scenario, batchLimit: limit, workloads.map { TideSimulation.run($0, limit: limit) })
                }.max { $0.mergesPerHour < $1.mergesPerHour }
            case .zuul: SimulationRow(policy, scenario, workloads.map { ZuulSimulation.run($0, isSerial: false) })
            case .serial: SimulationRow(policy, scenario, workloads.map { ZuulSimulation.run($0, isSerial: true) })
            }
        }
    }

    /// All rows, on all cores; `progress` is told how many scenarios of how many are done.
    package func run(progress: (Int, Int) -> Void) async -> [SimulationRow] {
        let scenarios = scenarios
        var rows = [[SimulationRow]](repeating: [], count: scenarios.count)
        await withTaskGroup(of: (Int, [SimulationRow]).self) { group in
            var next = 0
            var done = 0
            func addOne(_ group: inout TaskGroup<(Int, [SimulationRow])>) {
                guard next < scenarios.count else { return }
                let index = next
                next += 1
                group.addTask { (index, self.rows(of: scenarios[index])) }
            }
            for _ in 0..<ProcessInfo.processInfo.activeProcessorCount { addOne(&group) }
            while let (index, result) = await group.next() {
                rows[index] = result
                done += 1
                progress(done, scenarios.count)
                addOne(&group)
            }
        }
        return rows.flatMap(\.self)
    }
}
