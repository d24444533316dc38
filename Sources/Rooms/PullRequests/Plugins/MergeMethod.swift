import JobConfig

/// Prow's rule (plugins/merge-method-comment): who brings several commits is told how they will be merged, and which
/// label has them merged otherwise.
package enum MergeMethodPlugin {
    static let tag = "<!-- slipway-merge-method -->"

    package static let plugin = PullPlugin(
        "merge-method-comment", "Tells who brings several commits how they are merged, and how otherwise.",
        reaction: PullPlugin.Reaction(
            needs: { event, _ in concerns(event) ? [.commits] : [] },
            react: { event, context in
                guard concerns(event), let commits = context.facts.commits else { return [] }
                let tide = context.settings.tide ?? TideSettings()
                let labels = [tide.squashLabel, tide.rebaseLabel, tide.mergeLabel].compactMap(\.self)
                guard commits.count > 1, !labels.contains(where: context.pull.has) else {
                    return event == .opened ? [] : [.notice(tag: tag, body: nil)]
                }
                let method = tide.mergeMethods.method(
                    of: context.pull.repository, branch: context.pull.baseRef)
                let text = PullRequestsText.severalCommits(
                    method, squashLabel: tide.squashLabel, mergeLabel: tide.mergeLabel)
                return [.notice(tag: tag, body: text)]
            }))

    private static func concerns(_ event: PullEvent) -> Bool {
        [.opened, .reopened, .pushed, .edited].contains(event)
    }
}
