import JobConfig
import SlipwayModel

/// `/kind bug`, `/label api-review` … Prow's rule (plugins/label).
package enum LabelPlugin {
    package static let prefixes = ["area", "committee", "kind", "language", "priority", "sig", "triage", "wg"]
    /// Groups of which at least one label is wanted, where the repository has a label `needs-GROUP`.
    static let wantedGroups = ["kind", "priority", "sig", "triage"]
    static let membersOnly = "triage/accepted"

    package static let plugin = PullPlugin(
        "label", "Adds and removes labels of the repository.", commands: [grouped, free], reaction: restricting)

    static let grouped = CommandDefinition(
        prefixes + prefixes.map { "remove-\($0)" },
        usage: prefixes.map { "/\($0) NAME" } + prefixes.map { "/remove-\($0) NAME" },
        who: "anyone; `\(membersOnly)`: members of the organization",
        effect: """
            Adds or removes the label `GROUP/NAME`, if the repository has it. When the last label of kind, priority, sig \
            or triage goes, `needs-GROUP` comes, where the repository has that label.
            """,
        worksOnClosed: true, needs: needs
    ) { calls, context in
        decide(calls, context) { call in
            let prefix = call.name.hasPrefix("remove-") ? String(call.name.dropFirst(7)) : call.name
            return call.arguments.split(whereSeparator: \.isWhitespace).map { word in
                "\(prefix)/\(word)".lowercased()
            }
        }
    }

    static let free = CommandDefinition(
        ["label", "remove-label"], usage: ["/label NAME", "/remove-label NAME"],
        who: """
            anyone, for the labels that `additional_labels` lists; `restricted_labels` say who may set the others: teams, \
            users, or whoever can approve every changed file
            """,
        effect: "Adds or removes a label that is in no group.", worksOnClosed: true, needs: needs
    ) { calls, context in
        decide(calls, context, isListed: true) { $0.arguments.isEmpty ? [] : [$0.arguments] }
    }

    private static func needs(_ calls: [CommandCall], _ context: PullContext) -> [Question] {
        let rules = context.settings.restrictedLabels.filter { rule in calls.contains { mentions($0, rule.label) } }
        let teams = rules.flatMap(\.teams).map {
            Question.teamMember(org: context.pull.repository.org, team: $0, login: context.actor)
        }
        let asksMembership = calls.contains { $0.name == "triage" }
        return [.repositoryLabels] + (asksMembership ? [.member(context.actor)] : []) + teams
            + (rules.contains(where: \.allowsApprovers) ? [.owners] : [])
    }

    private static func mentions(_ call: CommandCall, _ label: String) -> Bool {
        let name = call.name.hasPrefix("remove-") ? String(call.name.dropFirst(7)) : call.name
        let words = call.arguments.lowercased()
        return name == "label"
            ? words == label.lowercased()
            : words.split(whereSeparator: \.isWhitespace).contains { "\(name)/\($0)" == label.lowercased() }
    }

    private static func restriction(_ name: String, _ context: PullContext) -> PluginSettings.Labels.Restricted? {
        context.settings.restrictedLabels.first { Login.same($0.label, name) }
    }

    /// Whether somebody may set a label that is restricted; nil where it is not.
    private static func mayRestricted(_ name: String, _ context: PullContext) -> Bool? {
        guard let rule = restriction(name, context) else { return nil }
        return rule.users.contains { Login.same($0, context.actor) }
            || rule.teams.contains { context.facts.isTeamMember(context.pull.repository.org, $0, context.actor) }
            || rule.allowsApprovers && context.facts.owners?.approvesAll(context.actor) == true
    }

    /// Who may set a restricted label, in words.
    private static func allowedPeople(_ name: String, _ context: PullContext) -> [String] {
        guard let rule = restriction(name, context) else { return [] }
        return rule.teams.map { "members of `\(PullRequestsText.code($0))`" }
            + rule.users.map { "`\(PullRequestsText.code($0))`" }
            + (rule.allowsApprovers ? ["whoever can approve every changed file"] : [])
    }

    private static func decide(
        _ calls: [CommandCall], _ context: PullContext, isListed: Bool = false, _ names: (CommandCall) -> [String]
    ) -> [PullAction] {
        let existing = context.facts.repositoryLabels ?? []
        var actions: [PullAction] = []
        var labels = context.pull.labels
        var (missing, forbidden, absent): ([String], [String], [String]) = ([], [], [])
        var allowed: [String] = []
        // Prow adds first and removes then, wherever they stand.
        let ordered = calls.filter { !$0.name.hasPrefix("remove-") } + calls.filter { $0.name.hasPrefix("remove-") }
        for call in ordered {
            let removes = call.name.hasPrefix("remove-")
            for wanted in names(call) {
                // What is there already is nobody's offence.
                if !removes, context.pull.has(wanted) { continue }
                let may = mayRestricted(wanted, context)
                if isListed, may == nil,
                    !context.settings.settings.label.additional.contains(where: { Login.same($0, wanted) })
                {
                    forbidden.append(wanted)
                    continue
                }
                if may == false {
                    forbidden.append(wanted)
                    allowed += allowedPeople(wanted, context).filter { !allowed.contains($0) }
                    continue
                }
                if removes {
                    guard labels.contains(where: { Login.same($0, wanted) }) else {
                        absent.append(wanted)
                        continue
                    }
                    labels.removeAll { Login.same($0, wanted) }
                    actions.append(.removeLabel(wanted))
                } else if let name = existing.first(where: { Login.same($0, wanted) }) {
                    guard !Login.same(wanted, membersOnly) || context.facts.isMember(context.actor) else {
                        forbidden.append(wanted)
                        allowed.append("members of **\(context.pull.repository.org)**")
                        continue
                    }
                    if !labels.contains(where: { Login.same($0, name) }) { labels.append(name) }
                    actions.append(.addLabel(name))
                } else {
                    missing.append(wanted)
                }
            }
        }
        actions += wants(before: context.pull.labels, after: labels, existing)
        let text = PullRequestsText.labelsRefused(
            missing: missing, forbidden: forbidden, allowed: allowed, absent: absent)
        if let text { actions.append(.answer(text)) }
        return actions
    }

    /// `needs-GROUP` comes with the last label of its group, and goes with the first.
    private static func wants(before: [String], after: [String], _ existing: [String]) -> [PullAction] {
        wantedGroups.compactMap { group in
            func has(_ labels: [String]) -> Bool { labels.contains { $0.lowercased().hasPrefix("\(group)/") } }
            let needed = "needs-\(group)"
            if has(before), !has(after), existing.contains(where: { Login.same($0, needed) }) {
                return .addLabel(needed)
            }
            if !has(before), has(after), before.contains(where: { Login.same($0, needed) }) {
                return .removeLabel(needed)
            }
            return nil
        }
    }

    /// `assign_on`: who may set a restricted label is assigned when another label asks for it. `remove_on_new_commits`: a
    /// push takes it away.
    static let restricting = PullPlugin.Reaction(react: { event, context in
        switch event {
        case .labeled(let name):
            let users = context.settings.restrictedLabels.filter { rule in
                rule.assignOn.contains { Login.same($0, name) }
            }.flatMap(\.users)
            return users.isEmpty ? [] : [.assign(users)]
        case .pushed where !context.pull.isMerged:
            return context.settings.restrictedLabels.filter { $0.endsWithPush && context.pull.has($0.label) }
                .map { .removeLabel($0.label) }
        default: return []
        }
    })
}
