package import SlipwayModel

/// How the labels look that plugins set, where a repository does not have them yet. Colours are those that people know
/// from Prow's own organisations; what keeps a pull request from being merged is red.
package enum LabelLooks {
    package static func look(of name: String) -> ForgeDesired.LabelLook? {
        if let known = known[name.lowercased()] { return known }
        let group = name.lowercased().split(separator: "/", maxSplits: 1)
        if group.count == 2, let look = groups[String(group[0])] { return look }
        return name.lowercased().hasPrefix("needs-")
            ? .init("ededed", "Lacks a label \(name.dropFirst("needs-".count))/…, and needs one.") : nil
    }

    /// Of labels `GROUP/NAME`.
    private static let groups: [String: ForgeDesired.LabelLook] = [
        "do-not-merge": .init("e11d21", "Keeps the pull request from being merged."),
        "area": .init("0052cc", "The part of the project that it is about."),
        "committee": .init("c0ff4a", "Concerns this committee."),
        "kind": .init("c7def8", "What kind of change it is."),
        "language": .init("e9b3f5", "Concerns texts in this language."),
        "priority": .init("fef2c0", "How urgent it is."), "sig": .init("d2b48c", "Concerns this group."),
        "stage": .init("15dd18", "How ripe the feature is."), "status": .init("fef2c0", "How far the work is."),
        "triage": .init("8fc951", "What was found when it was looked at first."),
        "wg": .init("d2b48c", "Concerns this working group."),
    ]

    private static let known: [String: ForgeDesired.LabelLook] = [
        LgtmPlugin.label: .init("15dd18", "Looks good: somebody other than its author has looked at it."),
        ApprovePlugin.label: .init("0ffa16", "Every changed file has its approvers, by the OWNERS files."),
        HoldPlugin.label: .init("e11d21", "Not to be merged until somebody says /hold cancel."),
        WorkInProgressPlugin.label: .init("e11d21", "A draft, or its title begins with WIP."),
        VerifyOwnersPlugin.label: .init("e11d21", "Changes OWNERS files that cannot be accepted."),
        BlockadePlugin.label: .init("e11d21", "Changes files that nobody may change."),
        MergeCommitPlugin.label: .init("e11d21", "Contains merge commits; has to be rebased."),
        CommitMessagePlugin.label: .init("e11d21", "Messages of its commits, or its title, close issues."),
        ReleaseNotePlugin.needed: .init("e11d21", "Says nothing of what users will notice."),
        CherryPickApprovalPlugin.unapproved: .init("e11d21", "Not approved for the release branch yet."),
        CherryPickApprovalPlugin.approved: .init("fef2c0", "Approved for the release branch."),
        NeedsRebasePlugin.label: .init("e11d21", "Conflicts with its base; has to be rebased."),
        TriggerPlugin.okToTest: .init("15dd18", "A stranger's pull request that a member lets be tested."),
        TriggerPlugin.needsOkToTest: .init("b60205", "Waits for a member to look at it and to say /ok-to-test."),
        ReleaseNotePlugin.note: .init("c2e0c6", "Has a release note."),
        ReleaseNotePlugin.none: .init("c2e0c6", "Has nothing that users would notice."),
        ReleaseNotePlugin.actionRequired: .init("c2e0c6", "Has a release note that asks users to act."),
        AgreementPlugin.yes: .init("bfe5bf", "Its author has signed the contributor license agreement."),
        AgreementPlugin.no: .init("e11d21", "Its author has not signed the contributor license agreement."),
        SignOffPlugin.yes: .init("bfe5bf", "Every commit is signed off."),
        SignOffPlugin.no: .init("e11d21", "Not every commit is signed off."),
        "kind/bug": .init("e11d21", "About something that is broken."),
        "lifecycle/active": .init("8fc951", "Somebody works on it."),
        "lifecycle/frozen": .init("d3e2f0", "Does not become stale by itself."),
        "lifecycle/stale": .init("795548", "Nobody has touched it for long."),
        "lifecycle/rotten": .init("604460", "Nobody has touched it for very long."),
        "size/xs": .init("009900", "Changes very few lines, generated files left out."),
        "size/s": .init("77bb00", "Changes few lines, generated files left out."),
        "size/m": .init("eebb00", "Changes some lines, generated files left out."),
        "size/l": .init("ee9900", "Changes many lines, generated files left out."),
        "size/xl": .init("ee5500", "Changes very many lines, generated files left out."),
        "size/xxl": .init("ee0000", "Changes more lines than anybody can look at, generated files left out."),
        "triage/accepted": .init("8fc951", "Accepted, and ready to be worked on."),
    ]
}
