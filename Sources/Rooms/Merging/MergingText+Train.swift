import FoundationEssentials
import JobConfig
import SlipwayModel

/// What is said of trains: in the history, in commits, in comments.
extension MergingText {
    /// Lines of a failure that a comment shows.
    static let linesOfFailure = 20
    /// Characters of one of them.
    private static let lineLength = 200

    static func shortened(_ line: String) -> String { String(line.prefix(lineLength)) }

    static func ejectedObstacle(_ reason: String) -> MergeObstacle {
        MergeObstacle(
            rule: "It was put out of the merge train. \(reason)",
            remedy: "The author pushes a commit that mends it, or somebody comments `/retest` for another try.")
    }

    static func unknownPull(_ number: Int) -> String { "Pull request #\(number) is not open against this branch." }
    static func tooManyCommits(_ limit: Int) -> String {
        "It has more than \(limit) commits, which are too many to be rebased one by one; squash them, or use another method."
    }
    static func headGone(_ head: String) -> String {
        "Its commit \(head.prefix(12)) is not at the forge any more; push its branch again."
    }
    static func templateFailed(_ number: Int, _ problem: String) -> String {
        "#\(number): the configuration's merge_commit_template fails on it (\(problem)), so the forge's own words are used."
    }
    static let passedTogether = "Job succeeded together with others in the merge train."
    static let emptyTrial = "There was nothing to merge."
    static let nothingIsMerged = "The configuration does not have anything merged in this repository any more."
    static let nobodyWaits = "The merge train does not wait for this run any more."
    static let builtOtherwise = "The members could not be merged as they were tested."

    static func branchGone(_ branch: String) -> String {
        "The branch '\(branch)' does not exist: nothing can be merged into it. Change the base of its pull requests."
    }

    static let changedBeforeLanding = "it changed after it was tested."

    static func noPush(_ branch: String, _ reason: String) -> String {
        "The forge takes no push to '\(branch)', so pull requests are merged by its API, one after the other: \(reason)"
    }

    static func jobChanged(_ job: String) -> String {
        "The configuration of \(job) changed after the run was asked for."
    }

    static func otherTree(_ job: String, wanted: String, tested: String?) -> String {
        "\(job) tested \(tested.map { "the tree \($0.prefix(12))" } ?? "nothing") instead of \(wanted.prefix(12))."
    }

    static func problem(_ error: any Error) -> String { "\("\(error)".prefix(500))" }

    // MARK: Commits

    static func commitMessage(_ pull: MergeCandidate, _ method: MergeMethod, _ template: TideMergeTemplate?) -> String {
        let words = mergeWords(pull, method, template)
        let title = words.title ?? defaultTitle(pull, method)
        let body = words.body ?? (method == .merge ? pull.title : pull.body)
        return body.isEmpty ? title + "\n" : "\(title)\n\n\(body)\n"
    }

    /// What the configuration's template says; nil where the forge's own words are wanted.
    static func mergeWords(
        _ pull: MergeCandidate, _ method: MergeMethod, _ template: TideMergeTemplate?
    ) -> (title: String?, body: String?) {
        // A template was tried when the configuration was read; one that fails on this pull request is left out.
        guard let template, let words = try? template.render(pull.templateSubject) else { return (nil, nil) }
        return words
    }

    /// GitHub's words.
    private static func defaultTitle(_ pull: MergeCandidate, _ method: MergeMethod) -> String {
        method == .merge
            ? "Merge pull request #\(pull.number) from \(pull.headRef.contains(":") ? pull.headRef.replacing(":", with: "/") : "\(pull.repository.org)/\(pull.headRef)")"
            : "\(pull.title) (#\(pull.number))"
    }

    // MARK: History

    static func list(_ numbers: [Int]) -> String { numbers.map { "#\($0)" }.joined(separator: ", ") }

    static func triggered(_ trial: Trial) -> String {
        let jobs = trial.runs.map(\.job.name).sorted().joined(separator: ", ")
        return
            "\(list(trial.numbers)) \(trial.numbers.count == 1 ? "is" : "are") tested on \(trial.base.commit.prefix(12)): \(jobs)."
    }

    static func landed(_ numbers: [Int], _ branch: String) -> String {
        "\(list(numbers)) landed on '\(branch)', on the tree that was tested."
    }

    static func failed(_ numbers: [Int], suspects: [Int], _ failures: [TrainFailure]) -> String {
        let jobs = failures.map(\.job).joined(separator: ", ")
        guard numbers.count > 1 else { return "\(jobs) failed on \(list(numbers)) alone." }
        let end =
            switch suspects.count {
            case 0: ""
            case 1: " \(list(suspects)) is suspect and is tested alone."
            default: " \(list(suspects)) are suspect and are tested apart."
            }
        return "\(jobs) failed on \(list(numbers)) together.\(end)"
    }

    /// What Tide's history says of a merge that came to nothing; empty where no merge was tried.
    static func mergeError(_ number: Int, _ ejection: Ejection) -> String {
        guard case .refused(let reason) = ejection else { return "" }
        return "failed merging [\(number)]: \(reason)"
    }

    static func ejected(_ number: Int, _ sentence: String) -> String { "#\(number): \(sentence)" }

    static func overridden(_ failures: [TrainFailure]) -> String {
        "A longer prefix passed, so the failure of \(failures.map(\.job).joined(separator: ", ")) was a flake."
    }

    static func retried(_ failure: TrainFailure) -> String {
        let tests = failure.tests.isEmpty ? failure.job : failure.tests.prefix(3).joined(separator: ", ")
        return "\(tests) failed, which is known to flake: \(failure.job) runs again."
    }

    static func cleared(_ numbers: [Int]) -> String {
        "\(list(numbers)) passed on the base and \(numbers.count == 1 ? "is" : "are") clear."
    }

    static func waitsBehind(_ number: Int, _ files: [String]) -> String {
        let shown = files.prefix(3).joined(separator: ", ") + (files.count > 3 ? " …" : "")
        return
            "#\(number) conflicts with pull requests before it\(files.isEmpty ? "" : " in \(shown)") and waits for them."
    }

    static func left(_ number: Int, _ reason: String?) -> String {
        "#\(number) left the train: " + (reason.map { "\($0)" } ?? "it was closed, or merged by hand.")
    }

    static func rebuilt(_ base: TrainBase) -> String {
        "The branch moved to \(base.commit.prefix(12)): everything is built again on it."
    }

    // MARK: Ejections

    static let commentTag = "<!-- slipway merge train -->"

    /// One sentence, for statuses and pages.
    static func sentence(_ ejection: Ejection) -> String {
        switch ejection {
        case .failedAlone(let failures):
            let jobs = Set(failures.map(\.job)).sorted()
            return "\(jobs.isEmpty ? "Its tests" : jobs.joined(separator: ", ")) failed twice on the newest base."
        case .conflict(let files):
            let shown = files.prefix(3).joined(separator: ", ")
            return "It conflicts with the base\(files.isEmpty ? "." : " in \(shown).")"
        case .unbuildable(let reason): return reason
        case .refused(let reason): return "The forge refused the merge: \(reason)"
        }
    }

    /// The lines of a test's report that tell why it failed.
    static func telling(message: String, output: String) -> [String] {
        let text = output.isEmpty ? message : output
        let lines = text.split(whereSeparator: \.isNewline).map { shortened(String($0)) }
            .filter { !$0.allSatisfy(\.isWhitespace) }
        let marked = lines.filter { line in
            ["error", "fail", "panic", "expected", "assert", "not found"].contains { line.lowercased().contains($0) }
        }
        return Array((marked.isEmpty ? lines : marked).prefix(5))
    }

    /// - Parameter run: the address of a run's page.
    static func ejectionComment(
        _ ejection: Ejection, author: String?, head: String, branch: String, page: String, run: (String) -> String
    ) -> String {
        var parts = [
            "\(author.map { "@\($0): " } ?? "")this pull request was put out of the merge train of `\(branch)` at "
                + "\(head.prefix(12)). \(sentence(ejection))"
        ]
        if case .failedAlone(let failures) = ejection {
            for failure in failures.suffix(3) {
                var lines = ["**\(failure.job)**" + (failure.run.map { " ([run](\(run($0))))" } ?? "")]
                lines += failure.tests.prefix(10).map { "- `\($0.replacing("`", with: "'"))`" }
                if failure.tests.count > 10 { lines.append("- and \(failure.tests.count - 10) more") }
                if !failure.lines.isEmpty {
                    lines += ["", "```"] + failure.lines.map { $0.replacing("```", with: "'''") } + ["```"]
                }
                parts.append(lines.joined(separator: "\n"))
            }
        }
        parts.append(
            "Push a commit that mends it and it enters again by itself; comment `/retest` for another try with the same "
                + "commit. [Why it does not merge](\(page))")
        parts.append(commentTag)
        return parts.joined(separator: "\n\n")
    }
}
