import Fleet
import Forge
import Git
import LocalForge
import Merging
import Postgres
import RoomKit
import SlipwayModel
import Testing

/// The whole way, with real git: from the pull request to the branch.
@Suite struct LandingTests {
    @Test func twoGreenPullRequestsLand() async throws {
        try await MergingHarness.run { harness in
            let numbers = try await harness.forge.open([("one", ["one.txt": "1\n"]), ("two", ["two.txt": "2\n"])])
            try await harness.steps(until: "both land") { try await harness.areMerged(numbers) }
            #expect(try await harness.forge.mainFiles() == ["README.md", "one.txt", "two.txt"])
            #expect(Set(try await harness.landings().map(\.number)) == Set(numbers))
            #expect(try await harness.status(numbers[0])?.description == "In merge pool.")
            #expect(try await harness.status(numbers[0])?.state == "success")
            // The branch's history is a merge for each, as the forge would have made it.
            let log = try await harness.forge.bare.commits(["--first-parent", "refs/heads/main"], limit: 10)
            #expect(
                log.map(\.title) == [
                    "Merge pull request #\(numbers[1]) from harbor/two",
                    "Merge pull request #\(numbers[0]) from harbor/one", "Change README.md",
                ])
            try await harness.steps(until: "nobody is left") { try await harness.members().isEmpty }
        }
    }

    @Test func whatFailsStaysOut() async throws {
        try await MergingHarness.run { harness in
            let numbers = try await harness.forge.open([("good", ["good.txt": "1\n"]), ("bad", ["bad": "2\n"])])
            try await harness.steps(until: "the good one lands") { try await harness.isMerged(numbers[0]) }
            try await harness.step()
            #expect(try await !harness.isMerged(numbers[1]))
            #expect(try await harness.status(numbers[1])?.description == "Not mergeable. Job unit has not succeeded.")
            let obstacles = try await harness.room.obstacles(MergingHarness.repository, numbers[1])
            #expect(obstacles.map(\.rule) == ["unit failed."])
        }
    }

    /// Green alone, red together: the first lands, the second is put out with what failed.
    @Test func greenAloneAndRedTogether() async throws {
        try await MergingHarness.run(judge: { _, files, _ in
            .init(
                passes: files["five"] == nil || files["six"] == nil, test: "both",
                output: "line 1\nexpected five or six, got both\n")
        }) { harness in
            let numbers = try await harness.forge.open([("five", ["five": "x\n"]), ("six", ["six": "x\n"])])
            try await harness.steps(until: "one lands and one is out") {
                guard try await harness.isMerged(numbers[0]) else { return false }
                return try await harness.ejected().count == 1
            }
            try await harness.step()
            #expect(try await !harness.isMerged(numbers[1]))
            let status = try #require(try await harness.status(numbers[1]))
            #expect(status.state == "failure")
            #expect(status.description?.contains("unit failed twice on the newest base") == true)
            let comment = try #require(try await harness.comments(numbers[1]).first { $0.contains("merge train") })
            #expect(comment.contains("suite.both"))
            #expect(comment.contains("expected five or six, got both"))
            let obstacles = try await harness.room.obstacles(MergingHarness.repository, numbers[1])
            #expect(obstacles.first?.rule.contains("put out of the merge train") == true)
            // Another commit that mends it enters by itself, and the comment goes.
            try await harness.forge.push("six", ["seven": "x\n", "six": ""], removing: ["six"])
            try await harness.steps(until: "the mended one lands") { try await harness.isMerged(numbers[1]) }
            #expect(try await harness.comments(numbers[1]).allSatisfy { !$0.contains("merge train") })
        }
    }

    /// Nothing names a test: the comment quotes the log.
    @Test func aFailureWithoutReportsQuotesTheLog() async throws {
        try await MergingHarness.run(judge: { _, files, _ in
            .init(
                passes: files["five"] == nil || files["six"] == nil, test: nil,
                output:
                    "cloning\nbuilding\n\u{1B}[31merror: five and six define the same symbol\u{1B}[0m\nmake: stopped\n")
        }) { harness in
            let numbers = try await harness.forge.open([("five", ["five": "x\n"]), ("six", ["six": "x\n"])])
            try await harness.steps(until: "one is out") { try await harness.ejected().count == 1 }
            try await harness.step()
            let comment = try #require(try await harness.comments(numbers[1]).first { $0.contains("merge train") })
            #expect(
                comment.contains(
                    "```\ncloning\nbuilding\nerror: five and six define the same symbol\nmake: stopped\n```"))
            #expect(
                try await harness.history().contains {
                    $0.hasPrefix("EJECT #\(numbers[1]): unit failed twice on the newest base")
                })
        }
    }

    @Test(arguments: ["squash", "rebase"])
    func otherMethodsTakeTheAPI(method: String) async throws {
        let tide = MergingHarness.tide.replacing("tide: {", with: "tide: {merge_method: {harbor: \(method)}, ")
        try await MergingHarness.run(tide: tide) { harness in
            let numbers = try await harness.forge.open([("one", ["one": "1\n"]), ("two", ["two": "2\n"])])
            try await harness.forge.push("two", ["two": "2\n", "more": "3\n"])
            try await harness.steps(until: "both land") { try await harness.areMerged(numbers) }
            #expect(try await harness.forge.mainFiles() == ["README.md", "more", "one", "two"])
            let log = try await harness.forge.bare.commits(["refs/heads/main"], limit: 10)
            #expect(log.allSatisfy { $0.parents.count < 2 })
            #expect(log.count == (method == "squash" ? 3 : 4))
            for tree in harness.treesOfMain.dropFirst() {
                let tested = try await harness.testedTrees()
                let steps = try await harness.landings().map(\.tree)
                #expect(tested.contains(tree) || steps.contains(tree))
            }
        }
    }

    @Test func aBranchThatTakesNoPushIsMergedByTheAPI() async throws {
        try await MergingHarness.run { harness in
            try await harness.forge.protect("main", #"{"required_pull_request_reviews": {}}"#)
            let numbers = try await harness.forge.open([("one", ["one": "1\n"]), ("two", ["two": "2\n"])])
            try await harness.steps(until: "both land") { try await harness.areMerged(numbers) }
            let log = try await harness.forge.bare.commits(["--first-parent", "refs/heads/main"], limit: 5)
            #expect(log.prefix(2).allSatisfy { $0.committer.name == "slipway-bot" })
        }
    }

    /// The bot may merge, and not push: git is answered with 403. That is found out once, and said once.
    @Test func aForgeThatLetsUsPushNothingIsAskedToMerge() async throws {
        try await MergingHarness.run { harness in
            for branch in ["one", "two"] {
                let numbers = try await harness.forge.open([(branch, [branch: "x\n"])])
                harness.forge.faults.inject(.answer(403), method: "POST", path: "git-receive-pack", times: 1000)
                try await harness.steps(until: "it lands") { try await harness.areMerged(numbers) }
                harness.forge.faults.clear()
            }
            #expect(harness.forge.faults.hits == 1)
            let words = try await harness.history().filter { $0.hasPrefix("NO_PUSH") }
            #expect(
                words == [
                    "NO_PUSH The forge takes no push to 'main', so pull requests are merged by its API, one after the "
                        + "other: The requested URL returned error: 403"
                ])
            #expect(try await harness.page("/merging").contains("The forge takes no push to"))
        }
    }

    @Test func aBranchThatMovedIsTestedAgain() async throws {
        try await MergingHarness.run { harness in
            let numbers = try await harness.forge.open([("one", ["one": "1\n"])])
            try await harness.steps(until: "it is under test") { try await harness.isUnderTest() }
            try await harness.forge.push("main", ["other": "x\n"])
            try await harness.steps(until: "it lands") { try await harness.areMerged(numbers) }
            #expect(try await harness.forge.mainFiles() == ["README.md", "one", "other"])
            let tip = try await harness.forge.bare.tree(of: "refs/heads/main")
            #expect(try await harness.testedTrees().contains(tip))
        }
    }

    @Test func mergedByHandIsNoticed() async throws {
        try await MergingHarness.run { harness in
            let numbers = try await harness.forge.open([("one", ["one": "1\n"]), ("two", ["two": "2\n"])])
            try await harness.steps(until: "one is under test") { try await harness.isUnderTest() }
            let pull = try await harness.pull(numbers[0])
            _ = try await harness.forge.maria.mergePull(
                MergingHarness.repository, numbers[0], sha: pull.head.sha, method: "merge", title: nil, message: nil)
            try await harness.steps(until: "the other one lands") { try await harness.areMerged(numbers) }
            #expect(try await harness.landings().map(\.number) == [numbers[1]])
        }
    }

    /// The worker dies after the forge took the push and before it could write that down.
    @Test func aLandingThatWasNotWrittenDownIsFound() async throws {
        try await MergingHarness.run { harness in
            _ = try await harness.bus.database.query(
                """
                create function merging.crash() returns trigger language plpgsql as $$
                begin raise exception 'the worker died'; end $$
                """)
            _ = try await harness.bus.database.query(
                """
                create trigger crash before update on merging.landings for each row
                  when (new.landed_at is not null) execute function merging.crash()
                """)
            let numbers = try await harness.forge.open([("one", ["one": "1\n"]), ("two", ["two": "2\n"])])
            try await harness.steps(until: "the forge has taken one") {
                try await !harness.mergedNumbers().isEmpty
            }
            #expect(try await harness.landings().isEmpty)
            _ = try await harness.bus.database.query("drop trigger crash on merging.landings")
            try await harness.expireClaims()
            try await harness.steps(until: "both are written down") { try await harness.landings().count == 2 }
            #expect(try await harness.areMerged(numbers))
            #expect(
                try await harness.forge.bare.commits(["--first-parent", "refs/heads/main"], limit: 10).count == 3)
        }
    }

    @Test func blockersStopAndLetGo() async throws {
        let tide = MergingHarness.tide.replacing("tide: {", with: "tide: {blocker_label: blocker, ")
        try await MergingHarness.run(tide: tide) { harness in
            let issue = try await harness.forge.maria.createIssue(
                MergingHarness.repository, title: "main is red, branch:main", labels: ["blocker"])
            let numbers = try await harness.forge.open([("one", ["one": "1\n"])])
            try await harness.steps(until: "it says so") {
                try await harness.status(numbers[0])?.description
                    == "Not mergeable. Merging is blocked by issue \(issue.number)."
            }
            try await harness.forge.close(issue: issue.number)
            try await harness.dirty()
            try await harness.steps(until: "it lands") { try await harness.areMerged(numbers) }
        }
    }
}
