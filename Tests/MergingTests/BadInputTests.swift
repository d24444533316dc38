import Forge
import Merging
import Postgres
import SlipwayModel
import Testing
import Web

/// What people write wrong, or what goes away under a pull request: each is said at the forge, on the page of the pools
/// and on the pull request's own.
@Suite struct BadInputTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// Members of `tide` beside its queries.
        var tide = ""
        var jobs = [MergingHarness.unit]
        var files = ["one": "1\n"]
        var base = "main"
        /// Happens after the pull request was opened.
        var mischief: @Sendable (MergingHarness, Int) async throws -> Void = { _, _ in }
        /// Tide's words, or ours where it has none.
        var status: String
        /// Why it is not merging, as its page says it.
        var rule: String
    }

    static let cases = [
        Case(
            testDescription: "labels that ask for different methods", tide: "squash_label: s, merge_label: m, ",
            mischief: { harness, number in
                _ = try await harness.forge.maria.addLabels(MergingHarness.repository, number, ["s", "m"])
            }, status: "Not mergeable. PR has conflicting merge method override labels",
            rule: "Its labels s and m ask for different methods of merging."),
        Case(
            testDescription: "a method that the repository forbids", tide: "merge_method: {harbor: squash}, ",
            mischief: { harness, _ in try await harness.forge.allow(#"{"allow_squash_merge": false}"#) },
            status: "Not mergeable. Merge type \"squash\" disallowed by repo settings",
            rule: "It would be merged by 'squash', which the settings of harbor/crane do not allow."),
        Case(
            testDescription: "a context that never reports", tide: "context_options: {required-contexts: [cla]}, ",
            status: "Not mergeable. Job cla has not succeeded.",
            rule: "cla is required and was never reported on its newest commit."),
        Case(
            testDescription: "a conflict with the base", jobs: [], files: ["README.md": "one\n"],
            mischief: { harness, _ in try await harness.forge.push("main", ["README.md": "main\n"]) },
            status: "Not mergeable. PR has a merge conflict.", rule: "It conflicts with 'main'."),
        Case(
            testDescription: "a base that is deleted", jobs: [], base: "stable",
            mischief: { harness, _ in try await harness.forge.git("push", "--quiet", "origin", ":stable") },
            status: "Not mergeable. Branch stable does not exist.",
            rule: "The branch 'stable' does not exist, so nothing can be merged into it."),
        Case(
            testDescription: "5,000 commits to be rebased", tide: "merge_method: {harbor: rebase}, ",
            mischief: { harness, _ in try await harness.forge.pushManyCommits("one", count: 5000) },
            status: "Not mergeable. It has more than 100 commits, which are too many to be rebased one by one; squash "
                + "them, or use another method.",
            rule:
                "It was put out of the merge train. It has more than 100 commits, which are too many to be rebased one "
                + "by one; squash them, or use another method."),
        Case(
            testDescription: "a branch that no query takes",
            tide: "", base: "stable",
            mischief: { harness, _ in
                try await harness.apply(
                    tide: "tide: {queries: [{repos: [harbor/crane], includedBranches: [main]}]}",
                    jobs: [MergingHarness.unit])
            }, status: "Not mergeable. Merging to branch stable is forbidden.",
            rule: "Nothing is merged into 'stable'."),
    ]

    @Test(arguments: cases) func isSaidEverywhere(_ the: Case) async throws {
        let tide = MergingHarness.tide.replacing("tide: {", with: "tide: {\(the.tide)")
        try await MergingHarness.run(tide: tide, jobs: the.jobs) { harness in
            if the.base != "main" { try await harness.forge.git("push", "--quiet", "origin", "main:\(the.base)") }
            let number = try #require(try await harness.forge.open([("one", the.files)], base: the.base).first)
            try await the.mischief(harness, number)
            try await harness.dirty()
            try await harness.steps(until: "it says: \(the.status)") {
                try await harness.status(number)?.description == the.status
            }
            #expect(try await harness.status(number)?.state != "success")
            #expect(try await harness.room.obstacles(MergingHarness.repository, number).map(\.rule).contains(the.rule))
            #expect(try await harness.page(number).contains(Markup(escaping: the.rule).html))
            #expect(try await harness.page("/merging").contains(Markup(escaping: the.status).html))
            #expect(try await !harness.isMerged(number))
        }
    }

    @Test func aBaseThatComesBackIsMergedInto() async throws {
        try await MergingHarness.run { harness in
            try await harness.forge.git("push", "--quiet", "origin", "main:stable")
            let numbers = try await harness.forge.open([("one", ["one": "1\n"])], base: "stable")
            try await harness.steps(until: "it is under test") { try await harness.isUnderTest() }
            try await harness.forge.git("push", "--quiet", "origin", ":stable")
            try await harness.dirty()
            try await harness.steps(until: "it says so") {
                try await harness.status(numbers[0])?.description == "Not mergeable. Branch stable does not exist."
            }
            try await harness.forge.git("push", "--quiet", "origin", "main:stable")
            try await harness.dirty()
            try await harness.steps(until: "it lands") { try await harness.areMerged(numbers) }
            #expect(try await harness.status(numbers[0])?.description == "In merge pool.")
        }
    }

    @Test func aBaseThatIsForcePushed() async throws {
        try await MergingHarness.run { harness in
            try await harness.forge.push("main", ["second": "x\n"])
            let numbers = try await harness.forge.open([("one", ["one": "1\n"])])
            try await harness.steps(until: "it is under test") { try await harness.isUnderTest() }
            try await harness.forge.git("commit", "--quiet", "--amend", "--message", "Rewritten")
            try await harness.forge.git("push", "--quiet", "--force", "origin", "main")
            try await harness.steps(until: "it lands on the new one") { try await harness.areMerged(numbers) }
            #expect(try await harness.page("/merging").contains("everything is built again on it"))
        }
    }

    @Test func aRepositoryWithoutJobs() async throws {
        try await MergingHarness.run(jobs: []) { harness in
            let numbers = try await harness.forge.open([("one", ["one": "1\n"]), ("two", ["two": "2\n"])])
            try await harness.steps(until: "both land") { try await harness.areMerged(numbers) }
            #expect(
                try await harness.page("/merging?repo=harbor/crane").contains(
                    "No job is required here: whatever meets the rules lands without a test of ours."))
        }
    }

    @Test func manyCommitsAreMergedAsOne() async throws {
        try await MergingHarness.run(jobs: []) { harness in
            let numbers = try await harness.forge.open([("one", ["one": "1\n"])])
            try await harness.forge.pushManyCommits("one", count: 5000)
            try await harness.steps(until: "it lands") { try await harness.areMerged(numbers) }
            #expect(try await harness.forge.mainFiles().contains("counter"))
        }
    }

    @Test func aPullRequestThatTwoQueriesMatchLandsOnce() async throws {
        let tide = "tide: {queries: [{repos: [harbor/crane], missingLabels: [hold]}, {orgs: [harbor]}]}"
        try await MergingHarness.run(tide: tide) { harness in
            let numbers = try await harness.forge.open([("one", ["one": "1\n"])])
            try await harness.steps(until: "it is under test") { try await harness.isUnderTest() }
            #expect(try await harness.page("/merging").contains("Any one of these is enough."))
            try await harness.steps(until: "it lands") { try await harness.areMerged(numbers) }
            #expect(try await harness.landings().map(\.number) == numbers)
            #expect(try await harness.history().filter { $0.hasPrefix("MERGE") }.count == 1)
        }
    }

    /// One that does not parse is refused with the configuration; this one is too long for one pull request.
    @Test func aTemplateThatFailsOnAPullRequest() async throws {
        let tide = MergingHarness.tide.replacing(
            "tide: {", with: "tide: {merge_commit_template: {harbor: {body: '{{.Body}}'}}, ")
        try await MergingHarness.run(tide: tide, jobs: []) { harness in
            let long = String(repeating: "All about it. ", count: 2000)
            let numbers = try await harness.forge.open([("one", ["one": "1\n"])], body: long)
            try await harness.steps(until: "it lands") { try await harness.areMerged(numbers) }
            let told = "merge_commit_template fails on it (writes more than"
            #expect(try await harness.page(numbers[0]).contains(told))
            #expect(try await harness.page("/merging").contains(told))
        }
    }

    @Test func pullRequestsThatConflictWithEachOther() async throws {
        try await MergingHarness.run { harness in
            let numbers = try await harness.forge.open([("one", ["a": "1\n"]), ("two", ["a": "2\n"])])
            try await harness.steps(until: "one lands, the other one is told") {
                guard try await harness.isMerged(numbers[0]) else { return false }
                return try await harness.status(numbers[1])?.description?.contains("conflict") == true
            }
            #expect(try await !harness.isMerged(numbers[1]))
        }
    }
}
