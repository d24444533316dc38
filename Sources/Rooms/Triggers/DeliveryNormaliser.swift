package import Forge
package import SlipwayModel

/// What a delivery means for the rest of the house. Pure.
///
/// | delivery | event |
/// |---|---|
/// | pull_request, any action | `pull.changed`; with commands in the body at `opened`, also `command.issued` |
/// | push to a branch or tag, not a deletion | `ref.pushed` |
/// | issue_comment created, on an open pull request | `command.issued`, if it has commands |
/// | pull_request_review submitted, pull_request_review_comment created, on an open one | the same |
///
/// What the bot itself writes is no command.
package struct DeliveryNormaliser: Sendable {
    /// The bot's login.
    let bot: String

    package init(bot: String) { self.bot = bot }

    package struct Meaning: Sendable {
        package var pull: PullChanged?
        package var push: RefPushed?
        package var command: CommandIssued?
    }

    package func meaning(of delivery: WebhookDelivery, id: String) -> Meaning {
        switch delivery {
        case .pullRequest(let event): meaning(of: event, id: id)
        case .push(let event): Meaning(push: push(event, id: id))
        case .issueComment(let event) where event.action == "created" && event.issue.isPullRequest:
            Meaning(
                command: command(
                    repository: event.repository.repositoryName, number: event.issue.number,
                    isOpen: event.issue.isOpen, actor: event.comment.author,
                    association: event.comment.authorAssociation, commentID: event.comment.id,
                    body: event.comment.body, id: id))
        case .pullRequestReview(let event) where event.action == "submitted":
            Meaning(
                command: command(
                    repository: event.repository.repositoryName, number: event.pullRequest.number,
                    isOpen: event.pullRequest.isOpen, actor: event.review.user?.login ?? "ghost",
                    association: event.review.authorAssociation, commentID: event.review.id,
                    body: event.review.body, id: id))
        case .pullRequestReviewComment(let event) where event.action == "created":
            Meaning(
                command: command(
                    repository: event.repository.repositoryName, number: event.pullRequest.number,
                    isOpen: event.pullRequest.isOpen, actor: event.comment.user?.login ?? "ghost",
                    association: event.comment.authorAssociation, commentID: event.comment.id,
                    body: event.comment.body, id: id))
        default: Meaning()
        }
    }

    private func meaning(of event: PullRequestEvent, id: String) -> Meaning {
        guard let repository = event.repository.repositoryName else { return Meaning() }
        let pull = event.pullRequest
        let changed = PullChanged(
            repository: repository, number: pull.number, action: event.action, title: pull.title, author: pull.author,
            authorAssociation: pull.authorAssociation, isOpen: pull.isOpen, isDraft: pull.isDraft ?? false,
            isMerged: pull.wasMerged, headRef: pull.head.ref, headSHA: pull.head.sha, baseRef: pull.base.ref,
            baseSHA: pull.base.sha, previousBaseRef: event.changes?.base?.ref?.from, label: event.label?.name,
            labels: pull.labelNames, sender: event.sender?.login ?? "ghost", mergeable: pull.mergeable,
            link: pull.htmlURL, deliveryID: id, subjectVersion: pull.updatedAt?.milliseconds ?? 0)
        let opening =
            event.action == "opened"
            ? command(
                repository: repository, number: pull.number, isOpen: pull.isOpen, actor: pull.author,
                association: pull.authorAssociation, commentID: nil, body: pull.body, id: id) : nil
        return Meaning(pull: changed, command: opening)
    }

    private func push(_ event: PushEvent, id: String) -> RefPushed? {
        guard !event.isDeletion, event.isBranch || event.isTag, let repository = event.repository.repositoryName else {
            return nil
        }
        return RefPushed(
            repository: repository, ref: event.shortRef, isTag: event.isTag, before: event.before, after: event.after,
            changedFiles: event.changedFiles, sender: event.sender?.login ?? event.pusher?.name ?? "ghost",
            deliveryID: id)
    }

    private func command(
        repository: RepositoryName?, number: Int, isOpen: Bool, actor: String, association: String?,
        commentID: Int64?, body: String?, id: String
    ) -> CommandIssued? {
        guard let repository, isOpen, let body, actor.lowercased() != bot.lowercased() else { return nil }
        let text = CommandParser.visibleText(body)
        let commands = CommandParser.commands(in: text)
        guard !commands.isEmpty else { return nil }
        // Only the lines with commands: a message stays small, and triggers are anchored to lines.
        let lines = commands.map { "/\($0.name)\($0.arguments.isEmpty ? "" : " " + $0.arguments)" }
        return CommandIssued(
            repository: repository, number: number, actor: actor, actorAssociation: association,
            commentID: commentID, commands: commands, body: lines.joined(separator: "\n"), deliveryID: id)
    }
}
