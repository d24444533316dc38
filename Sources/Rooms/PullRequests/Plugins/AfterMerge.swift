import JobConfig
import SlipwayModel

/// What happens once a pull request was merged: Prow's plugins milestoneapplier and branchcleaner.
package enum AfterMergePlugins {
    package static let milestone = PullPlugin(
        "milestoneapplier", "Sets the milestone of the base branch on what is merged into it.",
        reaction: PullPlugin.Reaction(
            needs: { event, context in title(event, context) == nil ? [] : [.milestones] },
            react: { event, context in
                guard let title = title(event, context), context.facts.milestones?.contains(title) == true,
                    context.pull.milestone != title
                else { return [] }
                return [.milestone(title)]
            }))

    /// On release branches when the pull request is opened, on the default branch when it is merged: what is open there may
    /// still miss the release.
    private static func title(_ event: PullEvent, _ context: PullContext) -> String? {
        let branches = context.settings.settings.milestonesOfBranches[context.pull.repository.description]
        switch event {
        case .closed where context.pull.isMerged: return branches?[context.pull.baseRef]
        case .opened where context.pull.baseRef != context.pull.defaultBranch: return branches?[context.pull.baseRef]
        default: return nil
        }
    }

    package static let branch = PullPlugin(
        "branchcleaner", "Deletes the branch of what was merged.",
        reaction: PullPlugin.Reaction(react: { event, context in
            guard event == .closed, context.pull.isMerged,
                context.pull.headRepository == context.pull.repository.description,
                context.pull.headRef != context.pull.baseRef, context.pull.headRef != "main",
                context.pull.headRef != "master"
            else { return [] }
            let preserved = context.settings.settings.preservedBranches
            let names =
                (preserved[context.pull.repository.org] ?? []) + (preserved[context.pull.repository.description] ?? [])
            return names.contains(context.pull.headRef) ? [] : [.deleteHeadBranch]
        }))
}
