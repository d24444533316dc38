/// What somebody's `/lgtm`, or a review that acts as one, does. Pure; Prow's plugin `lgtm`.
///
/// | who | says | label | answer |
/// |---|---|---|---|
/// | the author | lgtm | | nobody reviews their own change |
/// | the author | cancel | goes | |
/// | a collaborator; under `skip_collaborators` a reviewer or approver of a changed file | lgtm | comes | |
/// | | lgtm for a head that was pushed over since | | look again |
/// | | cancel | goes | |
/// | anybody else | either | | who may |
///
/// Both in one comment are no lgtm. (Prow lets the first kind in a comment decide, whichever is written last; and it
/// does not see a push between a comment and its handling.)
package struct LgtmDecision: Sendable, Hashable {
    package struct Question: Sendable, Hashable {
        package var wantsLabel: Bool
        package var isAuthor = false
        package var isCollaborator = false
        package var skipsCollaborators = false
        /// A reviewer or approver of at least one changed file.
        package var isOwner = false
        package var hasLabel = false
        package var isAssigned = false
        /// The head is younger than the comment.
        package var isOutdated = false

        package init(wantsLabel: Bool) { self.wantsLabel = wantsLabel }
    }

    package enum Refusal: Sendable, Hashable, CaseIterable { case ownPull, notCollaborator, notOwner, outdated }

    package enum Change: Sendable, Hashable { case add, remove }

    package private(set) var change: Change?
    package private(set) var refusal: Refusal?
    /// Whoever reviews is assigned, as with Prow.
    package private(set) var assigns = false
    /// The word counts: its author is one of those whose lgtm stands.
    package private(set) var isHeard = false

    package init(_ question: Question) {
        if question.isAuthor {
            if question.wantsLabel { refusal = .ownPull } else { change = question.hasLabel ? .remove : nil }
            return
        }
        if question.skipsCollaborators {
            if !question.isOwner { refusal = .notOwner }
        } else if !question.isCollaborator {
            refusal = .notCollaborator
        }
        guard refusal == nil else { return }
        if question.wantsLabel, question.isOutdated {
            refusal = .outdated
            return
        }
        isHeard = question.wantsLabel
        assigns = !question.isAssigned && !question.skipsCollaborators
        if question.wantsLabel != question.hasLabel { change = question.wantsLabel ? .add : .remove }
    }
}

/// Whether a push takes the label away. Pure.
package enum LgtmPush {
    /// - Parameters:
    ///   - isSticky: the author is in the team whose pushes keep it (`trusted_team_for_sticky_lgtm`).
    ///   - storedTree: the tree that was reviewed; kept under `store_tree_hash`.
    ///   - wasSaidAfter: the newest lgtm was said when the pushed head was there already.
    package static func keepsLabel(isSticky: Bool, storedTree: String?, headTree: String?, wasSaidAfter: Bool) -> Bool {
        if isSticky || wasSaidAfter { return true }
        guard let storedTree, let headTree else { return false }
        return storedTree == headTree
    }
}
