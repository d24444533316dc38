import Forge
import JobConfig
package import SlipwayModel

/// What keeps a pull request from being merged, as far as this room knows, together with what Merging told. Pure.
package enum Obstacles {
    package static func of(_ context: PullContext) -> [MergeObstacle] {
        let pull = context.pull
        var obstacles: [MergeObstacle] = []
        if pull.isMerged { return [] }
        if !pull.isOpen {
            return [MergeObstacle(rule: "It is closed.", remedy: "Its author and collaborators reopen it: `/reopen`.")]
        }
        // Merging knows the rules of its pool: where it speaks, this room adds who can do something about them.
        let told = context.facts.obstacles
        if pull.mergeable == false, told.isEmpty {
            obstacles.append(
                MergeObstacle(
                    rule: "It conflicts with `\(pull.baseRef)`.",
                    remedy: "@\(pull.author) rebases it and pushes."))
        }
        for label in pull.labels.sorted() {
            if let remedy = blocking(label, context) {
                obstacles.append(MergeObstacle(rule: "It has the label `\(label)`.", remedy: remedy))
            }
        }
        if told.isEmpty || told.contains(where: { $0.rule.contains("lgtm") || $0.rule.contains("approved") }) {
            obstacles += approvals(context)
        }
        if told.isEmpty { obstacles += contexts(context) }
        let known = Set(obstacles.map(\.rule))
        return obstacles + told.filter { !known.contains($0.rule) }
    }

    /// How a label that keeps pull requests from being merged goes away.
    private static func blocking(_ label: String, _ context: PullContext) -> String? {
        switch label {
        case HoldPlugin.label: return "Anyone lifts it: `/hold cancel`."
        case WorkInProgressPlugin.label:
            return context.pull.isDraft
                ? "@\(context.pull.author) marks it as ready for review."
                : "@\(context.pull.author) takes WIP out of the title: `/retitle …`."
        case TriggerPlugin.needsOkToTest:
            return "A member of \(context.pull.repository.org) looks at it and comments `/ok-to-test`."
        case NeedsRebasePlugin.label: return context.pull.mergeable == false ? nil : "It goes with the next look."
        case BlockadePlugin.label: return "@\(context.pull.author) takes the blocked files out of the change."
        case MergeCommitPlugin.label: return "@\(context.pull.author) rebases instead of merging."
        case CommitMessagePlugin.label: return "@\(context.pull.author) rewrites the messages of the commits."
        case ReleaseNotePlugin.needed:
            return "@\(context.pull.author) adds a release note to the opening text, or comments `/release-note-none`."
        default:
            guard label.hasPrefix("do-not-merge/") || label.hasPrefix("needs-") else { return nil }
            return "Whoever may remove the label."
        }
    }

    /// Approvals that are missing, and who can give them.
    private static func approvals(_ context: PullContext) -> [MergeObstacle] {
        var obstacles: [MergeObstacle] = []
        if context.settings.isActive("lgtm"), !context.pull.has("lgtm") {
            obstacles.append(
                MergeObstacle(
                    rule: "Nobody has said that it looks good.", remedy: "A reviewer looks at it and comments `/lgtm`.")
            )
        }
        guard context.settings.isActive("approve"), !context.pull.has("approved") else { return obstacles }
        guard let approval = context.facts.approval else {
            return obstacles + [MergeObstacle(rule: "It is not approved.", remedy: "An approver comments `/approve`.")]
        }
        if let problem = approval.problem { obstacles.append(MergeObstacle(rule: problem)) }
        if approval.lacksIssue {
            obstacles.append(
                MergeObstacle(
                    rule: "It names no issue.",
                    remedy: "@\(context.pull.author) names one in the opening text; approvers waive it: "
                        + "`/approve no-issue`."))
        }
        let open = approval.parts.filter { $0.missing > 0 }
        obstacles += open.prefix(10).map { part in
            let people = part.approvers.prefix(5).map { "`\($0)`" }.joined(separator: ", ")
            let folder = part.folder.isEmpty ? "the root" : "`\(part.folder)`"
            return MergeObstacle(
                rule: "Approval for \(folder) is missing.",
                remedy: people.isEmpty
                    ? "Nobody can give it: \(part.file) names no approver." : "\(people) can give it: `/approve`.")
        }
        if open.count > 10 {
            obstacles.append(MergeObstacle(rule: "Approval for \(open.count - 10) more folders is missing."))
        }
        return obstacles
    }

    /// Required contexts that did not succeed.
    private static func contexts(_ context: PullContext) -> [MergeObstacle] {
        let required = context.facts.jobs.filter {
            $0.runsAgainst(branch: context.pull.baseRef) && $0.job.isRequired
        }
        let statuses = Dictionary(
            (context.facts.statuses ?? []).map { ($0.context, $0) }, uniquingKeysWith: { first, _ in first })
        return required.compactMap { job in
            let name = job.contextName
            let again = job.job.rerunCommand ?? "/test \(job.job.name)"
            if context.facts.runs.contains(where: { $0.context == name && !$0.state.isFinished }) { return nil }
            switch statuses[name]?.state {
            case "success", "pending": return nil
            case nil:
                guard job.alwaysRun else { return nil }
                return MergeObstacle(
                    rule: "The required job `\(name)` has not run.", remedy: "Who is trusted starts it: `\(again)`.")
            default:
                return MergeObstacle(
                    rule: "The required job `\(name)` did not succeed.",
                    remedy: "`\(again)` runs it again.", link: statuses[name]?.targetURL)
            }
        }
    }
}

extension OwnersFacts {
    /// Whether the login is an approver of the repository's root.
    func approvesRoot(_ login: String) -> Bool {
        tree.ownership(of: "OWNERS").allApprovers.contains(login.lowercased())
    }
}
