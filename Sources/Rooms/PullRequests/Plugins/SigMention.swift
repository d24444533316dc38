import JobConfig
import Patterns

/// Prow's rule (plugins/sigmention): who mentions a group's team labels the pull request for it.
package enum SigMentionPlugin {
    static let pattern =
        #"(?m)@kubernetes/sig-([\w-]*)-(misc|test-failures|bugs|feature-requests|proposals|pr-reviews|api-reviews)"#
    static let kinds = [
        "bugs": "kind/bug", "feature-requests": "kind/feature", "api-reviews": "kind/api-change",
        "proposals": "kind/design",
    ]

    package static let plugin = PullPlugin(
        "sigmention", "Labels pull requests for the groups whose teams are mentioned.",
        reaction: PullPlugin.Reaction(
            needs: { event, context in mentioned(event, context).isEmpty ? [] : [.repositoryLabels] },
            react: { event, context in
                let existing = context.facts.repositoryLabels ?? []
                return mentioned(event, context).compactMap { wanted in
                    guard let name = existing.first(where: { Login.same($0, wanted) }), !context.pull.has(name) else {
                        return nil
                    }
                    return .addLabel(name)
                }
            }))

    private static func mentioned(_ event: PullEvent, _ context: PullContext) -> [String] {
        guard event == .commented || event == .reviewed, !context.isBot,
            let pattern = try? Pattern(context.settings.settings.sigMentionPattern ?? pattern)
        else { return [] }
        var labels: [String] = []
        for groups in pattern.allMatches(in: context.text) where groups.count > 1 {
            if let group = groups[1] { labels.append("sig/\(group)") }
            if groups.count > 2, let kind = groups[2].flatMap({ kinds[String($0)] }) { labels.append(kind) }
        }
        return labels
    }
}
