import Forge
import Merging
import Postgres
import SlipwayModel
import Testing

/// The whole way, with real git: from the pull request to the branch.
@Suite struct LandingTests {
    @Test func twoGreenPullRequestsLand() async throws {
        try await MergingHarness.run { harness in
            let numbers = try await harness.forge.open([("one", ["one.txt": "1\n"]), ("two", ["two.txt": "2\n"])])
            try await harness.steps(until: "both land") {
                try await harness.areMerged(numbers)
            }
            #expect(try await harness.forge.mainFiles() == ["README.md", "one.txt", "two.txt"])
            #expect(try await harness.landings().map(\.number).sorted() == numbers)
            #expect(try await harness.status(numbers[0])?.description == "In merge pool.")
            #expect(try await harness.status(numbers[0])?.state == "success")
        }
    }

    @Test func whatFailsStaysOut() async throws {
        try await MergingHarness.run { harness in
            let numbers = try await harness.forge.open([("good", ["good.txt": "1\n"]), ("bad", ["bad": "2\n"])])
            try await harness.steps(until: "the good one lands") { try await harness.isMerged(numbers[0]) }
            try await harness.step()
            #expect(try await !harness.isMerged(numbers[1]))
            #expect(try await harness.status(numbers[1])?.description == "Not mergeable. Job unit has not succeeded.")
        }
    }
}
