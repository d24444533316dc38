import Foundation
import Git
import Merging
import SlipwayModel
import Synchronization
import Testing

/// Many pull requests: some bad, some bad only together, some in each other's way, tests that flake, and drivers that
/// die at whatever they are doing. All good ones land, all bad ones are put out with a reason, and `main` never stands
/// at a tree that was not tested green.
@Suite struct StormTests {
    private static let environment = ProcessInfo.processInfo.environment
    /// SLIPWAY_MERGING_STORM=200 for the whole size, SLIPWAY_MERGING_SEED for another storm.
    private static let size = environment["SLIPWAY_MERGING_STORM"].flatMap(Int.init) ?? 30
    private static let seed = environment["SLIPWAY_MERGING_SEED"].flatMap(UInt64.init) ?? 1

    @Test func everythingGoodLandsAndNothingBad() async throws {
        let cast = StormCast(size: Self.size, seed: Self.seed)
        let flakes = Flakes()
        try await MergingHarness.run(
            tide: "tide: {queries: [{repos: [harbor/crane], labels: [ready]}]}", capacity: 8,
            judge: { cast.judge(files: $1, isTogether: $2.pulls?.count ?? 0 > 1, flakes) }
        ) { harness in
            // Nobody is ready until all are green on a base that does not show who is bad.
            let numbers = try await harness.forge.open(cast.changes)
            try await harness.steps(Self.size, until: "every head is green") {
                try await harness.greenHeads() == Self.size
            }
            try await harness.forge.push("main", ["marker": "x\n"])
            try await harness.apply(jobs: [MergingHarness.unit])

            var random = SeededRandom(seed: Self.seed)
            try await harness.steps(Self.size * 5, until: "the storm is over") {
                if Int.random(in: 0..<2, using: &random) == 0 {
                    try await harness.killDriver(atStep: Int.random(in: 1...60, using: &random))
                }
                let ended = try await harness.mergedNumbers().count + harness.ejected().count
                return ended == Self.size
            }

            let (merged, ejected) = (try await harness.mergedNumbers(), try await harness.ejected())
            for (index, number) in numbers.enumerated() where cast.bad.contains(index) {
                #expect(ejected[number]?.contains("unit failed twice on the newest base") == true)
            }
            for (one, other) in cast.rivals + cast.clashes {
                #expect(merged.contains(numbers[one]) != merged.contains(numbers[other]))
            }
            #expect(merged.count == Self.size - cast.bad.count - cast.rivals.count - cast.clashes.count)
            for (number, reason) in ejected {
                let comment = try await harness.comments(number).first { $0.contains("merge train") }
                #expect(comment?.contains(reason) == true, "#\(number) was put out: \(reason)")
            }
            let landings = try await harness.landings().map(\.number)
            #expect(landings.sorted() == merged.sorted())
            // One merge each, above the first commit and the marker.
            let log = try await harness.forge.bare.commits(
                ["--first-parent", "refs/heads/main"], limit: Self.size + 10)
            #expect(log.count == merged.count + 2)
            let tested = try await harness.testedTrees()
            #expect(harness.treesOfMain.count > 2)
            // The first two were pushed by hand.
            for tree in harness.treesOfMain.dropFirst(2) { #expect(tested.contains(tree), "\(tree) was never green") }
        }
    }
}

/// Who is who in a storm, by the order in which they are opened.
private struct StormCast: Sendable {
    let size: Int
    /// One in twenty, which shows only on a base with the marker: their own runs were green.
    let bad: Set<Int>
    /// Green alone, red together.
    let rivals: [(Int, Int)]
    /// They change the same line.
    let clashes: [(Int, Int)]

    init(size: Int, seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var left = Array(0..<size).shuffled(using: &random)
        func take(_ count: Int) -> [Int] {
            defer { left.removeLast(count) }
            return left.suffix(count)
        }
        func pair() -> (Int, Int) {
            let two = take(2)
            return (two[0], two[1])
        }
        self.size = size
        bad = Set(take(size / 20))
        rivals = [pair(), pair(), pair()]
        clashes = [pair()]
    }

    var changes: [(branch: String, files: [String: String])] {
        (0..<size).map { index in
            var files = ["file-\(index)": "\(index)\n"]
            if bad.contains(index) { files["rotten-\(index)"] = "x\n" }
            if rivals.contains(where: { $0 == index || $1 == index }) { files["rival-\(index)"] = "x\n" }
            for (place, pair) in clashes.enumerated() where pair.0 == index || pair.1 == index {
                files["clash-\(place)"] = "\(index)\n"
            }
            return ("branch-\(index)", files)
        }
    }

    func judge(files: [String: String], isTogether: Bool, _ flakes: Flakes) -> MergingHarness.Judgement {
        if files["marker"] != nil, let rotten = files.keys.filter({ $0.hasPrefix("rotten-") }).min() {
            return .init(passes: false, test: "rot", output: "expected nothing rotten, got \(rotten)")
        }
        if let clash = rivals.first(where: { files["rival-\($0)"] != nil && files["rival-\($1)"] != nil }) {
            return .init(passes: false, test: "peace", output: "expected \(clash.0) or \(clash.1), got both")
        }
        // Alone a good one would rightly be put out where it flakes twice in a row.
        if isTogether, let flake = flakes.next(files.keys.sorted()) {
            return .init(passes: false, test: flake, output: "expected an answer in time")
        }
        return .init(passes: true)
    }
}

/// Two tests that fail on one tree in ten, and pass when they are tried again.
private final class Flakes: Sendable {
    private let seen = Mutex<Set<[String]>>([])

    func next(_ tree: [String]) -> String? {
        guard seen.withLock({ $0.insert(tree).inserted }) else { return nil }
        let sum = tree.joined().utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF }
        return sum % 10 == 0 ? "slow-\(sum % 4 / 2)" : nil
    }
}
