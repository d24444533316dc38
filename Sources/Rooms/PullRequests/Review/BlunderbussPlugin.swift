import JobConfig

/// Asks reviewers that OWNERS files name. (Prow: plugins/blunderbuss.)
package enum BlunderbussPlugin {
    package static let plugin = PullPlugin(
        "blunderbuss", "Asks people whom the OWNERS files of the changed files name for a review.",
        commands: [autoCC],
        reaction: .init(
            needs: { event, context in matters(event, context) ? [.owners] : [] },
            react: { event, context in matters(event, context) ? ask(context) : [] }))

    static let autoCC = CommandDefinition(
        ["auto-cc"], usage: ["/auto-cc"], who: "anyone",
        effect: "Asks reviewers out of the OWNERS files for a review, e.g. after those files have changed.",
        needs: { _, _ in [.owners] }, decide: { _, context in ask(context) })

    private static func matters(_ event: PullEvent, _ context: PullContext) -> Bool {
        let settings = context.settings.settings.blunderbuss
        guard context.pull.isOpen, event == .opened || event == .readyForReview,
            !(context.pull.isDraft && settings.ignoresDrafts),
            !settings.ignoredAuthors.contains(where: { Login.same($0, context.pull.author) })
        else { return false }
        // Who names reviewers has chosen.
        return !CommandParser.commands(in: CommandParser.visibleText(context.pull.body)).contains { $0.name == "cc" }
    }

    private static func ask(_ context: PullContext) -> [PullAction] {
        guard let owners = context.facts.owners else { return [] }
        let settings = context.settings.settings.blunderbuss
        var rules = ReviewerRules()
        rules.requestCount = settings.requestCount
        rules.maximum = settings.maximumRequests ?? 0
        rules.excludesApprovers = settings.excludesApprovers
        let people = ReviewerChoice.choose(
            owners.changed, in: owners.tree, author: context.pull.author, rules: rules, seed: context.pull.number
        ).filter { login in !context.pull.requestedReviewers.contains { Login.same($0, login) } }
        return people.isEmpty ? [] : [.requestReviews(people)]
    }
}
