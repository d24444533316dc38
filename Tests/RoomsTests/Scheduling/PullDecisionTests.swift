import Scheduling
import SlipwayModel
import Testing

/// Prow's table of pull request events (trigger plugin, `pull-request.go`).
@Suite("What a change of a pull request means")
struct PullDecisionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var event: PullChanged
        var isTrusted: Bool
        var decision: PullDecision

        init(
            _ name: String, _ action: String, trusted: Bool = true, open: Bool = true, draft: Bool = false,
            label: String? = nil, sender: String = "maria", base: String? = nil, _ decision: PullDecision
        ) {
            testDescription = name
            isTrusted = trusted
            event = PullChanged(
                repository: RepositoryName(org: "harbor", repo: "crane"), number: 1, action: action, title: "t",
                author: "noor", authorAssociation: nil, isOpen: open, isDraft: draft, isMerged: false, headRef: "f",
                headSHA: "abc", baseRef: "main", baseSHA: "def", previousBaseRef: base, label: label, labels: [],
                sender: sender, mergeable: nil, link: nil, deliveryID: "d", subjectVersion: 1)
            self.decision = decision
        }
    }

    static let starts = PullDecision(startsJobs: true)
    static let abortsAll = PullDecision(abort: .everything)
    static let abortsOlder = PullDecision(abort: .olderHeads)
    static let replaces = PullDecision(abort: .olderHeads, startsJobs: true)

    @Test(arguments: [
        // Opened.
        Case("opened by a trusted author", "opened", starts),
        Case("opened by a stranger", "opened", trusted: false, PullDecision(notice: .untrusted)),
        Case("opened as a draft", "opened", draft: true, PullDecision(notice: .draft)),
        Case(
            "opened as a draft by a stranger", "opened", trusted: false, draft: true, PullDecision(notice: .untrusted)),
        Case("opened and closed meanwhile", "opened", open: false, .nothing),
        // New commits.
        Case("a push by a trusted author", "synchronize", replaces),
        Case("a push by a stranger", "synchronize", trusted: false, abortsOlder),
        Case("a push to a draft", "synchronize", draft: true, abortsOlder),
        Case("a push to a draft by a stranger", "synchronize", trusted: false, draft: true, abortsOlder),
        Case("a push to a closed one", "synchronize", open: false, .nothing),
        // Back among the open ones.
        Case("reopened", "reopened", starts),
        Case("reopened by a stranger", "reopened", trusted: false, .nothing),
        Case("reopened as a draft", "reopened", draft: true, .nothing),
        Case("ready for review", "ready_for_review", starts),
        Case("a stranger's is ready for review", "ready_for_review", trusted: false, .nothing),
        Case("ready for review and closed meanwhile", "ready_for_review", open: false, .nothing),
        // Another base.
        Case("another base", "edited", base: "old", starts),
        Case("another base of a stranger's", "edited", trusted: false, base: "old", .nothing),
        Case("another base of a draft", "edited", draft: true, base: "old", .nothing),
        Case("another base of a closed one", "edited", open: false, base: "old", .nothing),
        Case("another title", "edited", .nothing),
        Case("the same base again", "edited", base: "main", .nothing),
        // Away.
        Case("closed", "closed", open: false, abortsAll),
        Case("closed by a stranger", "closed", trusted: false, open: false, abortsAll),
        Case("converted to a draft", "converted_to_draft", draft: true, abortsAll),
        Case("converted to a draft and closed", "converted_to_draft", open: false, draft: true, .nothing),
        // Labels.
        Case("ok-to-test by a person", "labeled", label: "ok-to-test", starts),
        Case("ok-to-test by the bot", "labeled", label: "ok-to-test", sender: "Slipway-Bot", .nothing),
        Case("ok-to-test on a draft", "labeled", draft: true, label: "ok-to-test", .nothing),
        Case("ok-to-test on a closed one", "labeled", open: false, label: "ok-to-test", .nothing),
        Case("lgtm on a stranger's", "labeled", trusted: false, label: "lgtm", starts),
        Case("lgtm on a stranger's draft", "labeled", trusted: false, draft: true, label: "lgtm", .nothing),
        Case("lgtm on a trusted one", "labeled", label: "lgtm", .nothing),
        Case("lgtm on a closed one", "labeled", trusted: false, open: false, label: "lgtm", .nothing),
        Case("another label", "labeled", label: "kind/bug", .nothing),
        Case("a label removed", "unlabeled", label: "ok-to-test", .nothing),
        // The rest.
        Case("assigned", "assigned", .nothing), Case("locked", "locked", .nothing),
        Case("review requested", "review_requested", .nothing), Case("an unknown action", "enqueued", .nothing),
    ])
    func decides(row: Case) {
        let decision = PullDecision(row.event, isTrusted: row.isTrusted, bot: "slipway-bot")
        #expect(decision == row.decision)
        // Nothing is asked of the forge for events that can start nothing.
        if !PullDecision.mayMatter(row.event, bot: "slipway-bot") { #expect(decision == .nothing) }
        if decision.startsJobs || decision.notice != nil {
            #expect(PullDecision.mayStartJobs(row.event, bot: "slipway-bot"))
        }
    }
}
