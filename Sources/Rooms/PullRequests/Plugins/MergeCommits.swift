import Forge

/// Prow's rule (plugins/mergecommitblocker): a branch is rebased, not merged into.
package enum MergeCommitPlugin {
    package static let label = "do-not-merge/contains-merge-commits"
    static let tag = "<!-- slipway-merge-commits -->"

    package static let plugin = PullPlugin(
        "mergecommitblocker", "Keeps pull requests that contain merge commits from being merged.",
        reaction: PullPlugin.Reaction(
            needs: { event, _ in concerns(event) ? [.commits] : [] },
            react: { event, context in
                guard concerns(event), let commits = context.facts.commits else { return [] }
                let merges = commits.filter { ($0.parents?.count ?? 0) > 1 }
                if merges.isEmpty {
                    return context.pull.has(label) ? [.removeLabel(label), .notice(tag: tag, body: nil)] : []
                }
                return [.addLabel(label), .notice(tag: tag, body: PullRequestsText.mergeCommits(merges.map(\.sha)))]
            }))

    private static func concerns(_ event: PullEvent) -> Bool {
        event == .opened || event == .reopened || event == .pushed
    }
}
