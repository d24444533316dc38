import Forge
import JobConfig
import Patterns

/// Asks reviewers that OWNERS files name. (Prow: plugins/blunderbuss.)
package enum BlunderbussPlugin {
    package static let plugin = PullPlugin(
        "blunderbuss", "Asks people whom the OWNERS files of the changed files name for a review.",
        commands: [autoCC],
        reaction: .init(
            needs: { event, context in
                guard matters(event, context) else { return [] }
                return isAwaited(event) ? [.owners, .statuses] : [.owners]
            },
            react: { event, context in
                guard matters(event, context) else { return [] }
                if isAwaited(event), let awaited = context.settings.blunderbuss.waitsFor, !isThere(awaited, context) {
                    return []
                }
                return ask(context)
            }))

    static let autoCC = CommandDefinition(
        ["auto-cc"], usage: ["/auto-cc"], who: "anyone",
        effect: "Asks reviewers out of the OWNERS files for a review, e.g. after those files have changed.",
        needs: { _, _ in [.owners] }, decide: { _, context in ask(context) })

    private static func matters(_ event: PullEvent, _ context: PullContext) -> Bool {
        let settings = context.settings.blunderbuss
        guard context.pull.isOpen, !(context.pull.isDraft && settings.ignoresDrafts),
            !settings.ignoredAuthors.contains(where: { Login.same($0, context.pull.author) })
        else { return false }
        if let awaited = settings.waitsFor {
            return event == .statusTold(awaited.context) && context.pull.requestedReviewers.isEmpty
        }
        guard event == .opened || event == .readyForReview else { return false }
        // Who names reviewers has chosen.
        return !CommandParser.commands(in: CommandParser.visibleText(context.pull.body)).contains {
            ["cc", "uncc"].contains($0.name)
        }
    }

    private static func isAwaited(_ event: PullEvent) -> Bool {
        if case .statusTold = event { true } else { false }
    }

    /// Whether the status that is waited for stands on the head now, whichever the event told of.
    private static func isThere(_ awaited: PluginSettings.AwaitedStatus, _ context: PullContext) -> Bool {
        guard let pattern = try? Pattern(awaited.description) else { return false }
        return (context.facts.statuses ?? []).contains {
            $0.context == awaited.context && $0.state == awaited.state && pattern.matches($0.description ?? "")
        }
    }

    private static func ask(_ context: PullContext) -> [PullAction] {
        guard let owners = context.facts.owners else { return [] }
        let settings = context.settings.blunderbuss
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
