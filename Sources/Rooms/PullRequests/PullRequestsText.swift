import SlipwayModel

/// Every sentence this room says to people.
package enum PullRequestsText {
    /// What became of a command, for the timeline.
    static func outcome(_ actions: [PullAction]) -> String {
        let parts = actions.compactMap { action -> String? in
            switch action {
            case .addLabel(let name): "added the label \(name)"
            case .removeLabel(let name): "removed the label \(name)"
            case .derivedLabel(let name, let isPresent): isPresent ? "it is \(name)" : "it is not \(name) yet"
            case .answer: "answered"
            case .notice(_, let body): body == nil ? nil : "said so in a comment"
            case .assign(let logins): "assigned \(logins.joined(separator: ", "))"
            case .unassign(let logins): "unassigned \(logins.joined(separator: ", "))"
            case .requestReviews(let logins): "asked \(logins.joined(separator: ", ")) for a review"
            case .withdrawReviewRequests(let logins): "asked \(logins.joined(separator: ", ")) no more for a review"
            case .close: "closed the pull request"
            case .reopen: "reopened the pull request"
            case .rewrite: "changed the opening text"
            case .retitle(let title): "changed the title to “\(title)”"
            case .milestone(let title): title.map { "set the milestone \($0)" } ?? "removed the milestone"
            case .status(let context, _, _): "set the status of \(context)"
            case .override(let contexts, _), .overrideChecks(let contexts):
                "overrode \(contexts.joined(separator: ", "))"
            case .cancelOverrides(let contexts, let checks):
                "took back the overrides of \((contexts + checks).joined(separator: ", "))"
            case .cherryPick(let branches, _): "picks it onto \(branches.joined(separator: ", "))"
            case .deleteHeadBranch: "deleted the branch"
            case .abortRuns(let runs): runs.count == 1 ? "aborted a run" : "aborted \(runs.count) runs"
            case .schedule, .noteLGTM, .forgetLGTMs, .noteApproval: nil
            }
        }
        guard let first = parts.first else { return "" }
        return ([first.prefix(1).uppercased() + first.dropFirst()] + parts.dropFirst()).joined(separator: ", ") + "."
    }

    static let deleted = "The comment was deleted; it counts no more."
    static let edited = "The comment was edited and says this no more; it counts no more."

    static func abortedBy(_ actor: String) -> String { "Aborted by \(actor) with /abort." }

    /// The mark of the answer to one comment.
    static func answerMark(_ comment: CommentReference) -> String {
        "<!-- slipway-answer \(comment.kind.rawValue) \(comment.id) -->"
    }

    /// Answers to one comment, as one comment.
    static func answer(_ actor: String, _ parts: [String], _ comment: CommentReference) -> String {
        "@\(actor): \(parts.joined(separator: "\n\n"))\n\n\(answerMark(comment))"
    }
}
