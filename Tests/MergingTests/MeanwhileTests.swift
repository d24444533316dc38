import Fleet
import Forge
import Git
import LocalForge
import Merging
import Postgres
import RoomKit
import SlipwayModel
import Testing

/// What happens to the configuration, the branch or the forge while the train has a pull request.
@Suite struct MeanwhileTests {
    /// What the pull request passed by itself is not what the tree passed that lands.
    @Test func aRequiredJobThatIsAddedRunsOnTheTreeThatLands() async throws {
        try await MergingHarness.run { harness in
            let numbers = try await harness.forge.open([("one", ["one": "1\n"])])
            try await harness.forge.push("main", ["other": "x\n"])
            try await harness.steps(until: "it is under test") { try await harness.isUnderTest() }
            try await harness.apply(jobs: [
                MergingHarness.unit, "{name: licence, always_run: true, \(MergingHarness.spec)}",
            ])
            try await harness.steps(until: "it lands") { try await harness.areMerged(numbers) }
            let tip = try await harness.forge.bare.tree(of: "refs/heads/main")
            #expect(try await harness.testedTrees("unit").contains(tip))
            #expect(try await harness.testedTrees("licence").contains(tip))
        }
    }

    /// A run that is asked for again is another job's by then: nobody is blamed for it.
    @Test func aJobThatChangedIsAskedForAnew() async throws {
        try await MergingHarness.run { harness in
            let numbers = try await harness.forge.open([("one", ["one": "1\n"])])
            try await harness.steps(until: "it is under test") { try await harness.isUnderTest() }
            // As if the configuration had changed between the build of the tree and the start of its run.
            _ = try await harness.bus.database.query("update merging.runs set job_hash = 'older'")
            try await harness.steps(until: "it lands") { try await harness.areMerged(numbers) }
            #expect(try await harness.history().allSatisfy { !$0.hasPrefix("FAILED") })
        }
    }

    // MARK: Answers that get lost

    @Test func aPushWhoseAnswerGetsLostIsFound() async throws {
        try await MergingHarness.run { harness in
            let numbers = try await harness.forge.open([("one", ["one": "1\n"]), ("two", ["two": "2\n"])])
            try await harness.steps(until: "they are under test") { try await harness.isUnderTest() }
            harness.forge.faults.inject(.dropAnswer, method: "POST", path: "git-receive-pack")
            try await harness.steps(until: "both are written down") { try await harness.landings().count == 2 }
            #expect(try await harness.areMerged(numbers))
            #expect(try await harness.history().allSatisfy { !$0.hasPrefix("LEFT") })
        }
    }

    @Test func aMergeWhoseAnswerGetsLostIsFound() async throws {
        try await MergingHarness.run(settings: { $0.mergePushes = false }) { harness in
            let numbers = try await harness.forge.open([("one", ["one": "1\n"]), ("two", ["two": "2\n"])])
            try await harness.steps(until: "they are under test") { try await harness.isUnderTest() }
            harness.forge.faults.inject(.dropAnswer, method: "PUT", path: "/merge")
            try await harness.steps(until: "both are written down") { try await harness.landings().count == 2 }
            #expect(try await harness.areMerged(numbers))
            #expect(try await harness.history().allSatisfy { !$0.hasPrefix("LEFT") })
        }
    }

    @Test func whyNothingLandsIsOnThePages() async throws {
        try await MergingHarness.run(settings: { $0.mergePushes = false }) { harness in
            harness.forge.faults.inject(
                .answer(403, message: "Resource not accessible by integration"), method: "PUT", path: "/merge",
                times: 1000)
            let number = try await harness.forge.open([("one", ["one": "1\n"])])[0]
            let words = "What passed did not land, and is tried again."
            try await harness.steps(until: "the page says so") { try await harness.page("/merging").contains(words) }
            #expect(try await harness.page(number).contains("Resource not accessible by integration"))
            #expect(try await harness.page("/tide.js").contains(words))
            harness.forge.faults.clear()
            try await harness.steps(until: "it lands") {
                try await harness.forgetPauses()
                return try await harness.isMerged(number)
            }
            #expect(try await !harness.page("/merging").contains(words))
        }
    }

    @Test(
        arguments: [
            (405, "Base branch was modified. Review and try the merge again.", false, .baseMoved),
            (409, "Base branch was modified. Review and try the merge again.", false, .baseMoved),
            (409, "Head branch was modified. Review and try the merge again.", false, .headMoved),
            (405, "Pull Request is not mergeable", true, .notYet),
            (405, "Pull Request is not mergeable", false, .final),
            (405, "Squash merges are not allowed on this repository.", false, .final),
            (405, "Required status check \"unit\" is expected.", false, .final),
            (422, "Validation Failed", true, .final),
            (403, "Resource not accessible by integration", false, .trouble),
            (404, "Not Found", false, .trouble), (500, "", false, .trouble), (nil, "timed out", true, .trouble),
        ] as [(Int?, String, Bool, MergeRefusal)])
    func aRefusalHasAMeaning(status: Int?, message: String, isUndecided: Bool, meaning: MergeRefusal) {
        #expect(MergeRefusal(status: status, message: message, isUndecided: isUndecided) == meaning)
    }
}
