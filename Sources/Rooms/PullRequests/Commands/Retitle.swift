import JobConfig

/// `/retitle`. Prow's rule (plugins/retitle).
package enum RetitlePlugin {
    package static let plugin = PullPlugin("retitle", "Changes titles.", commands: [retitle])

    static let retitle = CommandDefinition(
        ["retitle"], usage: ["/retitle NEW TITLE"], who: "its author, and who is trusted", effect: "Changes the title.",
        worksOnClosed: true, needs: { _, context in context.isAuthor ? [] : [.trusted(context.actor)] }
    ) { calls, context in
        guard context.pull.isOpen || context.settings.settings.retitleAllowsClosed else { return [] }
        guard context.isAuthor || context.facts.isTrusted(context.actor) else {
            return [.answer(PullRequestsText.mayNotRetitle)]
        }
        guard let title = calls.first?.arguments, !title.isEmpty else {
            return [.answer(PullRequestsText.emptyTitle)]
        }
        // It would call people, or close issues, with every squashed commit again.
        guard !CommitMessagePlugin.closesIssues(title), !CommitMessagePlugin.callsPeople(title) else {
            return [.answer(PullRequestsText.titleCallsPeople)]
        }
        guard title.count <= 256 else { return [.answer(PullRequestsText.longTitle)] }
        return title == context.pull.title ? [] : [.retitle(title)]
    }
}
