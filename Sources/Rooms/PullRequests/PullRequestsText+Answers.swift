import FoundationEssentials
import JobConfig
import SlipwayModel

/// What commands answer.
extension PullRequestsText {
    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(20).map { "`\(code($0))`" }.joined(separator: ", ")
        return names.count > 20 ? "\(shown) and \(names.count - 20) more" : shown
    }

    /// Text that cannot end its code span, nor call anybody.
    static func code(_ text: String) -> String {
        String(text.prefix(100)).replacing("`", with: "'").replacing("\n", with: " ")
    }

    // MARK: Trust

    static func untrustedOkToTest(_ org: String) -> String {
        "only members of **\(org)**, and whoever else is trusted here, can say `/ok-to-test`."
    }
    static let okToTestAlone = "`/ok-to-test` stands alone on its line; `/ok-to-test cancel` takes it back."
    static let okToTestIgnored = "this repository does not go by `ok-to-test`; say `/test all` for each push."

    // MARK: Labels

    /// - Parameter allowed: who may set those that are forbidden, as far as it is written.
    static func labelsRefused(
        missing: [String], forbidden: [String], allowed: [String], absent: [String]
    ) -> String? {
        var parts: [String] = []
        if !missing.isEmpty { parts.append("the repository has no label \(list(missing)), so it cannot be added.") }
        if !forbidden.isEmpty {
            let who = allowed.isEmpty ? "" : "; \(allowed.prefix(10).joined(separator: ", ")) may"
            parts.append("you may not set \(list(forbidden)) here\(who).")
        }
        if !absent.isEmpty { parts.append("\(list(absent)) is not set, so it cannot be removed.") }
        return parts.isEmpty ? nil : parts.joined(separator: " ")
    }

    static func noLifecycle(_ text: String) -> String {
        text.isEmpty
            ? "say which: `/lifecycle active`, `stale` or `rotten`."
            : "`\(code(text))` is no state; there are active, frozen, stale and rotten."
    }
    static func noStage(_ text: String, _ stages: [String]) -> String {
        let known = stages.map { "`/stage \($0)`" }.joined(separator: ", ")
        return text.isEmpty ? "say which: \(known)." : "`\(code(text))` is no stage; there are \(known)."
    }
    static func noStatus(_ text: String, _ names: [String]) -> String {
        let known = names.map { "`/status \($0)`" }.joined(separator: ", ")
        return text.isEmpty ? "say which: \(known)." : "`\(code(text))` is no status; there are \(known)."
    }
    static let pullsDoNotFreeze = "pull requests are not frozen; `lifecycle/frozen` is for issues."
    static let closed = "Closed this PR."
    static let reopened = "Reopened this PR."
    static let pullsAreNotPlanned = "PRs cannot be closed as Not Planned; that is for issues. `/close` closes it."
    static let mayNotClose = "you cannot close a pull request unless you opened it or are a collaborator."
    static func branchIsGone(_ branch: String) -> String {
        "it cannot be opened again: its branch `\(code(branch))` is gone. Push the branch again, and comment once more."
    }
    static let mayNotReopen = "you cannot reopen a pull request unless you opened it or are a collaborator."
    static let mergedStays = "it was merged, and what is merged stays closed. Open a new pull request."

    // MARK: People

    static func cannotAssign(_ logins: [String]) -> String {
        "\(list(logins)) cannot be assigned here. Only members, collaborators and people who commented can."
    }
    static func tooManyAssignees(_ logins: [String], _ limit: Int) -> String {
        "\(list(logins)) cannot be assigned as well: a pull request has at most \(limit) assignees."
    }
    static func cannotReview(_ logins: [String]) -> String {
        "\(list(logins)) cannot be asked for a review: reviewers are collaborators, and nobody reviews the own change."
    }

    // MARK: Overrides

    static func mayNotOverride(_ context: PullContext) -> String {
        var who = ["administrators of the repository"]
        let teams = context.settings.settings.override.teams
        who += ((teams[context.pull.repository.org] ?? []) + (teams[context.pull.repository.description] ?? [])).map {
            "members of `\(code($0))`"
        }
        if context.settings.settings.override.allowsTopLevelOwners { who.append("approvers of the root's OWNERS") }
        return "you may not override; \(who.joined(separator: ", ")) may."
    }
    static func overrideWhat(_ contexts: [String]) -> String {
        contexts.isEmpty
            ? "say which context; nothing here has failed."
            : "say which context: `/override \(code(contexts[0]))`. Not successful are \(list(contexts))."
    }
    static func overrideUnknown(_ names: [String], _ contexts: [String]) -> String {
        let known = contexts.isEmpty ? "nothing here has failed" : "not successful are \(list(contexts))"
        return "there is no context, check run or job \(list(names)) here; \(known). Nothing was overridden."
    }
    // Prow's words, which its tools know.
    static func overrode(_ contexts: [String], _ actor: String, isSticky: Bool) -> String {
        "Overrode contexts on behalf of \(actor): \(contexts.map(code).joined(separator: ", "))"
            + (isSticky ? ". They stay so until the next push, or `/override-cancel`." : "")
    }
    static func cancelledOverrides(_ contexts: [String], _ actor: String) -> String {
        "Cancelled overrides on behalf of \(actor): \(contexts.map(code).joined(separator: ", "))"
    }
    static func checksAreOfApps(_ names: [String]) -> String {
        """
        \(list(names)) \(names.count == 1 ? "is a check run" : "are check runs"): the forge takes those only from a GitHub \
        App, and this CI has signed in with a token. Nothing was overridden.
        """
    }
    static let noOverride = "no such override stands."
    static func overriddenBy(_ actor: String) -> String { RunRequested.overridden + actor }

    static func overrideEnded(_ actor: String) -> String { "The override was taken back by \(actor)." }

    // MARK: Others

    static let mayNotRetitle = "only its author and who is trusted here can change the title."
    static let emptyTitle = "a title cannot be empty."
    static let longTitle = "a title has at most 256 characters."
    static let titleCallsPeople =
        "a title cannot call people (`@`) or close issues (`Fixes #1`): every squashed commit would do so again."
    static let helpIsForIssues =
        "`/help` and `/good-first-issue` are for issues. `/why` says what this pull request waits for."

    static let noMilestoneTeam = "nobody may set milestones here: `repo_milestone` of plugins.yaml names no team."
    static func notInMilestoneTeam(_ team: String) -> String { "only members of **\(team)** may set milestones." }
    static func whichMilestone(_ titles: [String]) -> String {
        titles.isEmpty ? "the repository has no open milestone." : "say which milestone: \(list(titles)), or `clear`."
    }
    static func unknownMilestone(_ title: String, _ titles: [String]) -> String {
        let known = titles.isEmpty ? "there is none" : "there are \(list(titles))"
        return "there is no open milestone `\(code(title))`; \(known)."
    }

    static func mayNotPick(_ org: String) -> String { "only members of **\(org)** can have a change picked." }
    static func mayNotPickByLabel(_ org: String) -> String {
        "A label `cherrypick/…` asks for a change in its author's name, who is no member of **\(org)**. A member can comment `/cherrypick BRANCH`."
    }
    static func notPickedOntoBase(_ branch: String) -> String {
        "it is not picked onto `\(code(branch))`, which is its base."
    }
    static let closedIsNotPicked = "it was closed without being merged, so there is nothing to pick."
    static let pickOntoWhat = "say onto which branch: `/cherrypick release-1.0`."
    static func noSuchBranches(_ names: [String]) -> String { "the repository has no branch \(list(names))." }
    static func picksLater(_ branches: [String]) -> String {
        "once it is merged, it is picked onto \(list(branches))."
    }

    static let mayNotAbort = "only its author and who is trusted here can abort its runs."
    static func nothingToAbort(_ names: [String], _ runs: [PullRun]) -> String {
        if runs.isEmpty { return "nothing of it runs." }
        return "no run of \(list(names)) is unfinished; unfinished are \(list(runs.map(\.job)))."
    }

    // MARK: Pages

    static func noRepositoryName(_ text: String) -> String {
        "'\(text.prefix(120))' is no repository; write org/repo."
    }
    static let noCommandsHere = "No plugin with commands is active in this repository."

    // MARK: Commands that are none

    static func unknownCommands(_ findings: [Misspelling.Finding], helpURL: String) -> String {
        let parts = findings.prefix(10).map { finding in
            finding.suggestion.map { "`/\(code(finding.name))` is no command; did you mean `/\($0)`?" }
                ?? "`/\(code(finding.name))` is no command."
        }
        return parts.joined(separator: " ") + " [All commands](\(helpURL))"
    }
    static func inactiveCommand(_ name: String, plugin: String) -> String {
        "`/\(code(name))` does nothing here: the plugin `\(plugin)` is not active in this repository."
    }
    static func tooManyCommands(_ limit: Int) -> String {
        "the comment holds more than \(limit) commands; the first \(limit) were carried out."
    }

    // MARK: Why

    static func why(_ obstacles: [MergeObstacle], _ context: PullContext) -> String {
        if context.pull.isMerged { return "it is merged already." }
        let unfinished = context.facts.runs.filter { !$0.state.isFinished }
        var parts: [String] = []
        if obstacles.isEmpty {
            parts.append(
                unfinished.isEmpty
                    ? "nothing that I know of keeps it from being merged."
                    : "nothing is missing but what runs now.")
        } else {
            let lines = obstacles.prefix(30).map { obstacle in
                let rule = obstacle.link.map { "[\(obstacle.rule)](\($0))" } ?? obstacle.rule
                return "- \(rule)" + (obstacle.remedy.map { " \($0)" } ?? "")
            }
            parts.append("this keeps it from being merged:\n\n" + lines.joined(separator: "\n"))
        }
        if !unfinished.isEmpty {
            let lines = unfinished.prefix(30).map { "- \(running($0, at: context.at))" }
            parts.append("These run:\n\n" + lines.joined(separator: "\n"))
        }
        return parts.joined(separator: "\n\n")
    }

    private static func running(_ run: PullRun, at now: Date) -> String {
        let state = run.startedAt == nil ? "waits" : "runs"
        let usual = run.usualSeconds.map { ", usually \(duration($0))" } ?? ""
        let need = run.isRequired ? "" : " (optional)"
        return "`\(code(run.context))`\(need) \(state)\(usual)"
    }

    static let nothingKeepsIt = "Nothing that Slipway knows of keeps it from being merged."

    static func runs(_ run: PullRun) -> String {
        "\(run.context) \(run.startedAt == nil ? "waits" : "runs")" + (run.isRequired ? "" : " (optional)")
    }

    static func duration(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60) min" }
        return "\(whole / 3600) h \(whole % 3600 / 60) min"
    }
}
