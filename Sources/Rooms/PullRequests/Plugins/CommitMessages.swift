import Forge
import Patterns

/// Prow's rule (plugins/invalidcommitmsg): messages of commits, and the title, which a merge makes one, close no issues,
/// because they would do so again in every fork.
package enum CommitMessagePlugin {
    package static let label = "do-not-merge/invalid-commit-message"
    static let tag = "<!-- slipway-commit-message -->"

    package static let plugin = PullPlugin(
        "invalidcommitmsg", "Keeps commits and titles whose words close issues from being merged.",
        reaction: PullPlugin.Reaction(
            needs: { event, _ in concerns(event) ? [.commits] : [] },
            react: { event, context in
                guard concerns(event), let commits = context.facts.commits else { return [] }
                let bad = commits.filter { closesIssues($0.commit.message) }
                let isTitleBad = closesIssues(context.pull.title)
                if bad.isEmpty, !isTitleBad {
                    return context.pull.has(label) ? [.removeLabel(label), .notice(tag: tag, body: nil)] : []
                }
                let lines = bad.map { commit in
                    (commit.sha, commit.commit.message.split(separator: "\n").first.map(String.init) ?? "")
                }
                return [
                    .addLabel(label),
                    .notice(tag: tag, body: PullRequestsText.invalidMessages(lines, isTitleInvalid: isTitleBad)),
                ]
            }))

    private static func concerns(_ event: PullEvent) -> Bool {
        [.opened, .reopened, .pushed, .edited].contains(event)
    }

    private static let closing = try? Pattern(
        #"(?i)\b(close[sd]?|fix(e[sd])?|resolve[sd]?)[\s:]+(\w[\w.-]*/\w[\w.-]*)?#\d+"#)
    private static let calling = try? Pattern(#"(^|[^\w@/.])@[A-Za-z0-9][A-Za-z0-9-]*"#)

    /// Whether the forge would close an issue for these words.
    package static func closesIssues(_ words: String) -> Bool { closing?.matches(words) ?? false }

    /// Whether the forge would tell somebody of these words.
    package static func callsPeople(_ words: String) -> Bool { calling?.matches(words) ?? false }
}
