package import JobConfig
package import SlipwayModel

/// Which presubmits the commands of one comment start. Pure; Prow's filters, united over all commands of the comment.
///
/// | command | jobs | forced past change rules |
/// |---|---|---|
/// | whatever a job's trigger matches, `/test X` | that job | yes (the branch still counts) |
/// | `/test all`, `/ok-to-test` | automatic ones | no |
/// | `/retest` | failed or errored contexts; automatic ones without a context | the failed ones |
/// | `/retest-required` | the same, optional ones left out | the failed ones |
/// | `/test-manual-required` | required ones that nothing starts by itself | yes |
/// | `/test`, `/test ?`, an unknown name, `/retest` with a name, `/test all` where nothing would start | none; a comment lists what can run | |
package struct CommandDecision: Sendable {
    package var choices: [JobChoice] = []
    /// Names asked for that no job answers to on this branch.
    package var unknownTargets: [String] = []
    /// Somebody asked what can run.
    package var asksForHelp = false
    /// What was misunderstood.
    package var mistakes: Set<Mistake> = []

    package enum Mistake: Sendable {
        case testWithoutTarget, retestWithTarget, nothingRunsByItself
    }

    package var needsHelp: Bool { asksForHelp || !unknownTargets.isEmpty || !mistakes.isEmpty }

    /// Whether any command is for this room.
    package static func concerns(_ issued: CommandIssued, jobs: [ConfiguredJob]) -> Bool {
        let known: Set = ["test", "ok-to-test", "retest", "retest-required", "test-manual-required"]
        return issued.commands.contains { known.contains($0.name) } || jobs.contains { $0.isTriggered(by: issued.body) }
    }

    /// Whether the changed files may decide.
    package static func needsChangedFiles(_ issued: CommandIssued, jobs: [ConfiguredJob], branch: String) -> Bool {
        let request = Request(issued)
        return (request.all || request.retest || request.retestRequired)
            && jobs.contains { $0.needsChangedFiles(branch: branch) }
    }

    /// Whether the states of the head's contexts decide.
    package static func needsContexts(_ issued: CommandIssued) -> Bool {
        let request = Request(issued)
        return request.retest || request.retestRequired
    }

    /// - Parameters:
    ///   - jobs: the repository's presubmits.
    ///   - contexts: the latest state of each context on the pull request's head.
    package init(
        _ issued: CommandIssued, jobs: [ConfiguredJob], branch: String, contexts: [String: RunState],
        changedFiles: () throws -> [String]
    ) rethrows {
        let request = Request(issued)
        for index in jobs.indices {
            guard let (forced, runsByDefault) = request.selects(jobs[index], body: issued.body, contexts: contexts)
            else { continue }
            let decision = try jobs[index].decision(
                branch: branch, changedFiles: changedFiles, forced: forced, runsByDefault: runsByDefault)
            if decision.runs { choices.append(JobChoice(jobs, at: index, decision)) }
        }
        asksForHelp = request.asksForHelp
        mistakes = request.mistakes
        if request.testsAll, choices.isEmpty { mistakes.insert(.nothingRunsByItself) }
        let ofBranch = jobs.filter { $0.runsAgainst(branch: branch) }
        unknownTargets = request.testLines.flatMap { Self.unknownWords(of: $0, jobs: ofBranch) }
    }

    /// The words of one `/test` line that name no job. A trigger over several words makes all of them known.
    private static func unknownWords(of words: [String], jobs: [ConfiguredJob]) -> [String] {
        let line = "/test " + words.joined(separator: " ")
        let unknown = words.filter { word in !jobs.contains { $0.isTriggered(by: "/test \(word)") } }
        guard !unknown.isEmpty else { return [] }
        let spansWords = jobs.contains { job in
            job.isTriggered(by: line) && !words.contains { job.isTriggered(by: "/test \($0)") }
        }
        return spansWords ? [] : unknown
    }

    /// The commands of one comment, united.
    private struct Request {
        var all = false
        /// `all` was said by `/test`.
        var testsAll = false
        var retest = false
        var retestRequired = false
        var manualRequired = false
        var asksForHelp = false
        var mistakes: Set<Mistake> = []
        /// Per `/test` line the words that are not `?`, and not `all` in front.
        var testLines: [[String]] = []

        init(_ issued: CommandIssued) {
            for command in issued.commands {
                switch command.name {
                // A name behind it is no less a mistake than a misspelt one: nobody knows what was meant.
                case "retest" where !command.arguments.isEmpty, "retest-required" where !command.arguments.isEmpty:
                    mistakes.insert(.retestWithTarget)
                case "retest": retest = true
                case "retest-required": retestRequired = true
                // With an argument it takes the label away, and starts nothing.
                case "ok-to-test" where command.arguments.isEmpty: all = true
                case "test-manual-required": manualRequired = true
                case "test":
                    var words = command.arguments.split(whereSeparator: \.isWhitespace).map { word in
                        String(word.hasSuffix(",") ? word.dropLast() : word)
                    }
                    if words.isEmpty { mistakes.insert(.testWithoutTarget) }
                    // Behind another word it would be the name of a job, as in Prow.
                    if words.first == "all" {
                        (all, testsAll) = (true, true)
                        words.removeFirst()
                    }
                    if words.contains("?") { asksForHelp = true }
                    words.removeAll { $0 == "?" || $0.isEmpty }
                    if !words.isEmpty { testLines.append(words) }
                default: break
                }
            }
        }

        /// Nil where nothing of the comment means the job.
        func selects(
            _ job: ConfiguredJob, body: String, contexts: [String: RunState]
        ) -> (forced: Bool, runsByDefault: Bool)? {
            if job.isTriggered(by: body) { return (true, true) }
            if manualRequired, job.job.isRequired, !job.isAutomatic { return (true, true) }
            if retest || retestRequired && !job.job.optional {
                switch contexts[job.reportedContext] {
                case .failure, .error, .aborted: return (false, true)
                case nil where job.isAutomatic: return (false, false)
                default: break
                }
            }
            return all && job.isAutomatic ? (false, false) : nil
        }
    }
}
