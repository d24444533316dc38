package import JobConfig
import SlipwayModel

/// `/approve`: whether everybody in charge of a changed file has agreed. The label follows from all that was said and
/// from the OWNERS files of the base branch, and is derived anew at each event that can change it. (Prow: plugins/approve.)
package enum ApprovePlugin {
    package static let label = "approved"

    package static let plugin = PullPlugin(
        "approve", "Labels a pull request `\(label)` when its changed files have their approvers by the OWNERS files.",
        commands: [approve], reaction: .init(needs: { needs($0, $1) }, react: { react(to: $0, $1) }))

    static let approve = CommandDefinition(
        ["approve", "remove-approve"],
        usage: ["/approve", "/approve no-issue", "/approve cancel", "/remove-approve"],
        who: "anyone; it counts where OWNERS files name the person as an approver",
        effect: """
            Approves the changed files whose OWNERS files name the person as an approver, or takes that back; \
            `no-issue` also waives an issue that the pull request lacks.
            """,
        needs: { _, _ in questions },
        decide: { _, context in derive(context) })

    /// What the label is derived from.
    static let questions: [Question] = [.history, .owners, .earlier]

    private static func needs(_ event: PullEvent, _ context: PullContext) -> [Question] {
        guard matters(event, context) else { return [] }
        // Nothing was said before it was opened.
        return event == .opened ? questions.filter { $0 != .earlier } : questions
    }

    private static func react(to event: PullEvent, _ context: PullContext) -> [PullAction] {
        guard matters(event, context) else { return [] }
        switch event {
        case .labeled: return derive(context, byHand: context.actor)
        case .unlabeled: return derive(context, byHand: nil)
        default: return derive(context)
        }
    }

    private static func matters(_ event: PullEvent, _ context: PullContext) -> Bool {
        guard context.pull.isOpen else { return false }
        switch event {
        case .opened, .reopened, .pushed, .edited, .withdrawn: return true
        case .labeled(let name), .unlabeled(let name): return Login.same(name, label) && !context.isBot
        case .reviewed: return !context.settings.approve.ignoresReviewState
        default: return false
        }
    }

    // MARK: Deriving

    /// The label and the comment as they follow from everything that was said.
    static func derive(_ context: PullContext) -> [PullAction] {
        derive(context, byHand: context.history.approvedByHand)
    }

    private static func derive(_ context: PullContext, byHand: String?) -> [PullAction] {
        guard context.pull.isOpen, let owners = context.facts.owners else { return [] }
        let hand = context.pull.has(label) ? byHand : nil
        let decision = decision(context, owners, byHand: hand)
        var text = ApprovalText(
            repository: context.pull.repository, branch: context.pull.baseRef, forge: context.pull.forgeAddress)
        text.commandHelp = context.settings.approve.commandHelpLink
        text.process = context.settings.approve.processLink
        return [
            .derivedLabel(label, isPresent: decision.isApproved),
            .notice(tag: OwnersText.approvalTag, body: text.body(decision, problem: owners.problem)),
            .noteApproval(
                ApprovalSummary(decision, byHand: hand, problem: owners.problem), earlier: context.facts.earlier),
        ]
    }

    static func decision(_ context: PullContext, _ owners: OwnersFacts, byHand: String?) -> ApprovalDecision {
        let pull = context.pull
        let rules = ApprovalRules(context.settings.approve)
        var question = ApprovalDecision.Question(
            org: pull.repository.org, number: pull.number, author: pull.author, body: pull.body,
            record: ApprovalRecord(
                context.history.remarks(earlier: context.facts.earlier), author: pull.author, pullLink: pull.link,
                bot: context.bot, rules: rules),
            needs: owners.needs, rules: rules)
        question.preferred = pull.assignees + pull.requestedReviewers
        // What this very turn says about a review is not in the history yet.
        question.reviewers = context.history.lgtms.map(\.login)
        question.isApprovedByHand = byHand != nil
        return ApprovalDecision(question)
    }

}

extension ApprovalRules {
    package init(_ settings: PluginSettings.Approve) {
        self.init()
        requiresSelfApproval = settings.requiresSelfApproval
        ignoresReviewState = settings.ignoresReviewState
        lgtmActsAsApprove = settings.lgtmActsAsApprove
        issueRequired = settings.isIssueRequired
        distinctReviewers = settings.needsDistinctReviewers
    }
}

extension PullHistory {
    /// Everything that may speak of approval, as remarks: a comment's commands together, a review with its commands.
    ///
    /// - Parameter earlier: what was said before this room heard of the pull request, where it was just asked for.
    package func remarks(earlier asked: [ApprovalRemark]?) -> [ApprovalRemark] {
        // What was heard of since is in the history, as the forge told it then.
        let heard = Set(commands.map(\.comment.id) + reviews.map(\.id))
        var remarks = (asked ?? earlier).filter { !heard.contains($0.id) }
        var place: [CommentReference: Int] = [:]
        for review in reviews {
            let reference = CommentReference(kind: .review, id: review.id, link: review.link)
            place[reference.plain] = remarks.count
            let state: ApprovalRemark.Review? =
                switch review.state {
                case .approved: .approved
                case .changesRequested: .changesRequested
                case .commented, .dismissed: nil
                }
            remarks.append(
                ApprovalRemark(author: review.author, at: review.at, id: review.id, link: review.link, review: state))
        }
        for command in commands {
            let call = CommandIssued.Command(name: command.call.name, arguments: command.call.arguments)
            if let known = place[command.comment.plain] {
                remarks[known].commands.append(call)
            } else {
                place[command.comment.plain] = remarks.count
                remarks.append(
                    ApprovalRemark(
                        author: command.actor, at: command.at, id: command.comment.id, link: command.comment.link,
                        commands: [call]))
            }
        }
        return remarks
    }
}

extension CommentReference {
    /// Without the link, which is no part of the identity.
    fileprivate var plain: CommentReference { CommentReference(kind: kind, id: id) }
}
