import PullRequests
import Testing

/// Prow: `blunderbuss_test.go`.
@Suite("Who is asked to review")
struct ReviewerChoiceTests {
    static let tree = OwnersFixture.tree([
        "OWNERS": "approvers: [maria]\nreviewers: [otto]",
        "a/OWNERS": "approvers: [dora]\nreviewers: [al, an, ak]",
        "b/OWNERS": "approvers: [bert]\nreviewers: [bo]\nrequired_reviewers: [boss]",
        "c/OWNERS": "approvers: [carl]\noptions: {no_parent_owners: true}\n",
        "d/OWNERS": "approvers: [dirk, dan]\nreviewers: [dirk]\noptions: {no_parent_owners: true}\n",
    ])

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var files: [String]
        var people: Set<String>
        /// How many of `people`.
        var count: Int
        var author: String
        var rules = ReviewerRules()

        init(
            _ name: String, _ files: [String], _ count: Int, of people: Set<String>, author: String = "ole",
            _ change: (inout ReviewerRules) -> Void = { _ in }
        ) {
            testDescription = name
            self.files = files
            self.people = people
            self.count = count
            self.author = author
            change(&rules)
        }
    }

    @Test(arguments: [
        Case("two of the nearest", ["a/x"], 2, of: ["al", "an", "ak"]),
        Case("never the author", ["a/x"], 2, of: ["al", "an"], author: "Ak"),
        Case("the nearest, then above", ["b/x"], 3, of: ["bo", "otto", "boss"]),
        Case(
            "one of each file, whatever the number", ["a/x", "b/x", "d/x"], 4,
            of: ["al", "an", "ak", "bo", "dirk", "boss"]),
        Case("no more than the limit", ["a/x", "b/x", "d/x"], 2, of: ["al", "an", "ak", "bo", "dirk", "boss"]) {
            $0.maximum = 1
        },
        Case("approvers where reviewers are too few", ["d/x"], 2, of: ["dirk", "dan"]),
        Case("reviewers only", ["d/x"], 1, of: ["dirk"]) { $0.excludesApprovers = true },
        Case("approvers where there are no reviewers", ["c/x"], 2, of: ["otto", "carl"]),
        Case("none wanted", ["a/x"], 0, of: []) { $0.requestCount = 0 },
        Case("one wanted", ["a/x"], 1, of: ["al", "an", "ak"]) { $0.requestCount = 1 },
        Case("all there are", ["a/x"], 6, of: ["al", "an", "ak", "otto", "dora", "maria"]) { $0.requestCount = 9 },
        Case("no file", [], 0, of: []),
    ])
    func chooses(row: Case) {
        let people = ReviewerChoice.choose(row.files, in: Self.tree, author: row.author, rules: row.rules, seed: 5)
        #expect(people.count == row.count)
        #expect(Set(people).isSubset(of: row.people))
        #expect(Set(people).count == people.count)
        #expect(
            people == ReviewerChoice.choose(row.files, in: Self.tree, author: row.author, rules: row.rules, seed: 5))
    }

    @Test("the load is spread")
    func spread() {
        let asked = Set(
            (1...40).flatMap {
                ReviewerChoice.choose(["a/x"], in: Self.tree, author: "ole", rules: ReviewerRules(), seed: $0)
            })
        #expect(asked == ["al", "an", "ak"])
    }
}
