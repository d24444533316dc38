import Merging
import Testing

/// The simulator, on few seeds: what must hold whatever the numbers are. docs/merging.md has the numbers.
@Suite struct SimulationTests {
    private static var small: SimulationTable {
        var table = SimulationTable()
        table.seeds = 5
        table.capacities = [4, 8]
        table.failures = [0.05, 0.1]
        table.flakes = [0.05]
        table.conflicts = [0.002]
        table.loads = [1.5]
        table.withBurst = false
        return table
    }

    @Test func everyPolicyHasARowAndNoneBreaksMain() async {
        let rows = await Self.small.run { _, _ in }
        #expect(rows.count == 4 * SimulatedPolicy.allCases.count)
        for row in rows {
            #expect(row.brokenMain == 0)
            #expect(row.mergesPerHour > 0)
            #expect(row.mergesPerHourCI[0] <= row.mergesPerHour && row.mergesPerHour <= row.mergesPerHourCI[1])
            #expect(row.p50WaitMinutes <= row.p95WaitMinutes)
        }
    }

    @Test func theSameSeedsTellTheSame() async {
        let once = await Self.small.run { _, _ in }
        let again = await Self.small.run { _, _ in }
        #expect(once.map(\.mergesPerHour) == again.map(\.mergesPerHour))
        #expect(once.map(\.runsPerMerge) == again.map(\.runsPerMerge))
    }

    @Test func underLoadTheTrainLandsMore() async {
        for goal in GoalCheck.all(await Self.small.run { _, _ in }) where goal.goal.hasPrefix("merges/h") {
            #expect(goal.missed.isEmpty, "\(goal.goal)")
        }
    }

    /// Every third has a rival near it: cars of those that lanes cleared have to get smaller.
    @Test func whereManyAreBadOnlyTogetherTheTrainStaysAhead() async throws {
        var table = Self.small
        table.capacities = [8]
        table.conflicts = [0.01]
        table.seeds = 20
        table.policies = [.slipway, .tide]
        let rows = await table.run { _, _ in }
        for failure in table.failures {
            let pair = rows.filter { $0.failure == failure }
            let train = try #require(pair.first { $0.policy == .slipway })
            let tide = try #require(pair.first { $0.policy == .tide })
            #expect(train.mergesPerHour > 3 * tide.mergesPerHour)
            #expect(train.runsPerMerge < 1.3 * tide.runsPerMerge)
        }
    }

    @Test(arguments: [(0.05, 3.317), (0.1, 1.919)])
    func nobodyKnowsMoreThanTheTestsTold(_ failure: Double, _ bound: Double) {
        let check = BoundCheck(failure: failure, seeds: 3)
        #expect(check.bound == bound)
        #expect(check.holds)
        // Far from the bound, something would be wrong with the train.
        #expect(check.mergesPerRun > bound / 3)
    }

    @Test func aFastSeriesHasNoFalseEjectionsWithoutFlakes() async {
        var table = Self.small
        table.flakes = [0]
        table.conflicts = [0]
        for row in await table.run(progress: { _, _ in }) { #expect(row.falseEjections == 0, "\(row.policy)") }
    }
}
