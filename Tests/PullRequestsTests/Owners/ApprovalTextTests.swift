import PullRequests
import SlipwayModel
import Testing

@Suite("The comment about approvals")
struct ApprovalTextTests {
    static let text = ApprovalText(
        repository: RepositoryName(org: "harbor", repo: "crane"), branch: "main", forge: "https://forge.example",
        commandHelp: "https://ci.example/command-help?repo=harbor%2Fcrane")

    private static func body(_ row: ApprovalDecisionTests.Case, _ tree: OwnersTree = OwnersFixture.harbour) -> String {
        text.body(ApprovalDecisionTests.decision(row, tree))
    }

    @Test func nothingYet() {
        let body = Self.body(.init("", ["cranes/a.c", "docks/b.c"], by: [], approved: false))
        #expect(body.hasPrefix("[APPROVALNOTIFIER] This PR is **NOT APPROVED**\n\n"))
        #expect(
            body.contains(
                "[cranes/OWNERS](https://forge.example/harbor/crane/blob/main/cranes/OWNERS) | 1 file | open | dora, li, maria"
            ))
        #expect(
            body.contains(
                "[docks/OWNERS](https://forge.example/harbor/crane/blob/main/docks/OWNERS) | 1 file | open | bert"))
        #expect(body.contains("2 more approvals are enough: of"))
        #expect(body.contains("**bert**"))
        #expect(body.hasSuffix("]} -->"))
    }

    @Test func approved() {
        let body = Self.body(.init("", ["cranes/a.c"], by: ["Dora"], approved: true))
        #expect(body.hasPrefix("[APPROVALNOTIFIER] This PR is **APPROVED**\n\n"))
        #expect(body.contains("[Dora](https://forge.example/c/1)"))
        #expect(body.contains("approved by Dora"))
        #expect(!body.contains("more approval"))
        #expect(body.hasSuffix("<!-- META={\"approvers\":[]} -->"))
    }

    @Test func byHand() {
        let body = Self.body(.init("", ["cranes/a.c"], by: [], approved: true) { $0.byHand = true })
        #expect(body.contains("**APPROVED**"))
        #expect(body.contains("by hand"))
    }

    @Test func nobodyCan() {
        let body = Self.body(.init("", ["a`b|c"], by: [], approved: false), OwnersFixture.tree([:]))
        #expect(body.contains("names an approver for `a'b\\|c`"))
        #expect(body.contains("none for `a'b\\|c` | 1 file | open | nobody"))
    }

    @Test func severalApprovers() {
        let body = Self.body(
            .init("", ["vault/a"], by: ["dora"], approved: false), ApprovalDecisionTests.guarded)
        #expect(body.contains("dora; needs 1 more"))
        #expect(body.contains("One more approval is enough: of **li** (`/assign li`)."))
    }

    @Test("the same state is the same text, so that the comment is left alone")
    func stable() {
        let one = Self.body(.init("", ["cranes/a.c", "papers/a.md", "docks/a"], by: ["dora"], approved: false))
        let other = Self.body(.init("", ["docks/a", "papers/a.md", "cranes/a.c"], by: ["dora"], approved: false))
        #expect(one == other)
    }

    @Test("nothing of a file's text reaches the comment as Markdown, HTML or mention")
    func escapes() {
        let tree = OwnersFixture.tree(["a b(c)/OWNERS": "approvers: ['<img src=x>', 'x`y|z']"])
        let body = Self.body(.init("", ["a b(c)/x"], by: [], approved: false), tree)
        #expect(body.contains("/blob/main/a%20b%28c%29/OWNERS)"))
        #expect(!body.contains("<img"))
    }

    @Test("a change of thousands of folders stays within what the forge takes")
    func large() {
        let tree = OwnersFixture.tree(
            Dictionary(uniqueKeysWithValues: (0..<1500).map { ("folder\($0)/OWNERS", "approvers: [p\($0), q\($0)]") }))
        let body = Self.body(.init("", (0..<1500).map { "folder\($0)/x" }, by: [], approved: false), tree)
        #expect(body.utf8.count < 60_000)
        #expect(body.contains("… and 1440 more"))
    }
}
