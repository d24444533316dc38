import Forge
import JobConfig
import SlipwayModel

/// `/override`: somebody with the right to it declares that a context passed. Prow's rule (plugins/override).
package enum OverridePlugin {
    package static let plugin = PullPlugin(
        "override", "Declares contexts passed, with the name of who did it.", commands: [override, cancel])

    static let override = CommandDefinition(
        ["override", "override-sticky"], usage: ["/override CONTEXT …", "/override-sticky CONTEXT …"],
        who: """
            administrators of the repository; approvers of its root and members of teams where the configuration says so
            """,
        effect: """
            Sets contexts that did not succeed, named by themselves or by their jobs, and check runs that failed to \
            success, and notes who did it. It holds until the base branch moves; a sticky one, and a check run's, until \
            the next push. A name with blanks stands in quotes.
            """,
        needs: needs
    ) { calls, context in
        guard may(context) else { return [.answer(PullRequestsText.mayNotOverride(context))] }
        var actions: [PullAction] = []
        var (unknown, unwritable): ([String], [String]) = ([], [])
        for call in calls {
            let wanted = names(call.arguments)
            guard !wanted.isEmpty else {
                actions.append(.answer(PullRequestsText.overrideWhat(overridable(context))))
                continue
            }
            var (contexts, checks): ([String], [String]) = ([], [])
            for name in wanted {
                let found = overridden(name, context)
                if let found, !contexts.contains(found) { contexts.append(found) }
                let hasFailed = context.facts.checkRuns.contains { $0.name == name && $0.state == "failure" }
                if hasFailed, !context.facts.writesChecks {
                    if found == nil { unwritable.append(name) }
                } else if hasFailed {
                    if !checks.contains(name) { checks.append(name) }
                } else if found == nil {
                    unknown.append(name)
                }
            }
            guard !(contexts + checks).isEmpty else { continue }
            let isSticky = call.name == "override-sticky"
            if !contexts.isEmpty { actions.append(.override(contexts: contexts, isSticky: isSticky)) }
            if !checks.isEmpty { actions.append(.overrideChecks(checks)) }
            let named = contexts + checks.filter { !contexts.contains($0) }
            actions.append(.answer(PullRequestsText.overrode(named, context.actor, isSticky: isSticky)))
        }
        // Nothing is half done: with one unknown name none is overridden, as in Prow.
        if !unknown.isEmpty { return [.answer(PullRequestsText.overrideUnknown(unknown, overridable(context)))] }
        if !unwritable.isEmpty { return [.answer(PullRequestsText.checksAreOfApps(unwritable))] }
        return actions
    }

    static let cancel = CommandDefinition(
        ["override-cancel"], usage: ["/override-cancel", "/override-cancel CONTEXT …"],
        who: "who may override", effect: "Takes back overrides: the named ones, or all.",
        needs: { needs($0, $1) + [.overrides] }
    ) { calls, context in
        guard may(context) else { return [.answer(PullRequestsText.mayNotOverride(context))] }
        let words = calls.flatMap { names($0.arguments) }
        let named = words.map { resolve($0, context) ?? $0 }
        let isAll = calls.contains { names($0.arguments).isEmpty }
        let contexts = context.facts.overrides.filter { isAll || named.contains($0) }
        let checks = context.facts.overriddenChecks.filter { isAll || words.contains($0) }
        let meant = contexts + checks.filter { !contexts.contains($0) }
        guard !meant.isEmpty else { return [.answer(PullRequestsText.noOverride)] }
        return [
            .cancelOverrides(contexts: contexts, checks: checks),
            .answer(PullRequestsText.cancelledOverrides(meant, context.actor)),
        ]
    }

    private static func needs(_ calls: [CommandCall], _ context: PullContext) -> [Question] {
        let org = context.pull.repository.org
        var questions: [Question] = [
            .permission(context.actor), .statuses, .checkRuns, .branch(context.pull.baseRef),
            .requiredContexts(context.pull.baseRef),
        ]
        questions += teams(context).map { .teamMember(org: org, team: $0, login: context.actor) }
        if context.settings.settings.override.allowsTopLevelOwners { questions.append(.owners) }
        return questions
    }

    private static func teams(_ context: PullContext) -> [String] {
        let teams = context.settings.settings.override.teams
        return (teams[context.pull.repository.org] ?? []) + (teams[context.pull.repository.description] ?? [])
    }

    static func may(_ context: PullContext) -> Bool {
        if context.facts.permission(context.actor) == "admin" { return true }
        if teams(context).contains(where: {
            context.facts.isTeamMember(context.pull.repository.org, $0, context.actor)
        }) {
            return true
        }
        return context.settings.settings.override.allowsTopLevelOwners
            && context.facts.owners?.approvesRoot(context.actor) == true
    }

    /// Names between blanks; quotes keep blanks together.
    static func names(_ text: String) -> [String] {
        var names: [String] = []
        var rest = text[...]
        while let first = rest.first {
            if first.isWhitespace {
                rest.removeFirst()
            } else if first == "\"" || first == "'", let end = rest.dropFirst().firstIndex(of: first) {
                names.append(String(rest[rest.index(after: rest.startIndex)..<end]))
                rest = rest[rest.index(after: end)...]
            } else {
                names.append(String(rest.prefix { !$0.isWhitespace }))
                rest = rest.drop { !$0.isWhitespace }
            }
        }
        return names.filter { !$0.isEmpty }
    }

    /// The context that a name means: itself, or the one of a job of that name.
    private static func resolve(_ name: String, _ context: PullContext) -> String? {
        let jobs = context.facts.jobs.filter { $0.runsAgainst(branch: context.pull.baseRef) }
        if (context.facts.statuses ?? []).contains(where: { $0.context == name }) { return name }
        if jobs.contains(where: { $0.contextName == name }) || isMissing(name, context) { return name }
        return jobs.first(where: { $0.job.name == name })?.contextName
    }

    /// Whether the branch's protection waits for it, and nobody has reported it.
    private static func isMissing(_ name: String, _ context: PullContext) -> Bool {
        context.facts.requiredContexts.contains(name) && !context.facts.checkRuns.contains { $0.name == name }
    }

    /// The same, unless it has succeeded already.
    private static func overridden(_ name: String, _ context: PullContext) -> String? {
        guard let found = resolve(name, context) else { return nil }
        let hasSucceeded = (context.facts.statuses ?? []).contains { $0.context == found && $0.state == "success" }
        return hasSucceeded ? nil : found
    }

    /// What stands there and did not succeed.
    private static func overridable(_ context: PullContext) -> [String] {
        let checks = context.facts.writesChecks ? context.facts.checkRuns.filter { $0.state == "failure" } : []
        let contexts = (context.facts.statuses ?? []).filter { $0.state != "success" }.map(\.context)
        let known = Set((context.facts.statuses ?? []).map(\.context))
        let missing = context.facts.requiredContexts.filter { !known.contains($0) && isMissing($0, context) }
        return Set(contexts + checks.map(\.name) + missing).sorted()
    }
}
