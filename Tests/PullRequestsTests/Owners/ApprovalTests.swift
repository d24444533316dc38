import JobConfig
import PullRequests
import SlipwayModel
import Testing

/// Whose approval stands after a conversation (Prow: `approve_test.go`).
@Suite("Approvals that stand")
struct ApprovalRecordTests {
    typealias Rules = ApprovalRules

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var remarks: [ApprovalRemark]
        var rules: ApprovalRules
        var stands: [String]

        init(
            _ name: String, _ remarks: [ApprovalRemark], stands: [String],
            _ change: (inout ApprovalRules) -> Void = { $0.requiresSelfApproval = true }
        ) {
            testDescription = name
            self.remarks = remarks
            var rules = ApprovalRules()
            change(&rules)
            self.rules = rules
            self.stands = stands
        }
    }

    private static func says(_ author: String, _ text: String, _ second: Int) -> ApprovalRemark {
        OwnersFixture.remark(author, text, at: second)
    }

    private static func reviews(
        _ author: String, _ state: ApprovalRemark.Review?, _ second: Int, _ text: String = ""
    ) -> ApprovalRemark {
        OwnersFixture.remark(author, text, at: second, review: state)
    }

    private static func lgtmActs(_ rules: inout ApprovalRules) {
        rules.requiresSelfApproval = true
        rules.lgtmActsAsApprove = true
    }

    private static func ignoresReviews(_ rules: inout ApprovalRules) {
        rules.requiresSelfApproval = true
        rules.ignoresReviewState = true
    }

    @Test(arguments: [
        Case("nothing said", [], stands: []),
        Case("the author, by opening", [], stands: ["Ole"]) { _ in },
        Case("the author takes it back", [says("ole", "/approve cancel", 1)], stands: []) { _ in },
        Case("the author, by saying so", [says("Ole", "/approve", 1)], stands: ["Ole"]),
        Case("approve", [says("Dora", "/approve", 1)], stands: ["Dora"]),
        Case("approve with words", [says("dora", "/approve this is fine", 1)], stands: ["dora"]),
        Case("no-issue", [says("dora", "/approve no-issue", 1)], stands: ["dora!"]),
        Case("NO-ISSUE", [says("dora", "/approve NO-ISSUE", 1)], stands: ["dora!"]),
        Case(
            "a later plain one keeps the waiver", [says("dora", "/approve no-issue", 1), says("dora", "/approve", 2)],
            stands: ["dora!"]),
        Case(
            "a later waiver counts", [says("dora", "/approve", 1), says("dora", "/approve no-issue", 2)],
            stands: ["dora!"]),
        Case("cancel", [says("dora", "/approve", 1), says("dora", "/approve cancel", 2)], stands: []),
        Case("remove-approve", [says("dora", "/approve", 1), says("dora", "/remove-approve", 2)], stands: []),
        Case(
            "cancel with words", [says("dora", "/approve", 1), says("dora", "/approve cancel please", 2)], stands: []),
        Case(
            "cancel comes first in time", [says("dora", "/approve cancel", 2), says("dora", "/approve", 1)], stands: []),
        Case(
            "again after a cancel", [says("dora", "/approve cancel", 1), says("dora", "/approve", 2)], stands: ["dora"]),
        Case(
            "somebody else's cancel", [says("dora", "/approve", 1), says("li", "/approve cancel", 2)], stands: ["dora"]),
        Case("other capitals", [says("Dora", "/approve", 1), says("dora", "/approve cancel", 2)], stands: []),
        Case("two in one comment: the later one", [says("dora", "/approve\n/approve cancel", 1)], stands: []),
        Case("two people", [says("li", "/approve", 1), says("dora", "/approve", 2)], stands: ["dora", "li"]),
        Case("the bot", [says("slipway-bot", "/approve", 1)], stands: []),
        Case("nobody", [says("", "/approve", 1)], stands: []),
        Case("lgtm alone", [says("dora", "/lgtm", 1)], stands: []),
        Case("lgtm that acts", [says("dora", "/lgtm", 1)], stands: ["dora"], lgtmActs),
        Case("lgtm no-issue that acts", [says("dora", "/lgtm no-issue", 1)], stands: ["dora!"], lgtmActs),
        Case(
            "lgtm cancel that acts", [says("dora", "/lgtm", 1), says("dora", "/lgtm cancel", 2)], stands: [], lgtmActs),
        Case(
            "remove-lgtm that acts", [says("dora", "/approve", 1), says("dora", "/remove-lgtm", 2)], stands: [],
            lgtmActs),
        Case(
            "lgtm cancel that does not act", [says("dora", "/approve", 1), says("dora", "/lgtm cancel", 2)],
            stands: ["dora"]),
        Case("lgtm beside an approve cancel does not act", [says("dora", "/approve cancel\n/lgtm", 1)], stands: []),
        Case("lgtm with words, where it acts", [says("dora", "/lgtm mostly", 1)], stands: ["dora"], lgtmActs),
        Case("lgtm with words, where it does not", [says("dora", "/lgtm mostly", 1)], stands: []),
        Case(
            "lgtm cancel with words, where it acts",
            [says("dora", "/approve", 1), says("dora", "/lgtm cancel //it changed", 2)], stands: [], lgtmActs),
        Case("a review that approves", [reviews("dora", .approved, 1)], stands: ["dora"]),
        Case(
            "a review that wants changes", [says("dora", "/approve", 1), reviews("dora", .changesRequested, 2)],
            stands: []),
        Case("a review that comments", [says("dora", "/approve", 1), reviews("dora", nil, 2)], stands: ["dora"]),
        Case("reviews ignored", [reviews("dora", .approved, 1)], stands: [], ignoresReviews),
        Case(
            "changes wanted, ignored", [says("dora", "/approve", 1), reviews("dora", .changesRequested, 2)],
            stands: ["dora"], ignoresReviews),
        Case("a command outweighs its review", [reviews("dora", .approved, 1, "/approve cancel")], stands: []),
        Case(
            "approve within a review that wants changes", [reviews("dora", .changesRequested, 1, "/approve")],
            stands: ["dora"]),
        Case(
            "a review after a command",
            [reviews("dora", .changesRequested, 1), says("dora", "/approve", 2), reviews("dora", .approved, 3)],
            stands: ["dora"]),
    ])
    func counts(row: Case) {
        let record = ApprovalRecord(
            row.remarks, author: "Ole", pullLink: nil, bot: "Slipway-Bot", rules: row.rules)
        let stands = record.approvals.sorted { $0.key < $1.key }.map {
            $0.value.login + ($0.value.waivesIssue ? "!" : "")
        }
        #expect(stands == row.stands)
    }

    @Test("within one second the forge's order decides")
    func sameSecond() {
        var later = OwnersFixture.remark("dora", "/approve", at: 1)
        later.id = 9
        var earlier = OwnersFixture.remark("dora", "/approve cancel", at: 1)
        earlier.id = 8
        let record = ApprovalRecord(
            [later, earlier], author: "ole", pullLink: nil, bot: "bot", rules: ApprovalRules())
        #expect(record.approvals["dora"] != nil)
    }
}

/// Whether a change is approved by those who spoke (Prow: `approve_test.go`, `approvers_test.go`).
@Suite("Whether a pull request is approved")
struct ApprovalDecisionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var files: [String]
        var approvers: [String]
        /// Folders that still miss somebody.
        var open: [String]
        var approved: Bool
        var suggests: [String]
        var body = ""
        var author = "ole"
        var rules = ApprovalRules()
        var byHand = false
        var reviewers: [String] = []

        init(
            _ name: String, _ files: [String], by approvers: [String], open: [String] = [], approved: Bool,
            suggests: [String] = [], _ change: (inout Case) -> Void = { _ in }
        ) {
            testDescription = name
            self.files = files
            self.approvers = approvers
            self.open = open
            self.approved = approved
            self.suggests = suggests
            change(&self)
        }
    }

    private static func needsIssue(_ row: inout Case) { row.rules.issueRequired = true }

    @Test(arguments: [
        Case("nobody", ["cranes/a.c"], by: [], open: ["cranes"], approved: false, suggests: ["dora"]),
        Case("the folder's own", ["cranes/a.c"], by: ["dora"], approved: true),
        Case("the root's", ["cranes/a.c"], by: ["maria"], approved: true),
        Case("other capitals", ["cranes/a.c"], by: ["DORA"], approved: true),
        Case(
            "somebody without a say", ["cranes/a.c"], by: ["nils"], open: ["cranes"], approved: false,
            suggests: ["dora"]),
        Case("a folder below", ["cranes/a.c"], by: ["tove"], open: ["cranes"], approved: false, suggests: ["dora"]),
        Case("below, by the folder above", ["cranes/tall/a.c"], by: ["dora"], approved: true),
        Case(
            "two folders, one of them", ["cranes/a.c", "papers/a.md"], by: ["dora"], open: ["papers"], approved: false,
            suggests: ["paul"]),
        Case("two folders, both", ["cranes/a.c", "papers/a.md"], by: ["dora", "paul"], approved: true),
        Case("two folders, the root", ["cranes/a.c", "papers/a.md"], by: ["maria"], approved: true),
        Case(
            "two folders: one person is fewer than two", ["cranes/a.c", "papers/a.md"], by: [],
            open: ["cranes", "papers"], approved: false, suggests: ["maria"]),
        Case(
            "the root keeps folders below", ["README", "cranes/a.c"], by: [], open: [""], approved: false,
            suggests: ["maria"]),
        Case("the root, by the root", ["README", "cranes/a.c"], by: ["maria"], approved: true),
        Case(
            "the root, by a folder below", ["README", "cranes/a.c"], by: ["dora"], open: [""], approved: false,
            suggests: ["maria"]),
        Case(
            "a folder that keeps the root out", ["docks/a.c"], by: ["maria"], open: ["docks"], approved: false,
            suggests: ["bert"]),
        Case(
            "it stays beside the root", ["README", "docks/a.c"], by: ["maria"], open: ["docks"], approved: false,
            suggests: ["bert"]),
        Case("below it, too", ["README", "docks/dry/a.c"], by: ["maria", "bert"], approved: true),
        Case(
            "reviewers do not approve", ["docks/dry/a.c"], by: ["ines"], open: ["docks"], approved: false,
            suggests: ["bert"]),
        Case("by a filter", ["papers/a.md"], by: ["paul"], approved: true),
        Case(
            "a filter that does not match", ["papers/a.txt"], by: ["paul"], open: [""], approved: false,
            suggests: ["maria"]),
        Case(
            "one folder, two filters", ["papers/a.md", "papers/secret/b.txt"], by: ["paul"], open: ["papers"],
            approved: false, suggests: ["vera"]),
        Case("no file", [], by: ["maria"], approved: false),
        Case("the author owns it", ["cranes/a.c"], by: [], approved: true) { $0.author = "Dora" },
        Case("the author has to say so", ["cranes/a.c"], by: [], open: ["cranes"], approved: false, suggests: ["dora"])
        {
            $0.author = "Dora"
            $0.rules.requiresSelfApproval = true
        },
        Case("the author says so", ["cranes/a.c"], by: ["Dora"], approved: true) {
            $0.author = "Dora"
            $0.rules.requiresSelfApproval = true
        },
        Case("no issue", ["cranes/a.c"], by: ["dora"], approved: false, needsIssue),
        Case("an issue", ["cranes/a.c"], by: ["dora"], approved: true) {
            $0.body = "Fixes #12"; needsIssue(&$0)
        },
        Case("an issue's address", ["cranes/a.c"], by: ["dora"], approved: true) {
            $0.body = "see https://forge.example/harbor/crane/issues/7"
            needsIssue(&$0)
        },
        Case("another organisation's issue", ["cranes/a.c"], by: ["dora"], approved: false) {
            $0.body = "see https://forge.example/other/crane/issues/7"
            needsIssue(&$0)
        },
        Case("waived by an approver", ["cranes/a.c"], by: ["dora!"], approved: true, needsIssue),
        Case("waived by nobody of weight", ["cranes/a.c"], by: ["dora", "nils!"], approved: false, needsIssue),
        Case("an issue is not enough", ["cranes/a.c"], by: [], open: ["cranes"], approved: false, suggests: ["dora"]) {
            $0.body = "#1"
            needsIssue(&$0)
        },
        Case("by hand", ["cranes/a.c"], by: [], open: ["cranes"], approved: true, suggests: ["dora"]) {
            $0.byHand = true
        },
        Case("by hand without an issue", ["cranes/a.c"], by: ["dora"], approved: true) {
            $0.byHand = true; needsIssue(&$0)
        },
        Case("the reviewer approves, too", ["cranes/a.c"], by: ["dora"], approved: true) { $0.reviewers = ["dora"] },
        Case(
            "distinct: the only reviewer", ["cranes/a.c"], by: ["dora"], open: ["cranes"], approved: false,
            suggests: ["li"]
        ) {
            $0.reviewers = ["Dora"]
            $0.rules.distinctReviewers = true
        },
        Case("distinct: two reviewers", ["cranes/a.c"], by: ["dora"], approved: true) {
            $0.reviewers = ["dora", "nils"]
            $0.rules.distinctReviewers = true
        },
        Case("distinct: another reviewer", ["cranes/a.c"], by: ["dora"], approved: true) {
            $0.reviewers = ["nils"]
            $0.rules.distinctReviewers = true
        },
    ])
    func decides(row: Case) {
        let decision = Self.decision(row, OwnersFixture.harbour)
        #expect(decision.parts.filter { !$0.isApproved }.map(\.need.folder) == row.open)
        #expect(decision.isApproved == row.approved)
        // Of dora and li, who stand equally near, the number decides; both are as good.
        let suggested = decision.suggestion.people.map { $0 == "li" && row.suggests == ["dora"] ? "dora" : $0 }
        #expect(suggested == row.suggests)
    }

    static func decision(_ row: Case, _ tree: OwnersTree) -> ApprovalDecision {
        let remarks = row.approvers.enumerated().map { index, name in
            OwnersFixture.remark(
                name.replacing("!", with: ""), name.hasSuffix("!") ? "/approve no-issue" : "/approve", at: index + 1)
        }
        let record = ApprovalRecord(
            remarks, author: row.author, pullLink: nil, bot: "slipway-bot", rules: row.rules)
        var question = ApprovalDecision.Question(
            org: "harbor", number: 7, author: row.author, body: row.body, record: record,
            needs: ApprovalNeeds(row.files, in: tree), rules: row.rules)
        question.isApprovedByHand = row.byHand
        question.reviewers = row.reviewers
        return ApprovalDecision(question)
    }

    static let guarded = OwnersFixture.tree([
        "OWNERS": "approvers: [maria, otto]",
        "vault/OWNERS": "approvers: [dora, li]\noptions: {min_approvers: 2}",
        "vault/door/OWNERS": "approvers: [tove]\noptions: {no_parent_owners: true, min_approvers: 2}",
    ])

    @Test(
        "several approvers per path",
        arguments: [
            Case("none of two", ["vault/a"], by: [], open: ["vault"], approved: false, suggests: ["dora", "li"]),
            Case("one of two", ["vault/a"], by: ["dora"], open: ["vault"], approved: false, suggests: ["li"]),
            Case("two of two", ["vault/a"], by: ["dora", "li"], approved: true),
            Case("one of them from above", ["vault/a"], by: ["dora", "maria"], approved: true),
            Case("both from above", ["vault/a"], by: ["otto", "maria"], approved: true),
            Case(
                "the same one twice", ["vault/a"], by: ["dora", "DORA"], open: ["vault"], approved: false,
                suggests: ["li"]),
            Case("the author is one of them", ["vault/a"], by: ["li"], approved: true) { $0.author = "dora" },
            Case(
                "beside the root", ["README", "vault/a"], by: ["maria"], open: ["vault"], approved: false,
                suggests: ["dora"]),
            Case("the root's own is met by one", ["README"], by: ["maria"], approved: true),
            Case("fewer people than it takes", ["vault/door/a"], by: ["tove"], open: ["vault/door"], approved: false),
        ])
    func minimum(row: Case) {
        let decision = Self.decision(row, Self.guarded)
        #expect(decision.parts.filter { !$0.isApproved }.map(\.need.folder) == row.open)
        #expect(decision.isApproved == row.approved)
        let suggested = decision.suggestion.people.map { $0 == "li" && row.suggests == ["dora"] ? "dora" : $0 }
        #expect(suggested == row.suggests)
        #expect(decision.parts.contains(where: \.cannotBeApproved) == (row.open == ["vault/door"]))
    }

    @Test("a file that a filter above leaves to others is not passed by")
    func filtersAbove() {
        let tree = OwnersFixture.tree([
            "OWNERS": "filters: {'\\.go$': {approvers: [alice]}, '.*': {approvers: [bob]}}",
            "sub/OWNERS": "approvers: [carol]",
        ])
        let row = Case("", ["a.go", "sub/x.md"], by: ["alice"], approved: false)
        #expect(!Self.decision(row, tree).isApproved)
        var both = row
        both.approvers = ["bob"]
        #expect(Self.decision(both, tree).isApproved)
    }

    @Test("no OWNERS at all: nobody can approve, except by hand")
    func noOwners() {
        var row = Case("", ["a"], by: ["maria"], approved: false)
        let decision = Self.decision(row, OwnersFixture.tree([:]))
        #expect(!decision.isApproved)
        #expect(decision.suggestion.people.isEmpty)
        #expect(!decision.suggestion.isEnough)
        row.byHand = true
        #expect(Self.decision(row, OwnersFixture.tree([:])).isApproved)
    }
}
