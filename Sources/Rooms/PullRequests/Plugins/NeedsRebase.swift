/// Prow's rule (external plugin needs-rebase): what conflicts with its base is told so.
package enum NeedsRebasePlugin {
    package static let label = "needs-rebase"
    static let tag = "<!-- slipway-needs-rebase -->"

    package static let plugin = PullPlugin(
        "needs-rebase", "Marks pull requests that conflict with their base.",
        reaction: PullPlugin.Reaction(react: { event, context in
            guard context.pull.isOpen, let mergeable = context.pull.mergeable else { return [] }
            switch event {
            case .opened, .reopened, .pushed, .edited, .mergeabilityKnown, .commented: break
            default: return []
            }
            if mergeable {
                return context.pull.has(label) ? [.removeLabel(label), .notice(tag: tag, body: nil)] : []
            }
            guard !context.pull.has(label) else { return [] }
            return [
                .addLabel(label),
                .notice(tag: tag, body: PullRequestsText.needsRebase(context.pull.author, context.pull.baseRef)),
            ]
        }))
}
