import Fleet
import Forge
import LocalForge
import Merging
import Postgres
import RoomKit
import SlipwayModel
import Testing

/// What the forge itself asks for before it lets anybody merge: contexts, reviews, the merger's own status.
@Suite struct ForgeRulesTests {
    private static func withoutPushes(_ settings: inout Settings) { settings.mergePushes = false }

    @Test func aRefusalIsSaidAndNotTriedBlindly() async throws {
        try await MergingHarness.run(tide: MergingHarness.tide + "\nplank: {}", settings: Self.withoutPushes) {
            harness in
            try await harness.forge.protect("main", #"{"required_status_checks": {"contexts": ["security"]}}"#)
            let numbers = try await harness.forge.open([("one", ["one": "1\n"])])
            try await harness.steps(until: "it is out") { try await harness.ejected().count == 1 }
            let reason = try #require(try await harness.ejected()[numbers[0]])
            #expect(reason.contains("The forge refused the merge: Required status check \"security\" is expected."))
            try await harness.step()
            #expect(try await harness.history().count { $0.hasPrefix("EJECT") } == 1)
        }
    }

    /// The forge says of itself that it would refuse the merge: under the policy `block` nobody tries.
    @Test func whatTheForgeBlocksIsNotTested() async throws {
        let tide = MergingHarness.tide.replacing(
            "tide: {", with: "tide: {github_merge_blocks_policy: {harbor: block}, ")
        try await MergingHarness.run(tide: tide) { harness in
            try await harness.forge.protect("main", #"{"required_status_checks": {"contexts": ["security"]}}"#)
            let numbers = try await harness.forge.open([("one", ["one": "1\n"])])
            let words =
                "Not mergeable. PR is blocked from merging by GitHub (check branch protection, required reviews, or "
                + "rulesets)"
            try await harness.steps(until: "it says so") {
                try await harness.status(numbers[0])?.description == words
            }
            #expect(try await !harness.isUnderTest())
            let head = try await harness.pull(numbers[0]).head.sha
            try await harness.forge.maria.createStatus(
                MergingHarness.repository, sha: head, CommitStatus(state: "success", context: "security"))
            try await harness.dirty()
            try await harness.steps(until: "it lands") { try await harness.areMerged(numbers) }
        }
    }

    /// The forge shows a required context as pending that was green when the pull request entered.
    @Test func whatPassedTogetherStandsForWhatIsPending() async throws {
        let tide = MergingHarness.tide.replacing(
            "tide: {", with: "tide: {context_options: {overwrite-pending-contexts: true}, ")
        try await MergingHarness.run(tide: tide, settings: Self.withoutPushes) { harness in
            try await harness.forge.protect("main", #"{"required_status_checks": {"contexts": ["unit"]}}"#)
            let numbers = try await harness.forge.open([("one", ["one": "1\n"])])
            try await harness.steps(until: "it is under test") { try await harness.isUnderTest() }
            let head = try await harness.pull(numbers[0]).head.sha
            _ = try await harness.forge.bot.createStatus(
                MergingHarness.repository, sha: head, CommitStatus(state: "pending", context: "unit"))
            try await harness.steps(until: "it lands") {
                try await harness.forgetPauses()
                return try await harness.areMerged(numbers)
            }
            let status = try #require(try await harness.status(numbers[0], "unit"))
            #expect(status.state == "success")
            #expect(status.description == "Job succeeded together with others in the merge train.")
            #expect(try await harness.ejected().isEmpty)
        }
    }

    @Test func aPendingContextThatIsNotOverwrittenKeepsItOut() async throws {
        try await MergingHarness.run(settings: Self.withoutPushes) { harness in
            try await harness.forge.protect("main", #"{"required_status_checks": {"contexts": ["unit"]}}"#)
            let numbers = try await harness.forge.open([("one", ["one": "1\n"])])
            try await harness.steps(until: "it is under test") { try await harness.isUnderTest() }
            let head = try await harness.pull(numbers[0]).head.sha
            _ = try await harness.forge.bot.createStatus(
                MergingHarness.repository, sha: head, CommitStatus(state: "pending", context: "unit"))
            try await harness.steps(until: "it is out") { try await !harness.ejected().isEmpty }
            #expect(
                try await harness.ejected()[numbers[0]]
                    == "The forge refused the merge: Required status check \"unit\" is expected.")
        }
    }

    @Test func theMergersOwnStatusMayBeRequired() async throws {
        try await MergingHarness.run(settings: Self.withoutPushes) { harness in
            try await harness.forge.protect("main", #"{"required_status_checks": {"contexts": ["unit", "tide"]}}"#)
            let numbers = try await harness.forge.open([("one", ["one": "1\n"]), ("two", ["two": "2\n"])])
            try await harness.steps(until: "both land") {
                try await harness.forgetPauses()
                return try await harness.areMerged(numbers)
            }
            #expect(try await harness.ejected().isEmpty)
        }
    }

    @Test func anApprovalIsWaitedFor() async throws {
        try await MergingHarness.run { harness in
            try await harness.forge.protect(
                "main", #"{"required_pull_request_reviews": {"required_approving_review_count": 1}}"#)
            let numbers = try await harness.forge.open([("one", ["one": "1\n"])])
            try await harness.steps(until: "it is out") { try await !harness.ejected().isEmpty }
            let reason = "At least 1 approving review is required by reviewers with write access."
            #expect(try await harness.ejected()[numbers[0]] == "The forge refused the merge: \(reason)")
            #expect(try await harness.page(numbers[0]).contains(reason))
            #expect(try await harness.comments(numbers[0]).contains { $0.contains(reason) })
            _ = try await harness.forge.bot.review(MergingHarness.repository, numbers[0], event: "APPROVE")
            try await harness.retest(numbers[0])
            try await harness.steps(until: "it lands") { try await harness.areMerged(numbers) }
        }
    }

    @Test func aQueryMayAskForApprovals() async throws {
        let tide = "tide: {queries: [{repos: [harbor/crane], reviewApprovedRequired: true}]}"
        try await MergingHarness.run(tide: tide) { harness in
            let numbers = try await harness.forge.open([("one", ["one": "1\n"])])
            let words = "Not mergeable. PullRequest is missing sufficient approving GitHub review(s)"
            try await harness.steps(until: "it says so") {
                try await harness.status(numbers[0])?.description == words
            }
            try await harness.steps(until: "it lands") {
                // What PullRequests makes of the forge's reviews.
                _ = try await harness.bus.database.query("update pull_requests.pulls set review_decision = 'approved'")
                try await harness.dirty()
                return try await harness.areMerged(numbers)
            }
        }
    }

    /// The forge says when somebody else's context turns green: nobody waits for the next look.
    @Test func aStatusOfSomebodyElseWakesThePool() async throws {
        let tide = MergingHarness.tide.replacing(
            "tide: {", with: "tide: {context_options: {required-contexts: [cla]}, ")
        try await MergingHarness.run(tide: tide) { harness in
            let numbers = try await harness.forge.open([("one", ["one": "1\n"])])
            try await harness.steps(until: "only the other context is missing") {
                try await harness.status(numbers[0])?.description == "Not mergeable. Job cla has not succeeded."
            }
            let head = try await harness.pull(numbers[0]).head.sha
            try await harness.forge.maria.createStatus(
                MergingHarness.repository, sha: head, CommitStatus(state: "success", context: "cla"))
            // The forge was asked just now, so a look alone does not ask again.
            _ = try await harness.bus.database.query(
                "update merging.members set contexts_at = now() + interval '1 hour'")
            try await harness.dirty()
            try await harness.step()
            let words = try await harness.status(numbers[0])?.description
            #expect(words == "Not mergeable. Job cla has not succeeded.")
            try await harness.emit(
                StatusTold(
                    repository: MergingHarness.repository, sha: head, context: "cla", sender: "maria",
                    deliveryID: "status"))
            try await harness.steps(until: "it lands") { try await harness.areMerged(numbers) }
        }
    }

    @Test func aCheckRunCountsAsAStatusDoes() async throws {
        let tide = MergingHarness.tide.replacing(
            "tide: {", with: "tide: {context_options: {required-contexts: [security]}, ")
        try await MergingHarness.run(tide: tide, settings: Self.withoutPushes) { harness in
            try await harness.forge.protect("main", #"{"required_status_checks": {"contexts": ["security"]}}"#)
            let number = try await harness.forge.open([("one", ["one": "1\n"])])[0]
            let head = try await harness.pull(number).head.sha
            try await harness.forge.check("security", on: head, conclusion: "success")
            try await harness.forge.check("lint", on: head, conclusion: "failure")
            let words = "Not mergeable. Job lint has not succeeded."
            try await harness.steps(until: "the check that failed keeps it out") {
                try await harness.status(number)?.description == words
            }
            #expect(try await !harness.isUnderTest())
            // A second run of the check; the webhook of its end has the forge asked at once.
            try await harness.forge.check("lint", on: head, conclusion: "neutral")
            _ = try await harness.bus.database.query(
                "update merging.members set contexts_at = now() + interval '1 hour'")
            try await harness.dirty()
            try await harness.step()
            #expect(try await harness.status(number)?.description == words)
            try await harness.emit(
                StatusTold(
                    repository: MergingHarness.repository, sha: head, context: "lint", sender: "maria",
                    deliveryID: "check"))
            try await harness.steps(until: "it lands") { try await harness.areMerged([number]) }
            #expect(try await harness.ejected().isEmpty)
        }
    }

    @Test func aForgeThatShowsNoCheckRunsHasNone() async throws {
        try await MergingHarness.run { harness in
            harness.forge.faults.inject(
                .answer(403, message: "Resource not accessible by integration"), path: "/check-runs", times: 1000)
            let numbers = try await harness.forge.open([("one", ["one": "1\n"])])
            try await harness.steps(until: "it lands") { try await harness.areMerged(numbers) }
            #expect(
                try await harness.page("/merging").contains(
                    "The forge does not show the check runs of harbor/crane, so they count as not there"))
        }
    }

    @Test func whatIsMissingMayBeACheckRunThatIsNotShown() async throws {
        let tide = MergingHarness.tide.replacing(
            "tide: {", with: "tide: {context_options: {required-contexts: [security]}, ")
        try await MergingHarness.run(tide: tide, jobs: []) { harness in
            harness.forge.faults.inject(
                .answer(403, message: "Resource not accessible by integration"), path: "/check-runs", times: 1000)
            let number = try await harness.forge.open([("one", ["one": "1\n"])])[0]
            try await harness.steps(until: "its page tells who can help") {
                try await harness.page(number).contains("gives the App the permission to read checks")
            }
            harness.forge.faults.clear()
            let head = try await harness.pull(number).head.sha
            try await harness.forge.check("security", on: head, conclusion: "success")
            try await harness.emit(
                StatusTold(
                    repository: MergingHarness.repository, sha: head, context: "security", sender: "maria",
                    deliveryID: "check"))
            try await harness.steps(until: "it lands") { try await harness.areMerged([number]) }
            #expect(try await !harness.page("/merging").contains("does not show the check runs"))
        }
    }

    @Test func aContextThatTurnedRedMeanwhileKeepsItOut() async throws {
        try await MergingHarness.run { harness in
            let numbers = try await harness.forge.open([("one", ["one": "1\n"])])
            try await harness.steps(until: "it is under test") { try await harness.isUnderTest() }
            let head = try await harness.pull(numbers[0]).head.sha
            try await harness.forge.maria.createStatus(
                MergingHarness.repository, sha: head, CommitStatus(state: "failure", context: "licence"))
            try await harness.steps(until: "it says so") {
                try await harness.dirty()
                return try await harness.status(numbers[0])?.description
                    == "Not mergeable. Job licence has not succeeded."
            }
            #expect(try await !harness.isMerged(numbers[0]))
        }
    }
}
