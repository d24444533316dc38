package import JobConfig
package import SlipwayModel

/// Every sentence this room says to people.
package enum SchedulingText {
    // MARK: On the pull request

    /// A comment of ours, found again by its tag.
    package struct Notice: Hashable, Sendable {
        package let tag: String

        /// The mark in the comment's text that the forge does not show.
        package var mark: String { "<!-- \(tag) -->" }
        package func key(number: Int) -> String { "comment/\(number)/\(tag)" }
        package func body(_ text: String) -> String { "\(text)\n\n\(mark)" }
    }

    package static let testHelp = Notice(tag: "slipway-test-help")
    package static let untrusted = Notice(tag: "slipway-untrusted")
    package static let draft = Notice(tag: "slipway-draft")
    package static let untrustedCommand = Notice(tag: "slipway-untrusted-command")

    package static func welcome(author: String, org: String) -> String {
        """
        Hi @\(author). Thank you for the pull request.

        Nothing is tested by itself, because you are not a member of **\(org)** yet. A member can look at the change \
        and have it tested from now on with the comment `/ok-to-test`, or once with `/test all`; nothing else is needed \
        from you until then.
        """
    }

    package static func untrustedCommand(actor: String, org: String) -> String {
        """
        @\(actor): the command was ignored, because neither you nor the author of this pull request is a member of \
        **\(org)**. Ask a member to look at the change and to comment `/ok-to-test`.
        """
    }

    package static let draftHint =
        """
        This pull request is a draft, so its tests do not start by themselves. They start when it is marked as ready \
        for review, or at once with the comment `/test all`.
        """

    /// - Parameter problems: of the repository's own configuration.
    package static func help(
        unknown: [String], mistakes: Set<CommandDecision.Mistake> = [], branch: String, jobs: [ConfiguredJob],
        actor: String, problems: [ConfigProblem] = []
    ) -> String {
        let ofBranch = jobs.filter { $0.runsAgainst(branch: branch) && $0.trigger != nil }
        var parts: [String] = []
        if mistakes.contains(.testWithoutTarget) { parts.append("The `/test` command needs one or more targets.") }
        if mistakes.contains(.retestWithTarget) { parts.append("The `/retest` command does not accept any targets.") }
        if mistakes.contains(.nothingRunsByItself) { parts.append("No jobs can be run with `/test all`.") }
        if !unknown.isEmpty {
            let names = unknown.prefix(20).map { "`\(code($0))`" }.joined(separator: ", ")
            parts.append("@\(actor): no job of the branch `\(code(branch))` answers to \(names).")
        }
        if ofBranch.isEmpty {
            parts.append("No job is configured for pull requests against `\(code(branch))`.")
        }
        for (title, group) in [
            ("These jobs are required:", ofBranch.filter { $0.job.isRequired }),
            ("These jobs are optional:", ofBranch.filter { !$0.job.isRequired }),
        ] where !group.isEmpty {
            let lines = group.prefix(100).map { "* `\(code($0.job.rerunCommand ?? "/test \($0.job.name)"))`" }
            let more = group.count > 100 ? ["* … and \(group.count - 100) more"] : []
            parts.append(([title, ""] + lines + more).joined(separator: "\n"))
        }
        if ofBranch.contains(where: \.isAutomatic) {
            parts.append("`/test all` starts those that run by themselves, `/retest` those that failed.")
        }
        if !problems.isEmpty {
            let lines = problems.prefix(20).map { "* `\(code($0.description))`" }
            parts.append(
                (["The repository's own configuration has errors and gives no jobs:", ""] + lines).joined(
                    separator: "\n"))
        }
        return parts.joined(separator: "\n\n")
    }

    /// A status in place of a run: at most 140 characters.
    package static func conflict(base: String) -> String {
        "Not started: the pull request conflicts with \(base.prefix(60)). Rebase it and push."
    }

    package static func baseGone(_ base: String) -> String {
        "Not started: the base branch \(base.prefix(60)) is gone. Choose another base."
    }

    /// Tells what a repository's own configuration files are good for.
    package static let configurationContext = "slipway/configuration"

    package static func configurationBroken(_ problems: [ConfigProblem]) -> String {
        let first = problems.first?.description ?? ""
        let more = problems.count > 1 ? " (and \(problems.count - 1) more)" : ""
        let room = 140 - more.count
        return (first.count > room ? first.prefix(room - 1) + "…" : first[...]) + more
    }

    package static func configurationChanged(isInForce: Bool) -> String {
        isInForce
            ? "The repository's own jobs run as this pull request has them."
            : "The repository's own jobs run as the base branch has them, until this is merged."
    }

    package static let configurationMended = "The repository's own configuration has no errors any more."
    package static let noFile = "it is a link or a submodule; put the file itself there"
    package static let fileTooLarge = "it is larger than \(InRepositoryFiles.totalLimit >> 20) MB; make it smaller"

    // Prow's words, which its tools know.
    package static let contextRetired = "Context retired without replacement."
    package static func contextMoved(to context: String) -> String {
        "Context retired. Status moved to \"\(context.prefix(80))\"."
    }
    package static func contextMoved(from context: String) -> String {
        "Status moved from \"\(context.prefix(80))\"."
    }

    private static func code(_ text: String) -> String { text.replacing("`", with: "'").replacing("\n", with: " ") }

    // MARK: Why a run ended before its time

    package static func newHead(_ sha: String) -> String { "A newer commit was pushed: \(sha.prefix(12))." }
    package static let pullClosed = "The pull request was closed."
    package static let pullDrafted = "The pull request was converted to a draft."
    package static func superseded(by run: RunID) -> String { "Replaced by a newer run of the same job: \(run)." }
    package static let deadlinePassed = "It was still waiting when its deadline passed."

    package static func reused(_ run: RunID) -> String {
        "Not run again: run \(run) of the same job succeeded on the same tree."
    }

    package static func ranTooLong(hours: Int) -> String {
        "It ran for \(hours) hours, which is the limit of any run."
    }

    package static func agentVanished(_ agent: String, attempt: Int) -> String {
        "Agent \(agent) vanished during attempt \(attempt); the run waits for another agent."
    }

    package static func agentsVanished(_ agent: String, times: Int) -> String {
        """
        The run was given up: its agent vanished \(times) times, the last one was \(agent). If the job makes agents \
        die, look at their logs and at the memory it takes; otherwise start it again.
        """
    }

    package static func handedBack(_ agent: String, attempt: Int) -> String {
        "Agent \(agent) was shut down during attempt \(attempt); the run waits for another agent."
    }

    package static func abortedBy(_ name: String) -> String { "Aborted by \(name)." }

    // MARK: Why a request was refused

    package static func unknownJob(_ request: RunRequested) -> String {
        let place = request.refs.map { " of \($0.repository)" + ($0.baseRef.map { ", branch \($0)" } ?? "") } ?? ""
        return """
            There is no \(request.kind.rawValue) '\(request.job)'\(place) in the current configuration; 'slipway jobs' \
            lists what there is.
            """
    }

    package static let requestPastDeadline = "The request arrived after its own deadline."

    package static func refsMissing(_ request: RunRequested) -> String {
        "A \(request.kind.rawValue) needs refs: the repository, its base, and for a presubmit or batch its pull requests."
    }

    /// What a run says of itself until its lease is granted; empty where it needs none.
    package static func awaitsLease(_ items: [LeaseItem]) -> String {
        guard !items.isEmpty else { return "" }
        let wants = items.map { ($0.count > 1 ? "\($0.count) " : "") + $0.types.joined(separator: " or ") }
        return "Waits for a lease of \(wants.joined(separator: " and "))."
    }

    // MARK: Commands and pages

    /// Who did it, where a job lets anyone run it and nobody is signed in.
    package static let anybody = "somebody who is not signed in"

    package static func noSuchRun(_ text: String) -> String {
        "There is no run '\(text.prefix(80))'; a run is named by its id or by the build id of its current attempt."
    }

    static let abortIsPosted = "/abort changes a run, so it is posted: curl -X POST '/abort?run=<run id>'."

    static func noSuchVersion(_ version: Int64, current: Int64) -> String {
        "There is no version \(version) of the configuration; the newest is \(current). 'slipway config history' lists them."
    }

    static func noLongerConfigured(_ job: String) -> String {
        "The job '\(job)' is not configured any more for what this run tested. mode=original repeats the run as it was."
    }

    package static func alreadyFinished(_ run: RunID, _ state: RunState) -> String {
        "Run \(run) has ended (\(state.rawValue)), so there is nothing to abort."
    }

    // MARK: Who may

    static func noOrganisation(_ job: String) -> String {
        "The run of \(job) belongs to no organization, so a login by the forge is not enough; use a token with the scope "
            + "'runs:write'."
    }

    static func membershipUnknown(_ login: String) -> String {
        "The forge could not be asked what \(login) is a member of; try again in a while."
    }

    static func notAMember(_ login: String, _ org: String) -> String {
        "\(login) is not a member of \(org), and only its members and whom a job's rerun_auth_config "
            + "names may rerun and abort its runs; ask one of them."
    }
}
