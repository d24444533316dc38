import JobConfig
import Patterns

/// Prow's rule (plugins/sigmention): who mentions a group's team labels the pull request for it. The forge tells a team
/// of mentions by members alone, so those of others are repeated.
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
            needs: { event, context in
                mentions(event, context).isEmpty ? [] : [.repositoryLabels, .member(context.actor)]
            },
            react: { event, context in
                let existing = context.facts.repositoryLabels ?? []
                var (labels, teams): ([String], [String]) = ([], [])
                for mention in mentions(event, context) {
                    // Of a group that has no label nothing is known.
                    guard let group = existing.first(where: { Login.same($0, mention.label) }) else { continue }
                    for name in [group, mention.kind].compactMap(\.self)
                    where !context.pull.has(name) && !labels.contains(name) {
                        labels.append(name)
                    }
                    if !teams.contains(mention.team) { teams.append(mention.team) }
                }
                let isRepeated = !teams.isEmpty && !context.facts.isMember(context.actor)
                return labels.map { .addLabel($0) }
                    + (isRepeated ? [.answer(PullRequestsText.mentions(teams))] : [])
            }))

    private struct Mention {
        var team: String
        var label: String
        var kind: String?
    }

    private static func mentions(_ event: PullEvent, _ context: PullContext) -> [Mention] {
        guard event == .commented || event == .reviewed, !context.isBot,
            let pattern = try? Pattern(context.settings.settings.sigMentionPattern ?? pattern)
        else { return [] }
        return pattern.allMatches(in: context.text).compactMap { groups in
            guard groups.count > 1, let team = groups[0], let group = groups[1] else { return nil }
            let kind = groups.count > 2 ? groups[2].flatMap { kinds[String($0)] } : nil
            return Mention(team: String(team), label: "sig/\(group)", kind: kind)
        }
    }
}
