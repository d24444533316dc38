import JobConfig
import Merging
import SlipwayModel
import Testing

/// The status of a pull request that two queries could take, as Tide words it (pkg/tide, `status.go`).
@Suite struct TideStatusTests {
    private static let long = "need-a-very-super-duper-extra-not-short-at-all-label-name"
    private static let needed: Set<String> = ["need-1", "need-2", "need-3"]

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var labels = needed
        var author = "maria"
        var milestone: String? = "v1.0"
        var contexts: [String: ContextState] = [:]
        var isConflicting = false
        var blockers: [Int] = []
        /// Further members of the section.
        var options = ""
        /// Of both queries.
        var branches = ""
        var more = ""
        var authors = ("maria", "maria")
        var state = "pending"
        var text: String
    }

    @Test(arguments: [
        Case(testDescription: "all is met", state: "success", text: "In merge pool."),
        Case(
            testDescription: "a list is cut", labels: [], text: "Not mergeable. Needs need-1, need-2 labels."),
        Case(
            testDescription: "and the first is always told", labels: ["need-1", "need-2"],
            text: "Not mergeable. Needs \(long) or need-3 label."),
        Case(
            testDescription: "methods that contradict each other", labels: needed.union(["m", "s"]), state: "error",
            text: "Not mergeable. PR has conflicting merge method override labels"),
        Case(
            testDescription: "two labels that must not be there", labels: needed.union(["forbidden-1", "forbidden-2"]),
            text: "Not mergeable. Should not have forbidden-1, forbidden-2 labels."),
        Case(
            testDescription: "one of them", labels: needed.union(["forbidden-1"]),
            text: "Not mergeable. Should not have forbidden-1 label."),
        Case(
            testDescription: "one kind of requirement is told", labels: ["need-2", "need-3", "forbidden-1"],
            text: "Not mergeable. Needs need-1 label."),
        Case(
            testDescription: "all queries are told", labels: ["need-2", "need-3", "forbidden-1"],
            options: "display_all_tide_queries_in_status: true",
            text: "Not mergeable. Needs need-1 label OR Needs 1, 2, 3, 4, 5, 6, 7 labels."),
        Case(
            testDescription: "all queries, none for the branch", options: "display_all_tide_queries_in_status: true",
            branches: ", excludedBranches: [main]", text: "Not mergeable. No Tide query for branch main found."),
        Case(
            testDescription: "all queries, one for the branch", options: "display_all_tide_queries_in_status: true",
            branches: ", excludedBranches: [main]", more: ", {orgs: [harbor], labels: [good-to-go]}",
            text: "Not mergeable. Needs good-to-go label."),
        Case(
            testDescription: "a branch that is excluded", branches: ", excludedBranches: [main]",
            text: "Not mergeable. Merging to branch main is forbidden."),
        Case(
            testDescription: "a branch that is not included", branches: ", includedBranches: [good]",
            text: "Not mergeable. Merging to branch main is forbidden."),
        Case(
            testDescription: "the merger's own status does not count", contexts: ["tide": .error], state: "success",
            text: "In merge pool."),
        Case(
            testDescription: "a context that failed", contexts: ["job-name": .error],
            text: "Not mergeable. Job job-name has not succeeded."),
        Case(
            testDescription: "two of them", contexts: ["other-job": .failure, "job-name": .pending, "good": .success],
            text: "Not mergeable. Jobs job-name, other-job have not succeeded."),
        Case(
            testDescription: "another author", author: "noor", contexts: ["job-name": .success],
            text: "Not mergeable. Must be by author maria."),
        Case(
            testDescription: "another author, the nearest query is told", author: "noor", authors: ("ines", "maria"),
            text: "Not mergeable. Must be by author ines."),
        Case(
            testDescription: "another milestone", milestone: "v1.1", text: "Not mergeable. Must be in milestone v1.0."),
        Case(testDescription: "no milestone", milestone: nil, text: "Not mergeable. Must be in milestone v1.0."),
        Case(
            testDescription: "the nearest query is told", labels: ["3", "4", "5", "6", "7"],
            text: "Not mergeable. Needs 1, 2 labels."),
        Case(
            testDescription: "blockers go before queries", labels: ["3", "4", "5", "6", "7"], blockers: [1, 2],
            state: "error", text: "Not mergeable. Merging is blocked by issues 1, 2."),
        Case(
            testDescription: "a conflict goes before all", isConflicting: true, blockers: [1], state: "error",
            text: "Not mergeable. PR has a merge conflict."),
        Case(
            testDescription: "an approval that is missing", labels: [],
            more: ", {orgs: [harbor], reviewApprovedRequired: true, missingLabels: [x]}",
            text: "Not mergeable. Needs need-1, need-2 labels."),
    ])
    func theStatus(_ the: Case) throws {
        func query(_ labels: String, _ author: String, _ missing: String) -> String {
            "{orgs: [harbor], labels: [\(labels)], missingLabels: [\(missing)], author: \(author), milestone: v1.0\(the.branches)}"
        }
        let queries =
            query("need-1, need-2, '\(Self.long),need-3'", the.authors.0, "forbidden-1, forbidden-2") + ", "
            + query("'1', '2', '3', '4', '5', '6', '7'", the.authors.1, "never") + the.more
        let loaded = JobConfiguration.prowSettings(
            SourceFile(
                path: "config.yaml",
                bytes: Array(
                    "tide:\n  merge_label: m\n  squash_label: s\n  queries: [\(queries)]\n  \(the.options)\n".utf8)))
        #expect(loaded.errors.isEmpty, "\(loaded.errors)")
        let rules = PoolRules(
            repository: PoolRulesTests.repository, branch: "main",
            tide: try #require(loaded.settings.version.tide), presubmits: [],
            blockers: the.blockers.map { MergeBlocker(number: $0, title: "Freeze") })
        let pull = PoolRulesTests.pull(
            the.labels, author: the.author, mergeable: the.isConflicting ? false : nil, milestone: the.milestone)
        let standing = rules.standing(of: pull, contexts: the.contexts)
        #expect(standing.description == the.text)
        #expect(standing.state == the.state)
    }
}
