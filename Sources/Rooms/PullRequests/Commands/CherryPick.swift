import SlipwayModel

/// `/cherrypick`: the same change for other branches. Prow's rule (external plugin cherrypicker).
package enum CherryPickPlugin {
    package static let plugin = PullPlugin(
        "cherrypick", "Opens pull requests that bring a merged change to other branches.", commands: [cherryPick])

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
        var actions: [PullAction] = known.isEmpty ? [] : [.cherryPick(branches: known)]
        if !unknown.isEmpty { actions.append(.answer(PullRequestsText.noSuchBranches(unknown))) }
        if !known.isEmpty, !context.pull.isMerged { actions.append(.answer(PullRequestsText.picksLater(known))) }
        return actions
    }

    private static func branches(_ calls: [CommandCall]) -> [String] {
        var found: [String] = []
        for word in calls.flatMap(\.words) where !found.contains(word) && found.count < 20 { found.append(word) }
        return found
    }
}
