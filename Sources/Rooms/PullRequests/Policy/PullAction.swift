package import SlipwayModel

/// What a command or a plugin brings about. Pure policy answers with these; `PullTurn` carries them out.
package enum PullAction: Hashable, Sendable {
    case addLabel(String)
    case removeLabel(String)
    /// A label that follows from all that was said, not from what was said last: whatever was decided about it before
    /// gives way.
    case derivedLabel(String, isPresent: Bool)
    /// Answers the comment that is handled, in a comment of its own.
    case answer(String)
    /// The one comment that carries `tag` (an HTML comment that the forge does not show) reads `body` from now on; nil
    /// takes it away.
    case notice(tag: String, body: String?)
    case assign([String])
    case unassign([String])
    case requestReviews([String])
    case withdrawReviewRequests([String])
    case close
    case reopen
    case retitle(String)
    /// Another opening text.
    case rewrite(String)
    /// By its title; nil takes it away.
    case milestone(String?)
    /// A status of the head.
    case status(context: String, state: String, description: String)
    case override(contexts: [String], isSticky: Bool)
    /// Check runs are of a head, not of a base: it holds until the next push.
    case overrideChecks([String])
    case cancelOverrides(contexts: [String], checks: [String] = [])
    /// - Parameter requester: who asked for it, and is assigned.
    case cherryPick(branches: [String], requester: String)
    case deleteHeadBranch
    case abortRuns([RunID])
    /// The actor's word that the head looks good stands from now on.
    ///
    /// - Parameter tree: the head's, where `store_tree_hash` keeps the label through a push of the same tree.
    case noteLGTM(tree: String?)
    /// Nobody's word on it stands any more.
    case forgetLGTMs
    /// How the approval stands.
    ///
    /// - Parameter earlier: what was said before the pull request was known here; kept with the first decision.
    case noteApproval(ApprovalSummary, earlier: [ApprovalRemark]?)
    /// Hands the command on to Scheduling (`/test` and its kin).
    case schedule
}
