package import ArgumentParser
package import RoomKit

/// `slipway simulate merging`.
package struct SimulateMergingCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "merging",
        abstract: "The merge train beside Tide, Zuul and one-at-a-time merging, on virtual time.",
        discussion: """
            The train is the value that the worker drives; the others follow their own rules. All of them get the same \
            pull requests. Lists are written with commas: --capacity 4,8. docs/merging.md tells the model.
            """)

    @Option(help: "slipway, tide, zuul or serial; may be repeated. All of them where left out.")
    package var policy: [SimulatedPolicy] = []
    @Option(help: "Simulated days for each row.") package var seeds = 100
    @Option(help: "Runs at once.") package var capacity = NumberList([2, 3, 4, 8])
    @Option(help: "Chances that a pull request is bad.") package var failure = NumberList([
        0.005, 0.01, 0.02, 0.05, 0.1,
    ])
    @Option(help: "Chances that a run of a good tree fails.") package var flake = NumberList([0, 0.01, 0.05])
    @Option(help: "Chances that two pull requests close to each other are bad together.")
    package var conflict = NumberList([0])
    @Option(help: "Arrivals × mean duration ÷ capacity.") package var load = NumberList([0.5, 1, 1.5, 2])
    @Flag(inversion: .prefixedNo, help: "A row of one burst as well: load 4 for a quarter of the time, then nothing.")
    package var burst = true
    @Option(help: "Chance that a flake is recognized by its history (the train alone can make use of it).")
    package var knownFlakes = 0.0
    @Option(help: "Hours of a simulated day.") package var hours = 12.0
    @Option(help: "Minutes that a run takes in the mean.") package var minutes = 30.0
    @Flag(help: "End with 1 where a goal is missed.") package var strict = false
    @OptionGroup package var output: OutputOptions

    package init() {}

    package func validate() throws {
        func check(_ values: [Double], _ range: ClosedRange<Double>, _ option: String) throws {
            for value in values where !range.contains(value) {
                throw ValidationError(
                    "--\(option) \(value) is not possible; it lies between \(range.lowerBound) and \(range.upperBound)")
            }
        }
        try check([Double(seeds)], 1...100_000, "seeds")
        try check(capacity.values, 1...1000, "capacity")
        for value in capacity.values where value != value.rounded() {
            throw ValidationError("--capacity \(value) is not possible; runs are counted in whole numbers")
        }
        try check(failure.values, 0...0.99, "failure")
        try check(flake.values, 0...0.99, "flake")
        try check(conflict.values, 0...0.99, "conflict")
        try check(load.values, 0.01...100, "load")
        try check([knownFlakes], 0...1, "known-flakes")
        try check([hours], 0.1...10_000, "hours")
        try check([minutes], 0.1...10_000, "minutes")
    }

    private struct Report: Encodable {
        var rows: [SimulationRow]
        var goals: [GoalCheck]
        var bounds: [BoundCheck]
        var planning: PlanningCheck
    }

    package func run() async throws {
        var table = SimulationTable()
        if !policy.isEmpty { table.policies = SimulatedPolicy.allCases.filter(policy.contains) }
        table.capacities = capacity.values.map { Int($0) }
        (table.failures, table.flakes, table.conflicts) = (failure.values, flake.values, conflict.values)
        (table.loads, table.withBurst, table.seeds) = (load.values, burst, seeds)
        table.common.knownFlakes = knownFlakes
        table.common.horizon = hours * 3600
        table.common.meanDuration = minutes * 60
        let rows = await table.run { done, all in Terminal.progress("\(done) of \(all) scenarios simulated") }
        Terminal.progress("")
        let report = Report(
            rows: rows, goals: GoalCheck.all(rows), bounds: [BoundCheck(failure: 0.05), BoundCheck(failure: 0.1)],
            planning: PlanningCheck())
        switch output.format {
        case .json: try output.printJSON(report)
        case .table: print(MergingSimulationText.report(rows, report.goals, report.bounds, report.planning))
        }
        if !report.bounds.allSatisfy(\.holds) {
            Terminal.complain("More merges per run than information allows: the simulator is wrong.")
            throw ExitCode(2)
        }
        if strict, report.goals.contains(where: { !$0.missed.isEmpty }) { throw ExitCode(1) }
    }
}

extension SimulatedPolicy: ExpressibleByArgument {}

/// Numbers with commas between them.
package struct NumberList: ExpressibleByArgument, Sendable {
    package var values: [Double]

    init(_ values: [Double]) { self.values = values }

    package init?(argument: String) {
        let values = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
        guard values.allSatisfy({ $0?.isFinite == true }) else { return nil }
        self.values = values.compactMap(\.self)
    }

    package var defaultValueDescription: String { values.map { "\($0)" }.joined(separator: ",") }
}
