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
            let rule = context.settings.settings.cherryPickUnapproved
            switch event {
            case .opened, .reopened, .edited: break
            case .labeled(let name), .unlabeled(let name):
                guard Login.same(name, approved) || Login.same(name, unapproved) else { return [] }
            default: return []
            }
            guard context.pull.isOpen, (try? Pattern(rule.branchPattern))?.matches(context.pull.baseRef) ?? false else {
                return []
            }
            if context.pull.has(approved) { return context.pull.has(unapproved) ? [.removeLabel(unapproved)] : [] }
            guard !context.pull.has(unapproved) else { return [] }
            return [
                .addLabel(unapproved),
                .notice(tag: tag, body: rule.comment ?? PullRequestsText.cherryPickUnapproved),
            ]
        }))

    package static let approvedPlugin = PullPlugin(
        "cherry-pick-approved", "Lets release managers approve pull requests against release branches by a review.",
        reaction: PullPlugin.Reaction(react: { event, context in
            guard event == .reviewed, context.pull.isOpen,
                let review = context.history.reviews.last(where: { Login.same($0.author, context.actor) }),
                review.state == .approved
            else { return [] }
            let holds = context.settings.settings.cherryPickApproved.contains { rule in
                rule.org == context.pull.repository.org && rule.repo == context.pull.repository.repo
                    && rule.approvers.contains { Login.same($0, context.actor) }
                    && rule.neededLabels.allSatisfy(context.pull.has)
                    && (try? Pattern(rule.branchPattern))?.matches(context.pull.baseRef) ?? false
            }
            return holds ? [.addLabel(approved), .removeLabel(unapproved)] : []
        }))
}
