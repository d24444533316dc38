import Forge
import JobConfig
import Patterns
import SlipwayModel

/// Prow's rules for release branches (plugins/cherry-pick-unapproved and cherry-pick-approved).
package enum CherryPickApprovalPlugin {
    package static let approved = "cherry-pick-approved"
    package static let unapproved = "do-not-merge/cherry-pick-not-approved"
    static let tag = "<!-- slipway-cherry-pick -->"

    package static let unapprovedPlugin = PullPlugin(
        "cherry-pick-unapproved",
        "Keeps pull requests against release branches from being merged until they are approved.",
        reaction: PullPlugin.Reaction(react: { event, context in
            guard context.pull.isOpen else { return [] }
            let isRelease = isRelease(context.pull.baseRef, context)
            switch event {
            case .opened, .reopened: break
            case .edited:
                guard let previous = context.previousBase, isRelease != Self.isRelease(previous, context) else {
                    return []
                }
                // Another branch is nothing that it was approved for.
                if !isRelease {
                    return [approved, unapproved].filter(context.pull.has).map { .removeLabel($0) } + unsay
                }
            case .labeled(let name), .unlabeled(let name):
                guard Login.same(name, approved) || Login.same(name, unapproved) else { return [] }
            default: return []
            }
            guard isRelease else { return [] }
            if context.pull.has(approved) {
                return context.pull.has(unapproved) ? [.removeLabel(unapproved)] + unsay : unsay
            }
            guard !context.pull.has(unapproved) else { return [] }
            let comment = context.settings.settings.cherryPickUnapproved.comment
            return [
                .addLabel(unapproved), .notice(tag: tag, body: comment ?? PullRequestsText.cherryPickUnapproved),
            ]
        }))

    private static let unsay = [PullAction.notice(tag: tag, body: nil)]

    private static func isRelease(_ branch: String, _ context: PullContext) -> Bool {
        let pattern = try? Pattern(context.settings.settings.cherryPickUnapproved.branchPattern)
        return pattern?.matches(branch) ?? false
    }

    /// With one of these no review approves it.
    static let preventing = [
        BlockadePlugin.label, AgreementPlugin.no, HoldPlugin.label, VerifyOwnersPlugin.label,
        "do-not-merge/invalid-bug", MergeCommitPlugin.label, TriggerPlugin.needsOkToTest, NeedsRebasePlugin.label,
        ReleaseNotePlugin.needed, WorkInProgressPlugin.label,
    ]

    package static let approvedPlugin = PullPlugin(
        "cherry-pick-approved", "Lets release managers approve pull requests against release branches by a review.",
        reaction: PullPlugin.Reaction(
            needs: { event, context in rules(event, context).isEmpty ? [] : [.statuses] },
            react: { event, context in
                guard rules(event, context).contains(where: { $0.neededLabels.allSatisfy(context.pull.has) }),
                    let review = context.history.reviews.last(where: { Login.same($0.author, context.actor) }),
                    review.state == .approved, !preventing.contains(where: context.pull.has),
                    let statuses = context.facts.statuses,
                    !statuses.contains(where: { ["failure", "error"].contains($0.state) })
                else { return [] }
                return [.addLabel(approved), .removeLabel(unapproved)]
            }))

    /// The rules that let the author of a review approve.
    private static func rules(_ event: PullEvent, _ context: PullContext) -> [PluginSettings.CherryPickApproved] {
        guard event == .reviewed, context.pull.isOpen else { return [] }
        return context.settings.settings.cherryPickApproved.filter { rule in
            rule.org == context.pull.repository.org && rule.repo == context.pull.repository.repo
                && rule.approvers.contains { Login.same($0, context.actor) }
                && (try? Pattern(rule.branchPattern))?.matches(context.pull.baseRef) ?? false
        }
    }
}
