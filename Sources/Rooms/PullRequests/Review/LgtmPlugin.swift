import JobConfig
import SlipwayModel

/// `/lgtm`: somebody other than the author has looked at the change as it is. (Prow: plugins/lgtm.)
package enum LgtmPlugin {
    package static let label = "lgtm"

    package static let plugin = PullPlugin(
        "lgtm", "Labels a pull request `\(label)` when somebody has reviewed it; a push takes the label away.",
        commands: [lgtm], reaction: .init(needs: { needs($0, $1) }, react: { react(to: $0, $1) }))

    static let lgtm = CommandDefinition(
        ["lgtm", "remove-lgtm"], usage: ["/lgtm", "/lgtm no-issue", "/lgtm cancel", "/remove-lgtm"],
        who: """
            collaborators; where `skip_collaborators` is set, reviewers and approvers of the changed files; the author \
            may only cancel
            """,
        effect: "Says that the change looks good, or takes that back: the label `\(label)`. A push takes it away.",
        needs: { calls, context in
            wish(calls) != nil || approves(context) ? questions(context) : []
        },
        decide: { calls, context in
            let actions = wish(calls).map { decide($0, context) } ?? []
            return actions + approvals(context, after: actions)
        })

    /// Nil where the words behind the command make it none. Of both in one comment, taking back wins.
    private static func wish(_ calls: [CommandCall]) -> Bool? {
        let wishes = calls.compactMap { call -> Bool? in
            switch (call.name, call.arguments.lowercased()) {
            case ("lgtm", ""), ("lgtm", "no-issue"): true
            case ("lgtm", "cancel"), ("remove-lgtm", ""): false
            default: nil
            }
        }
        return wishes.contains(false) ? false : wishes.first
    }

    /// Whether a word on the review changes approvals.
    private static func approves(_ context: PullContext) -> Bool {
        let settings = context.settings
        return settings.isActive("approve")
            && (settings.approve.lgtmActsAsApprove || settings.approve.needsDistinctReviewers)
    }

    private static func questions(_ context: PullContext) -> [Question] {
        let settings = context.settings
        var questions: [Question] = [.history]
        if !context.isAuthor, !settings.skipsCollaborators { questions.append(.collaborator(context.actor)) }
        let approves = approves(context)
        if settings.skipsCollaborators || settings.lgtm.storesTreeHash || approves { questions.append(.owners) }
        if approves { questions.append(.earlier) }
        return questions
    }

    private static func decide(_ wants: Bool, _ context: PullContext) -> [PullAction] {
        guard context.pull.isOpen else { return [] }
        let pull = context.pull
        var question = LgtmDecision.Question(wantsLabel: wants)
        question.isAuthor = context.isAuthor
        question.isCollaborator = context.facts.isCollaborator(context.actor)
        question.skipsCollaborators = context.settings.skipsCollaborators
        question.isOwner = context.facts.owners?.owners.contains(context.actor.lowercased()) ?? false
        question.hasLabel = pull.has(label)
        question.isAssigned = pull.assignees.contains { Login.same($0, context.actor) }
        question.isOutdated = pull.headSince.map { context.at <= $0 } ?? false
        let decision = LgtmDecision(question)
        if let refusal = decision.refusal { return [.answer(OwnersText.refusal(refusal))] }
        var actions: [PullAction] = []
        if decision.isHeard { actions.append(.noteLGTM(tree: context.facts.owners?.headTree)) }
        switch decision.change {
        case .add: actions += [.addLabel(label), .notice(tag: OwnersText.lgtmTag, body: nil)]
        case .remove: actions += [.removeLabel(label), .forgetLGTMs] + askAgain(context)
        case nil: break
        }
        if decision.assigns { actions.append(.assign([context.actor])) }
        return actions
    }

    /// Where a look is kept by its tree, who has looked and who is assigned is asked to look again when it is lost. (Prow
    /// asks the assignees.)
    private static func askAgain(_ context: PullContext) -> [PullAction] {
        guard context.settings.lgtm.storesTreeHash else { return [] }
        var people: [String] = []
        for login in context.history.lgtms.map(\.login) + context.pull.assignees
        where !Login.same(login, context.pull.author) && !people.contains(where: { Login.same($0, login) }) {
            people.append(login)
        }
        return people.isEmpty ? [] : [.requestReviews(people)]
    }

    /// A word on the review may approve, too, or bring a reviewer's approval down.
    private static func approvals(_ context: PullContext, after actions: [PullAction]) -> [PullAction] {
        guard approves(context) else { return [] }
        var context = context
        for action in actions {
            switch action {
            case .noteLGTM(let tree):
                context.history.lgtms.append(.init(login: context.actor, at: context.at, tree: tree))
            case .forgetLGTMs: context.history.lgtms = []
            default: break
            }
        }
        return ApprovePlugin.derive(context)
    }

    // MARK: Reviews and pushes

    private static func needs(_ event: PullEvent, _ context: PullContext) -> [Question] {
        guard context.pull.isOpen else { return [] }
        switch event {
        case .reviewed where context.settings.lgtm.reviewActsAsLGTM && !context.isBot: return questions(context)
        case .pushed:
            var questions: [Question] = [.history]
            if let team = context.settings.lgtm.stickyTeam {
                questions.append(
                    .teamMember(org: context.pull.repository.org, team: team, login: context.pull.author))
            }
            if context.settings.lgtm.storesTreeHash { questions.append(.owners) }
            return questions
        default: return []
        }
    }

    private static func react(to event: PullEvent, _ context: PullContext) -> [PullAction] {
        guard context.pull.isOpen else { return [] }
        switch event {
        case .reviewed where context.settings.lgtm.reviewActsAsLGTM && !context.isBot: return review(context)
        case .pushed: return push(context)
        default: return []
        }
    }

    private static func review(_ context: PullContext) -> [PullAction] {
        guard let comment = context.comment, comment.kind == .review,
            let review = context.history.reviews.first(where: { $0.id == comment.id })
        else { return [] }
        // A command in its text has spoken already.
        let hasCommand = context.history.commands.contains { command in
            command.comment.kind == .review && command.comment.id == comment.id
                && lgtm.names.contains(command.call.name)
        }
        guard !hasCommand else { return [] }
        switch review.state {
        case .approved: return decide(true, context)
        case .changesRequested: return decide(false, context)
        case .commented, .dismissed: return []
        }
    }

    private static func push(_ context: PullContext) -> [PullAction] {
        guard context.pull.has(label) else { return [] }
        let settings = context.settings.lgtm
        let isSticky =
            settings.stickyTeam.map {
                context.facts.isTeamMember(context.pull.repository.org, $0, context.pull.author)
            } ?? false
        let newest = context.history.lgtms.max { $0.at < $1.at }
        let keeps = LgtmPush.keepsLabel(
            isSticky: isSticky, storedTree: settings.storesTreeHash ? newest?.tree : nil,
            headTree: context.facts.owners?.headTree, wasSaidAfter: newest.map { $0.at > context.at } ?? false)
        guard !keeps else { return [] }
        return [
            .removeLabel(label), .forgetLGTMs,
            .notice(tag: OwnersText.lgtmTag, body: OwnersText.lgtmRemoved(head: context.pull.headSHA)),
        ] + askAgain(context)
    }
}
