import SlipwayModel

/// `/lifecycle`, `/close`, `/reopen`. Prow's rule (plugins/lifecycle).
package enum LifecyclePlugin {
    static let states = ["active", "frozen", "stale", "rotten"]

    package static let plugin = PullPlugin(
        "lifecycle", "Closes, reopens, and tells how alive a pull request is.",
        commands: [close, reopen, lifecycle])

    static let lifecycle = CommandDefinition(
        ["lifecycle", "remove-lifecycle"], usage: ["/lifecycle active|frozen|stale|rotten", "/remove-lifecycle STATE"],
        who: "anyone",
        effect: "Adds or removes a label `lifecycle/STATE`; there is one at a time. A pull request cannot be frozen.",
        worksOnClosed: true
    ) { calls, context in
        var actions: [PullAction] = []
        for call in calls {
            let state = call.arguments.lowercased()
            guard states.contains(state) else {
                actions.append(.answer(PullRequestsText.noLifecycle(call.arguments)))
                continue
            }
            if call.name == "remove-lifecycle" {
                actions.append(.removeLabel("lifecycle/\(state)"))
            } else if state == "frozen" {
                actions.append(.answer(PullRequestsText.pullsDoNotFreeze))
            } else {
                actions += states.filter { $0 != state && context.pull.has("lifecycle/\($0)") }
                    .map { .removeLabel("lifecycle/\($0)") }
                actions.append(.addLabel("lifecycle/\(state)"))
            }
        }
        return actions
    }

    static let close = CommandDefinition(
        ["close"], usage: ["/close"],
        who: "its author and collaborators; anyone once it is stale or rotten", effect: "Closes the pull request.",
        needs: { _, context in context.isAuthor ? [] : [.collaborator(context.actor)] }
    ) { calls, context in
        let words = calls.map { $0.arguments.lowercased() }
        guard context.pull.isOpen, words.contains("") || words.contains("not-planned") else { return [] }
        let isForgotten = context.pull.has("lifecycle/stale") || context.pull.has("lifecycle/rotten")
        guard context.isAuthor || isForgotten || context.facts.isCollaborator(context.actor) else {
            return [.answer(PullRequestsText.mayNotClose)]
        }
        guard !words.contains("not-planned") else { return [.answer(PullRequestsText.pullsAreNotPlanned)] }
        // So that the pull request tells who had it closed.
        return [.close, .answer(PullRequestsText.closed)]
    }

    static let reopen = CommandDefinition(
        ["reopen"], usage: ["/reopen"], who: "its author and collaborators",
        effect: "Opens it again, unless it was merged.",
        worksOnClosed: true,
        needs: { _, context in
            (context.isAuthor ? [] : [.collaborator(context.actor)])
                + (isOfRepository(context.pull) ? [.branch(context.pull.headRef)] : [])
        }
    ) { calls, context in
        guard !context.pull.isOpen, calls.contains(where: \.arguments.isEmpty) else { return [] }
        guard !context.pull.isMerged else { return [.answer(PullRequestsText.mergedStays)] }
        guard context.isAuthor || context.facts.isCollaborator(context.actor) else {
            return [.answer(PullRequestsText.mayNotReopen)]
        }
        // The forge would refuse it.
        guard !isBranchGone(context) else { return [.answer(PullRequestsText.branchIsGone(context.pull.headRef))] }
        return [.reopen, .answer(PullRequestsText.reopened)]
    }

    private static func isOfRepository(_ pull: PullSnapshot) -> Bool {
        pull.headRepository == pull.repository.description
    }

    /// Branches of forks may be hidden; a fork that is gone is not.
    private static func isBranchGone(_ context: PullContext) -> Bool {
        guard isOfRepository(context.pull) else { return context.pull.headRepository == nil }
        return !context.facts.hasBranch(context.pull.headRef)
    }
}
