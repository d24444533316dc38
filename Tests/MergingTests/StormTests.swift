import Forge
import Foundation
import Merging
import SlipwayModel
import Synchronization
import Testing

/// Many pull requests, some bad, some bad only together, a test that flakes, drivers that die: all good ones land, all
/// bad ones are put out with a reason, and `main` never stands at a tree that was not tested green.
@Suite struct StormTests {
    /// How many pull requests; SLIPWAY_MERGING_STORM=200 for the whole size.
    private static let size = ProcessInfo.processInfo.environment["SLIPWAY_MERGING_STORM"].flatMap(Int.init) ?? 24

    @Test func everythingGoodLandsAndNothingBad() async throws {
        let size = Self.size
        // One in twenty is bad, which shows only on a base with the marker: their own runs were green.
        let bad = Set(stride(from: 7, to: size, by: 20))
        // Green alone, red together.
        let pairs = [(2, 4), (9, 14), (11, 18)]
        let flakes = Mutex<[String: Int]>([:])
        try await MergingHarness.run(judge: { _, files, _ in
            let rotten = files.keys.filter { $0.hasPrefix("rotten-") }.sorted()
            if !rotten.isEmpty, files["marker"] != nil {
                return .init(passes: false, test: "rot", output: "expected nothing rotten, got \(rotten[0])")
            }
            if let clash = pairs.first(where: { files["pair-\($0.0)"] != nil && files["pair-\($0.1)"] != nil }) {
                return .init(passes: false, test: "clash", output: "expected \(clash.0) or \(clash.1), got both")
            }
            // One tree in fifteen fails once.
            let key = files.keys.sorted().joined(separator: ",")
            let isFlaky = key.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF } % 15 == 0
            let times = flakes.withLock { seen in
                seen[key, default: 0] += 1
                return seen[key] ?? 0
            }
            return .init(
                passes: !isFlaky || times > 1, test: "slow-\(key.utf8.count % 2)", output: "expected it in time")
        }) { harness in
            let changes = (0..<size).map { index -> (branch: String, files: [String: String]) in
                var files = ["file-\(index)": "\(index)\n"]
                if bad.contains(index) { files["rotten-\(index)"] = "x\n" }
                if pairs.contains(where: { $0.0 == index || $0.1 == index }) { files["pair-\(index)"] = "x\n" }
                return ("branch-\(index)", files)
            }
            // Held back until all of them are green on a base that does not show what is rotten.
            try await harness.apply(
                tide: "tide: {queries: [{repos: [harbor/crane], labels: [ready]}]}", jobs: [MergingHarness.unit])
            let numbers = try await harness.forge.open(changes)
            try await harness.steps(200, until: "every pull request ran") { try await harness.greenHeads() >= size - 4 }
            try await harness.forge.push("main", ["marker": "x\n"])
            try await harness.apply(jobs: [MergingHarness.unit])
            // Those whose own run flaked.
            for number in numbers where try await harness.status(number, "unit")?.state != "success" {
                try await harness.emit(
                    CommandIssued(
                        repository: MergingHarness.repository, number: number, actor: "maria",
                        actorAssociation: "MEMBER",
                        commentID: nil, commands: [.init(name: "retest", arguments: "")], body: "/retest",
                        deliveryID: "retest-\(number)"))
            }
            let losers = bad.count + pairs.count
            var generator = SystemRandomNumberGenerator()
            try await harness.steps(400, until: "the storm is over") {
                if Int.random(in: 0..<3, using: &generator) == 0 {
                    try await harness.killDriver(after: .milliseconds(Int.random(in: 1...400, using: &generator)))
                }
                let merged = try await harness.mergedNumbers().count
                let ejected = try await harness.ejected().count
                return merged == size - losers && ejected == losers
            }
            let (merged, ejected) = (try await harness.mergedNumbers(), try await harness.ejected())
            #expect(Set(bad.map { numbers[$0] }).isSubset(of: Set(ejected.keys)))
            for pair in pairs { #expect(merged.contains(numbers[pair.0]) != merged.contains(numbers[pair.1])) }
            for (number, reason) in ejected {
                #expect(reason.contains("unit failed twice"), "#\(number): \(reason)")
                let comments = try await harness.comments(number)
                #expect(comments.contains { $0.contains("merge train") && $0.contains("expected") }, "\(comments)")
            }
            let landings = try await harness.landings()
            #expect(Set(landings.map(\.number)) == merged && landings.count == merged.count)
            let tested = try await harness.testedTrees()
            // The first is the base that was pushed by hand.
            for tree in harness.treesOfMain.dropFirst(2) { #expect(tested.contains(tree), "\(tree) was never green") }
        }
    }
}
