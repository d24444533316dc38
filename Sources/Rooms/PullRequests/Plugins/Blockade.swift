import Forge
import JobConfig
import Patterns

/// Prow's rule (plugins/blockade): files that nobody may change keep the pull request from being merged.
package enum BlockadePlugin {
    package static let label = "do-not-merge/blocked-paths"
    static let tag = "<!-- slipway-blockade -->"

    package static let plugin = PullPlugin(
        "blockade", "Keeps changes of files that nobody may change from being merged.",
        reaction: PullPlugin.Reaction(
            needs: { event, context in concerns(event, context) && !rules(context).isEmpty ? [.changedFiles] : [] },
            react: { event, context in
                guard concerns(event, context) else { return [] }
                let blocked = blocked(context)
                guard !blocked.isEmpty else {
                    return context.pull.has(label) ? [.removeLabel(label), .notice(tag: tag, body: nil)] : []
                }
                return [
                    .addLabel(label), .notice(tag: tag, body: PullRequestsText.blocked(blocked)),
                ]
            }))

    /// Somebody's own change of the label stands until the change itself is another one.
    private static func concerns(_ event: PullEvent, _ context: PullContext) -> Bool {
        switch event {
        case .opened, .reopened, .pushed: true
        case .edited: context.previousBase != nil
        default: false
        }
    }

    private static func rules(_ context: PullContext) -> [PluginSettings.Blockade] {
        context.settings.settings.blockades.filter { rule in
            context.settings.isNamed(in: rule.repos)
                && (rule.branchPattern.map { matches($0, context.pull.baseRef) } ?? true)
        }
    }

    /// Each blocked file with each reason, in the order of the files.
    private static func blocked(_ context: PullContext) -> [(file: String, explanation: String)] {
        let rules = rules(context)
        return (context.facts.changedFiles ?? []).flatMap { file in
            rules.filter { rule in
                rule.blocked.contains { matches($0, file.filename) }
                    && !rule.exceptions.contains { matches($0, file.filename) }
            }.map { (file.filename, $0.explanation.isEmpty ? PullRequestsText.protected : $0.explanation) }
        }
    }

    /// Expressions were compiled when the configuration was read.
    private static func matches(_ expression: String, _ text: String) -> Bool {
        (try? Pattern(expression))?.matches(text) ?? false
    }
}
