import PullRequests
import Testing

/// Prow: `lgtm_test.go`.
@Suite("What /lgtm does")
struct LgtmDecisionTests {
    enum Who: String, Sendable { case author, collaborator, owner, stranger }

    struct Case: Sendable, CustomTestStringConvertible {
        var who: Who
        var wants: Bool
        var has: Bool
        var skips: Bool
        var outdated: Bool
        var change: LgtmDecision.Change?
        var refusal: LgtmDecision.Refusal?

        init(
            _ who: Who, _ wants: Bool, has: Bool = false, skips: Bool = false, outdated: Bool = false,
            _ change: LgtmDecision.Change? = nil, _ refusal: LgtmDecision.Refusal? = nil
        ) {
            (self.who, self.wants, self.has, self.skips, self.outdated) = (who, wants, has, skips, outdated)
            (self.change, self.refusal) = (change, refusal)
        }

        var testDescription: String {
            "\(who.rawValue): \(wants ? "lgtm" : "cancel")\(has ? ", label there" : "")\(skips ? ", skip_collaborators" : "")\(outdated ? ", outdated" : "")"
        }
    }

    @Test(arguments: [
        Case(.author, true, nil, .ownPull), Case(.author, true, has: true, nil, .ownPull),
        Case(.author, false), Case(.author, false, has: true, .remove),
        Case(.author, true, skips: true, nil, .ownPull), Case(.author, false, has: true, skips: true, .remove),
        Case(.author, false, has: true, outdated: true, .remove),
        Case(.collaborator, true, .add), Case(.collaborator, true, has: true),
        Case(.collaborator, false), Case(.collaborator, false, has: true, .remove),
        Case(.collaborator, true, outdated: true, nil, .outdated),
        Case(.collaborator, true, has: true, outdated: true, nil, .outdated),
        Case(.collaborator, false, has: true, outdated: true, .remove),
        Case(.collaborator, true, skips: true, nil, .notOwner),
        Case(.collaborator, false, has: true, skips: true, nil, .notOwner),
        Case(.owner, true, nil, .notCollaborator), Case(.owner, false, has: true, nil, .notCollaborator),
        Case(.owner, true, skips: true, .add), Case(.owner, true, has: true, skips: true),
        Case(.owner, false, skips: true), Case(.owner, false, has: true, skips: true, .remove),
        Case(.owner, true, skips: true, outdated: true, nil, .outdated),
        Case(.stranger, true, nil, .notCollaborator), Case(.stranger, false, nil, .notCollaborator),
        Case(.stranger, false, has: true, nil, .notCollaborator), Case(.stranger, true, skips: true, nil, .notOwner),
        Case(.stranger, false, has: true, skips: true, nil, .notOwner),
        Case(.stranger, true, outdated: true, nil, .notCollaborator),
    ])
    func decides(row: Case) {
        var question = LgtmDecision.Question(wantsLabel: row.wants)
        question.isAuthor = row.who == .author
        question.isCollaborator = row.who == .collaborator
        question.isOwner = row.who == .owner
        question.hasLabel = row.has
        question.skipsCollaborators = row.skips
        question.isOutdated = row.outdated
        let decision = LgtmDecision(question)
        #expect(decision.change == row.change)
        #expect(decision.refusal == row.refusal)
        #expect(decision.isHeard == (row.wants && row.refusal == nil))
        #expect(decision.assigns == (row.who == .collaborator && !row.skips && row.refusal == nil))
    }

    @Test("whoever is assigned is not assigned again")
    func assigned() {
        var question = LgtmDecision.Question(wantsLabel: true)
        question.isCollaborator = true
        question.isAssigned = true
        #expect(!LgtmDecision(question).assigns)
    }

    @Test(
        arguments: [
            // Sticky, the tree reviewed, the tree pushed, said after the push; kept?
            (false, nil, nil, false, false), (true, nil, nil, false, true), (false, "a", "a", false, true),
            (false, "a", "b", false, false), (false, nil, "a", false, false), (false, "a", nil, false, false),
            (true, "a", "b", false, true), (false, nil, nil, true, true), (false, "a", "b", true, true),
        ] as [(Bool, String?, String?, Bool, Bool)])
    func push(isSticky: Bool, stored: String?, head: String?, wasSaidAfter: Bool, keeps: Bool) {
        #expect(
            LgtmPush.keepsLabel(isSticky: isSticky, storedTree: stored, headTree: head, wasSaidAfter: wasSaidAfter)
                == keeps)
    }
}
