package import Forge
package import SlipwayModel

/// What a delivery means for the rest of the house. Pure.
///
/// | delivery | event |
/// |---|---|
/// | pull_request, any action | `pull.changed` |
/// | push to a branch or tag, not a deletion | `ref.pushed` |
/// | issue_comment on a pull request, pull_request_review, pull_request_review_comment | `comment.written` |
/// | status, or a check run that began or ended; of our own not those of runs | `status.told` |
/// | organization, membership, member, team: somebody came or went | `people.changed` |
/// | repository: created, renamed, transferred | `repository.named` |
///
/// What the bot itself writes is nothing anybody has to read, but for what may let a pull request be merged and is no
/// run's word: the pool's status, overrides, statuses that were skipped.
package struct DeliveryNormaliser: Sendable {
    /// The bot's login.
    let bot: String
    /// The context of the pool's own status.
    let poolContext: String

    package init(bot: String, poolContext: String) {
        self.bot = bot
        self.poolContext = poolContext
    }

    package struct Meaning: Sendable {
        package var pull: PullChanged?
        package var push: RefPushed?
        package var comment: CommentWritten?
        package var people: PeopleChanged?
        package var naming: RepositoryNamed?
        package var status: StatusTold?
    }

    package func meaning(of delivery: WebhookDelivery, id: String) -> Meaning {
        switch delivery {
        case .pullRequest(let event): Meaning(pull: change(event, id: id))
        case .push(let event): Meaning(push: push(event, id: id))
        case .issueComment(let event) where event.issue.isPullRequest:
            Meaning(
                comment: comment(
                    event.repository.repositoryName, event.issue.number, .comment, event.action, event.comment.id,
                    event.comment.author, id, at: event.comment.updatedAt ?? event.comment.createdAt))
        case .pullRequestReview(let event):
            Meaning(
                comment: comment(
                    event.repository.repositoryName, event.pullRequest.number, .review, event.action, event.review.id,
                    event.review.user?.login ?? "ghost", id, at: event.review.submittedAt))
        case .pullRequestReviewComment(let event):
            Meaning(
                comment: comment(
                    event.repository.repositoryName, event.pullRequest.number, .reviewComment, event.action,
                    event.comment.id, event.comment.user?.login ?? "ghost", id, at: event.comment.createdAt))
        case .status(let event):
            Meaning(
                status: status(
                    event.repository, event.sha, event.context, by: event.sender, id,
                    isOfRun: event.targetURL?.isEmpty == false
                        && event.description?.hasPrefix(RunRequested.overridden) != true))
        case .checkRun(let event) where ["created", "completed"].contains(event.action):
            Meaning(
                // Those that are ours are overrides.
                status: status(
                    event.repository, event.checkRun.headSHA, event.checkRun.name, by: event.sender, id, isOfRun: false)
            )
        case .people(_, let event): Meaning(people: people(event, id: id))
        case .repository(let event): Meaning(naming: naming(event, id: id))
        default: Meaning()
        }
    }

    private func change(_ event: PullRequestEvent, id: String) -> PullChanged? {
        guard let repository = event.repository.repositoryName else { return nil }
        let pull = event.pullRequest
        return PullChanged(
            repository: repository, number: pull.number, action: event.action, title: pull.title, author: pull.author,
            authorAssociation: pull.authorAssociation, isOpen: pull.isOpen, isDraft: pull.isDraft ?? false,
            isMerged: pull.wasMerged, headRef: pull.head.ref, headSHA: pull.head.sha, baseRef: pull.base.ref,
            baseSHA: pull.base.sha, previousBaseRef: event.changes?.base?.ref?.from, label: event.label?.name,
            labels: pull.labelNames, sender: event.sender?.login ?? "ghost", mergeable: pull.mergeable,
            link: pull.htmlURL, deliveryID: id, subjectVersion: pull.updatedAt?.milliseconds ?? 0)
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

    private func comment(
        _ repository: RepositoryName?, _ number: Int, _ kind: CommentWritten.Kind, _ action: String,
        _ commentID: Int64, _ author: String, _ id: String, at instant: Timestamp?
    ) -> CommentWritten? {
        guard let repository, author.lowercased() != bot.lowercased() else { return nil }
        return CommentWritten(
            repository: repository, number: number, kind: kind, action: action, commentID: commentID, author: author,
            deliveryID: id, subjectVersion: instant?.milliseconds ?? 0)
    }

    /// - Parameter isOfRun: it tells of one of our runs, if it is ours: the statuses of runs link to their pages.
    private func status(
        _ repository: Repository, _ sha: String, _ context: String, by sender: Account?, _ id: String, isOfRun: Bool
    ) -> StatusTold? {
        let sender = sender?.login ?? "ghost"
        let isNews = sender.lowercased() != bot.lowercased() || context == poolContext || !isOfRun
        guard let repository = repository.repositoryName, isNews else { return nil }
        return StatusTold(repository: repository, sha: sha, context: context, sender: sender, deliveryID: id)
    }

    private func naming(_ event: RepositoryEvent, id: String) -> RepositoryNamed? {
        guard let name = event.repository.repositoryName else { return nil }
        let isNew = event.action == "created"
        guard isNew || event.formerName != nil else { return nil }
        return RepositoryNamed(repository: name, former: isNew ? nil : event.formerName, deliveryID: id)
    }

    private func people(_ event: PeopleEvent, id: String) -> PeopleChanged? {
        guard let org = event.organization?.login ?? event.repository?.owner.login else { return nil }
        return PeopleChanged(
            org: org, repository: event.repository?.repositoryName, team: event.team?.slug,
            login: event.person?.login, deliveryID: id)
    }
}
