import Forge
import Patterns

/// Prow's rule (plugins/invalidcommitmsg): messages of commits call no people and close no issues, because they would do
/// so again in every fork.
package enum CommitMessagePlugin {
    package static let label = "do-not-merge/invalid-commit-message"
    static let tag = "<!-- slipway-commit-message -->"

    package static let plugin = PullPlugin(
        "invalidcommitmsg", "Keeps commits whose messages call people or close issues from being merged.",
        reaction: PullPlugin.Reaction(
            needs: { event, _ in concerns(event) ? [.commits] : [] },
            react: { event, context in
                guard concerns(event), let commits = context.facts.commits else { return [] }
                let bad = commits.filter { isInvalid($0.commit.message) && ($0.parents?.count ?? 0) < 2 }
                if bad.isEmpty {
                    return context.pull.has(label) ? [.removeLabel(label), .notice(tag: tag, body: nil)] : []
                }
                return [
                    .addLabel(label),
                    .notice(
                        tag: tag,
                        body: PullRequestsText.invalidMessages(
                            bad.map { ($0.sha, $0.commit.message.split(separator: "\n").first.map(String.init) ?? "") })
                    ),
                ]
            }))

    private static func concerns(_ event: PullEvent) -> Bool {
        event == .opened || event == .reopened || event == .pushed
    }

    private static let closing = try? Pattern(
        #"(?i)\b(close[sd]?|fix(e[sd])?|resolve[sd]?)\s*:?\s+(\w[\w.-]*/\w[\w.-]*)?#\d+\b"#)
    private static let calling = try? Pattern(#"(^|[^\w@/.])@[A-Za-z0-9][A-Za-z0-9-]*"#)

    package static func isInvalid(_ message: String) -> Bool {
        closing?.matches(message) ?? false || calling?.matches(message) ?? false
    }
}
