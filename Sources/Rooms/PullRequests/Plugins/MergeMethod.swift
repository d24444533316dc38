/// Prow's rule (plugins/merge-method-comment): who brings several commits is told how they will be merged.
package enum MergeMethodPlugin {
    static let tag = "<!-- slipway-merge-method -->"

    package static let plugin = PullPlugin(
        "merge-method-comment", "Tells who brings several commits how to have them squashed or rebased.",
        reaction: PullPlugin.Reaction(
            needs: { event, _ in event == .opened || event == .pushed ? [.commits] : [] },
            react: { event, context in
                guard event == .opened || event == .pushed, let commits = context.facts.commits else { return [] }
                let hasMethod = context.pull.labels.contains { $0.hasPrefix("tide/merge-method-") }
                guard commits.count > 1, !hasMethod else {
                    return event == .opened ? [] : [.notice(tag: tag, body: nil)]
                }
                return [.notice(tag: tag, body: PullRequestsText.severalCommits(commits.count))]
            }))
}
