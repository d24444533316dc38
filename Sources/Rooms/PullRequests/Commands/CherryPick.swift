import SlipwayModel

/// `/cherrypick` and labels `cherrypick/BRANCH`: the same change for other branches. Prow's rule (external plugin
/// cherrypicker). A label counts as its author's wish when the pull request is merged.
package enum CherryPickPlugin {
    static let labelPrefix = "cherrypick/"
    static let tag = "<!-- slipway-cherry-pick-labels -->"

    package static let plugin = PullPlugin(
        "cherrypick",
        "Opens pull requests that bring a merged change to other branches, also to those that labels `cherrypick/BRANCH` name.",
        commands: [cherryPick], reaction: labels)

    static let cherryPick = CommandDefinition(
        ["cherrypick", "cherry-pick"], usage: ["/cherrypick BRANCH …", "/cherry-pick BRANCH …"],
        who: "members of the organization",
        effect:
            "Opens a pull request with the same change for each branch: at once where this one is merged, else then.",
        worksOnClosed: true,
        needs: { calls, context in
            [.member(context.actor)] + branches(calls).map { .branch($0) }
        }
    ) { calls, context in
        guard context.facts.isMember(context.actor) else {
            return [.answer(PullRequestsText.mayNotPick(context.pull.repository.org))]
        }
        guard context.pull.isOpen || context.pull.isMerged else {
            return [.answer(PullRequestsText.closedIsNotPicked)]
        }
        let wanted = branches(calls)
        guard !wanted.isEmpty else { return [.answer(PullRequestsText.pickOntoWhat)] }
        let known = wanted.filter { context.facts.hasBranch($0) && $0 != context.pull.baseRef }
        let unknown = wanted.filter { !context.facts.hasBranch($0) }
        var actions: [PullAction] = known.isEmpty ? [] : [.cherryPick(branches: known, requester: context.actor)]
        if wanted.contains(context.pull.baseRef) {
            actions.append(.answer(PullRequestsText.notPickedOntoBase(context.pull.baseRef)))
        }
        if !unknown.isEmpty { actions.append(.answer(PullRequestsText.noSuchBranches(unknown))) }
        if !known.isEmpty, !context.pull.isMerged { actions.append(.answer(PullRequestsText.picksLater(known))) }
        return actions
    }

    private static let labels = PullPlugin.Reaction(
        needs: { event, context in
            concerns(event, context)
                ? [.member(context.pull.author)] + labelled(context).map { .branch($0) } : []
        },
        react: { event, context in
            guard concerns(event, context) else { return [] }
            let wanted = labelled(context).filter { $0 != context.pull.baseRef }
            guard !wanted.isEmpty else { return [.notice(tag: tag, body: nil)] }
            guard context.facts.isMember(context.pull.author) else {
                return [.notice(tag: tag, body: PullRequestsText.mayNotPickByLabel(context.pull.repository.org))]
            }
            let known = wanted.filter(context.facts.hasBranch)
            var words: [String] = []
            if known != wanted {
                words.append(PullRequestsText.noSuchBranches(wanted.filter { !known.contains($0) }))
            }
            guard context.pull.isMerged else {
                if !known.isEmpty { words.append(PullRequestsText.picksLater(known)) }
                return [.notice(tag: tag, body: words.joined(separator: "\n\n"))]
            }
            return [.notice(tag: tag, body: words.first)]
                + (known.isEmpty ? [] : [.cherryPick(branches: known, requester: context.pull.author)])
        })

    private static func concerns(_ event: PullEvent, _ context: PullContext) -> Bool {
        switch event {
        case .labeled(let name), .unlabeled(let name):
            name.hasPrefix(labelPrefix) && (context.pull.isOpen || context.pull.isMerged)
        case .closed: context.pull.isMerged && !labelled(context).isEmpty
        default: false
        }
    }

    /// The branches that labels name.
    private static func labelled(_ context: PullContext) -> [String] {
        context.pull.labels.filter { $0.hasPrefix(labelPrefix) }.map { String($0.dropFirst(labelPrefix.count)) }
            .filter { !$0.isEmpty }
    }

    private static func branches(_ calls: [CommandCall]) -> [String] {
        var found: [String] = []
        for word in calls.flatMap(\.words) where !found.contains(word) && found.count < 20 { found.append(word) }
        return found
    }
}
