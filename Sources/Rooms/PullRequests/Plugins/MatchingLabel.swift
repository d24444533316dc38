import JobConfig
import Patterns
import SlipwayModel

/// Prow's rule (plugins/require-matching-label): where no label matches, another one says so.
package enum MatchingLabelPlugin {
    package static let plugin = PullPlugin(
        "require-matching-label", "Marks pull requests that lack a label of a kind.", commands: [check],
        reaction: PullPlugin.Reaction(react: { event, context in
            context.settings.settings.matchingLabels.filter { holds($0, context) && concerns(event, $0, context) }
                .flatMap { decide($0, context) }
        }))

    static let check = CommandDefinition(
        ["check-required-labels"], usage: ["/check-required-labels"], who: "anyone",
        effect: "Looks again whether a label of each kind that is wanted is there."
    ) { _, context in
        context.settings.settings.matchingLabels.filter { holds($0, context) }.flatMap { decide($0, context) }
    }

    /// Of a label that came or went only the rules about its kind take notice: one that says what is missing may be taken
    /// away by hand.
    private static func concerns(
        _ event: PullEvent, _ rule: PluginSettings.MatchingLabel, _ context: PullContext
    ) -> Bool {
        switch event {
        case .opened, .reopened: true
        case .edited: context.previousBase != nil
        case .labeled(let name), .unlabeled(let name): (try? Pattern(rule.pattern))?.matches(name) ?? false
        default: false
        }
    }

    private static func holds(_ rule: PluginSettings.MatchingLabel, _ context: PullContext) -> Bool {
        rule.org == context.pull.repository.org
            && ((rule.repo ?? "").isEmpty || rule.repo == context.pull.repository.repo)
            && ((rule.branch ?? "").isEmpty || rule.branch == context.pull.baseRef)
    }

    private static func decide(_ rule: PluginSettings.MatchingLabel, _ context: PullContext) -> [PullAction] {
        guard !rule.missingLabel.isEmpty, let pattern = try? Pattern(rule.pattern) else { return [] }
        // The label that says what is missing is no label of the kind.
        let matches = context.pull.labels.contains {
            !Login.same($0, rule.missingLabel) && pattern.matches($0)
        }
        let tag = "<!-- slipway-matching-label \(rule.missingLabel) -->"
        if matches {
            return context.pull.has(rule.missingLabel)
                ? [.removeLabel(rule.missingLabel), .notice(tag: tag, body: nil)] : []
        }
        guard !context.pull.has(rule.missingLabel) else { return [] }
        return [.addLabel(rule.missingLabel)] + (rule.comment.map { [.notice(tag: tag, body: $0)] } ?? [])
    }
}
