import Forge
import FoundationEssentials
import SlipwayModel

/// What a delivery says, in this room's words. Pure.
enum DeliveryReader {
    static func snapshot(_ pull: PullRequest, _ repository: RepositoryName) -> PullSnapshot {
        var snapshot = PullSnapshot(
            repository: repository, number: pull.number, title: pull.title, author: pull.author,
            headRef: pull.head.ref, headSHA: pull.head.sha, baseRef: pull.base.ref, baseSHA: pull.base.sha)
        snapshot.body = String((pull.body ?? "").prefix(CommandParser.maximumLength))
        snapshot.headRepository = pull.head.repo?.fullName
        snapshot.defaultBranch = pull.base.repo?.defaultBranch
        snapshot.isOpen = pull.isOpen
        snapshot.isDraft = pull.isDraft ?? false
        snapshot.isMerged = pull.wasMerged
        snapshot.mergeable = pull.mergeable
        snapshot.labels = pull.labelNames
        snapshot.milestone = pull.milestone?.title
        snapshot.assignees = (pull.assignees ?? []).map(\.login)
        snapshot.requestedReviewers = (pull.requestedReviewers ?? []).map(\.login)
        snapshot.link = pull.htmlURL
        snapshot.openedAt = pull.createdAt?.date
        snapshot.version = pull.updatedAt?.milliseconds ?? 0
        return snapshot
    }

    static func event(_ changed: PullChanged) -> PullEvent {
        switch changed.action {
        case "opened": .opened
        case "reopened": .reopened
        case "closed": .closed
        case "synchronize": .pushed
        case "edited": .edited
        case "labeled": .labeled(changed.label ?? "")
        case "unlabeled": .unlabeled(changed.label ?? "")
        case "ready_for_review": .readyForReview
        case "converted_to_draft": .convertedToDraft
        case "milestoned": .milestoned
        case "demilestoned": .demilestoned
        default: .other(changed.action)
        }
    }

    static func text(_ body: String, _ reference: CommentReference, by author: String, at instant: Date)
        -> Occurrence.Text
    {
        let visible = CommandParser.visibleText(body)
        return Occurrence.Text(
            reference: reference, author: author, writtenAt: instant, visible: visible,
            written: String(body.prefix(CommandParser.maximumLength)),
            calls: CommandParser.commands(in: visible, limit: CommandParser.maximumCommands + 1))
    }

    /// The text of a delivery that was just written; nil where it was edited, deleted or dismissed, which commands
    /// nothing.
    static func text(of delivery: WebhookDelivery) -> Occurrence.Text? {
        switch delivery {
        case .issueComment(let event) where event.action == "created": text(of: event)
        case .pullRequestReview(let event) where event.action == "submitted":
            text(
                event.review.body ?? "",
                CommentReference(kind: .review, id: event.review.id, link: event.review.htmlURL),
                by: event.review.user?.login ?? "ghost", at: (event.review.submittedAt ?? .now()).date)
        case .pullRequestReviewComment(let event) where event.action == "created":
            text(
                event.comment.body ?? "",
                CommentReference(kind: .reviewComment, id: event.comment.id, link: event.comment.htmlURL),
                by: event.comment.user?.login ?? "ghost", at: (event.comment.createdAt ?? .now()).date)
        default: nil
        }
    }

    private static func text(of event: IssueCommentEvent) -> Occurrence.Text {
        var found = text(
            event.comment.body ?? "",
            CommentReference(kind: .comment, id: event.comment.id, link: event.comment.htmlURL),
            by: event.comment.author, at: (event.comment.createdAt ?? .now()).date)
        if let state = event.issue.state, let changed = event.issue.updatedAt {
            found.openness = .init(isOpen: state == "open", version: changed.milliseconds)
        }
        return found
    }

    /// What a delivery takes back of an earlier text. Commands that an edit adds are none: nobody sees when they came.
    static func withdrawal(of delivery: WebhookDelivery) -> Occurrence.Withdrawal? {
        let (action, kind, id, author, body, at): (String, CommentWritten.Kind, Int64, String, String?, Timestamp?)
        switch delivery {
        case .issueComment(let event):
            let comment = event.comment
            (action, kind, id, author, body, at) =
                (event.action, .comment, comment.id, comment.author, comment.body, comment.createdAt)
        case .pullRequestReview(let event):
            let review = event.review
            (action, kind, id, author, body, at) =
                (event.action, .review, review.id, review.user?.login ?? "ghost", review.body, review.submittedAt)
        case .pullRequestReviewComment(let event):
            let comment = event.comment
            (action, kind, id, author, body, at) =
                (
                    event.action, .reviewComment, comment.id, comment.user?.login ?? "ghost", comment.body,
                    comment.createdAt
                )
        default: return nil
        }
        guard action == "deleted" || action == "edited" else { return nil }
        return Occurrence.Withdrawal(
            reference: CommentReference(kind: kind, id: id), author: author, writtenAt: (at ?? .now()).date,
            kept: action == "deleted" ? nil : CommandParser.commands(in: CommandParser.visibleText(body ?? "")))
    }

    static func review(of delivery: WebhookDelivery) -> Occurrence.ReviewChange? {
        guard case .pullRequestReview(let event) = delivery, ["submitted", "dismissed"].contains(event.action),
            let state = PullHistory.Review.State(rawValue: event.review.state.lowercased())
        else { return nil }
        return Occurrence.ReviewChange(
            review: PullHistory.Review(
                id: event.review.id, author: event.review.user?.login ?? "ghost", state: state,
                at: (event.review.submittedAt ?? .now()).date, sha: event.review.commitID,
                link: event.review.htmlURL),
            isDismissal: event.action == "dismissed")
    }
}
