import Merging
import Testing

/// Whatever comes in whatever order: nothing untested lands, nothing lands twice, every good pull request lands, every
/// bad one is out.
@Suite struct TrainPropertyTests {
    private static let seeds = Array(UInt64(1)...60)

    @Test(arguments: seeds) func inCalmWeatherEverybodyGetsWhatTheyDeserve(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let numbers = 1...Int.random(in: 1...40, using: &random)
        let bad = Set(numbers.filter { _ in Int.random(in: 0..<10, using: &random) == 0 })
        var world = TrainWorld(
            seed: seed, capacity: Int.random(in: 1...8, using: &random), bad: bad,
            rivals: pairs(of: numbers, &random), clashes: pairs(of: numbers, &random))
        for number in numbers {
            world.enter(number)
            if Bool.random(using: &random) { world.step() }
        }
        let isDrained = world.drain()
        #expect(isDrained, "the train does not come to an end: \(world.train)")
        #expect(world.violations.isEmpty)
        #expect(world.injustices(among: numbers).isEmpty)
    }

    @Test(arguments: seeds) func inAStormNothingUntestedLandsAndNothingIsForgotten(_ seed: UInt64) {
        var random = SeededRandom(seed: seed &+ 1000)
        let numbers = 1...Int.random(in: 1...40, using: &random)
        let bad = Set(numbers.filter { _ in Int.random(in: 0..<10, using: &random) == 0 })
        var world = TrainWorld(
            seed: seed, capacity: Int.random(in: 1...8, using: &random), bad: bad,
            rivals: pairs(of: numbers, &random), clashes: pairs(of: numbers, &random),
            jobs: [TrainJob(name: "unit", hash: "u"), TrainJob(name: "lint", hash: "l", freshness: .always)],
            weather: .storm)
        for number in numbers {
            world.enter(number)
            for _ in 0..<Int.random(in: 0..<4, using: &random) { world.step() }
        }
        let isDrained = world.drain()
        #expect(isDrained, "the train does not come to an end: \(world.train)")
        #expect(world.violations.isEmpty)
        #expect(world.injustices(among: numbers).isEmpty)
        #expect(world.landed.allSatisfy { !bad.contains($0) })
    }

    private func pairs(of numbers: ClosedRange<Int>, _ random: inout SeededRandom) -> [Set<Int>] {
        (0..<2).compactMap { _ in
            let pair = Set([Int.random(in: numbers, using: &random), Int.random(in: numbers, using: &random)])
            return pair.count == 2 ? pair : nil
        }
    }
}
