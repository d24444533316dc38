package import FoundationEssentials
package import SlipwayModel
import Web

/// Every sentence that the pages say.
package enum ResultsText {
    /// A state in one word.
    package static func label(_ state: RunState) -> String {
        switch state {
        case .waiting: "Waiting"
        case .dispatched: "Queued"
        case .running: "Running"
        case .success: "Passed"
        case .failure: "Failed"
        case .aborted: "Aborted"
        case .error: "Error"
        }
    }

    static func label(_ outcome: TestOutcome) -> String {
        switch outcome {
        case .passed: "Passed"
        case .failed: "Failed"
        case .flaky: "Flaky"
        case .skipped: "Skipped"
        }
    }

    static func label(_ choice: RunFilter.StateChoice) -> String {
        switch choice {
        case .unfinished: "Not finished"
        case .failed: "Failed or error"
        default: choice.states.first.map(label) ?? choice.rawValue
        }
    }

    /// What a state means for this run, and what happens next.
    package static func sentence(_ run: RunDetail, now: Date) -> String {
        let summary = run.summary
        let what =
            switch summary.state {
            case .waiting:
                "Waits for room in cluster \(summary.cluster), since \(HumanTime.duration(now.timeIntervalSince(summary.requestedAt)))."
            case .dispatched: "Is in the queue of cluster \(summary.cluster); the next free agent takes it."
            case .running:
                "Runs on \(run.agent ?? "an agent") for \(HumanTime.duration(now.timeIntervalSince(summary.startedAt ?? now)))."
            case .success: "Passed\(took(summary))."
            case .failure: "Failed\(took(summary))\(run.exitCode.map { " with exit code \($0)" } ?? "")."
            case .aborted:
                "Aborted\(run.cancelledBy.map { " by \($0)" } ?? "")\(run.cancelReason.map { ": \($0)" } ?? "")."
            case .error: "Could not be run to an end; the job itself is not to blame."
            }
        return what
    }

    /// Why a pull request has no run for its newest commit.
    static func nothingStarted(_ pull: PullRow?) -> String {
        guard let pull, pull.isOpen else { return "No run for the newest commit." }
        if pull.mergeable == false {
            return """
                It conflicts with \(pull.baseRef), so nothing was started. Once it is rebased and pushed its tests start.
                """
        }
        if pull.isDraft { return "It is a draft, so nothing was started. Tests start once it is ready for review." }
        return "No run for the newest commit. Either no job applies to its changes, or its author is not trusted yet."
    }

    private static func took(_ run: RunSummary) -> String {
        guard let start = run.startedAt, let end = run.finishedAt else { return "" }
        return " after \(HumanTime.duration(end.timeIntervalSince(start)))"
    }

    static func origin(_ origin: RunOrigin) -> String {
        switch origin {
        case .trigger: "by a change"
        case .command: "by a comment"
        case .periodic: "by its schedule"
        case .merging: "by the merge train"
        case .rehearsal: "as a rehearsal"
        case .aggregate: "as a part of an aggregate"
        case .rerun: "as a rerun"
        }
    }

    static func kind(_ kind: JobKind) -> String { kind.rawValue }

    // MARK: Nothing to show

    static let noRuns =
        "No run yet. Open a pull request in a configured repository, or wait for a periodic job: its run shows here within "
        + "a second."
    static let noRunsMatch = "No run matches these filters. Take one away, or look at all runs."
    static let nothingRunning = "Nothing runs right now. What starts next shows here by itself."
    static let nothingFailed = "Nothing failed lately."
    static let noJobs =
        "No job is configured. 'slipway config apply DIR' puts a folder of Prow job files into force."
    static let noJobsMatch = "No configured job has that in its name."
    static let noPulls = "No open pull request is known. One shows here as soon as its first webhook arrives."
    static let noLogYet = "No line yet. The log appears here as the job writes it."
    static let noLog = "This attempt left no log."
    static let noTests =
        "No test results. A job that writes JUnit files (junit*.xml) to its $ARTIFACTS folder has its tests listed here."
    static let noTestsYet = "Test results are read when the run has ended."
    static let noAgents = "No agent serves this cluster, so its runs wait. Start one: slipway agent"
    static let noMembers = "No gateway and no worker has announced itself."

    /// What a worker does now, from what its process told of it.
    static func handler(_ name: String, _ told: JSONValue) -> String {
        guard case .object(let fields) = told else { return name }
        var handling: [String] = []
        if case .object(let types)? = fields["handling"] {
            handling = types.sorted { $0.key < $1.key }.map { type, count in
                if case .integer(let count) = count, count > 1 { "\(count) of \(type)" } else { type }
            }
        }
        guard handling.isEmpty else { return "\(name) handles \(handling.joined(separator: ", "))" }
        guard let last = fields["last"]?.stringValue, case .integer(let handled)? = fields["handled"] else {
            return "\(name) waits"
        }
        return "\(name) waits; \(handled) handled, the last a \(last)"
    }

    static func executes(_ jobs: [String], of capacity: Int) -> String {
        guard !jobs.isEmpty else { return "executes nothing" }
        let shown = jobs.prefix(5).joined(separator: ", ") + (jobs.count > 5 ? ", …" : "")
        return "executes \(jobs.count) of \(capacity): \(shown)"
    }

    static let noDeadLetters = "No message was given up. What a worker cannot handle after its last try is kept here."
    static let searchHint = "Type a part of a job's or repository's name, words of a pull request's title, or an id."
    static let noChanges = "No change"
    static let badJobHistory =
        "Name the job: /job-history/<provider>/<bucket>/logs/<job>, or …/pr-logs/directory/<job> for a presubmit."

    static func deadLetters(_ count: Int) -> String {
        switch count {
        case 0: "No dead letters"
        case 1: "1 dead letter"
        default: "\(count) dead letters"
        }
    }

    static func nothingFound(_ text: String) -> String {
        "No job, repository, open pull request or run matches '\(text)'."
    }

    static func noPullsOf(_ author: String) -> String { "No open pull request of '\(author)' is known here." }

    static func firstChanges(_ found: String) -> String { "The first of many: \(found)" }

    static func moreChanges(_ shown: Int) -> String {
        "More than \(shown) definitions differ; 'slipway config diff' lists them all."
    }

    static func noRepositoryName(_ text: String) -> String { "'\(text)' is not a repository; write org/repo." }

    static func noPresubmits(_ repository: RepositoryName) -> String {
        "No presubmit is configured for \(repository). Its name is compared as it is written."
    }

    static let failedWithoutTest =
        "No test failed, yet the job did: look at the end of its log. A crash can keep a test from being reported."

    static func noSuchRun(_ text: String) -> String {
        "There is no run '\(text)'. Runs are named by a UUID; /runs lists them."
    }

    static func repositories(of org: String) -> String { "Repositories of \(org) with jobs" }

    static func noJobsOf(_ name: String) -> String {
        "No job is configured for '\(name)'. /configured-jobs lists the repositories that have some."
    }

    static func noLongerConfigured(_ job: String) -> String {
        "The job '\(job)' is not configured any more for what this run tested; without 'mode=latest' its own definition "
            + "is taken."
    }

    static func noSuchVersion(_ version: Int64) -> String {
        "There is no version \(version) of the configuration; /config lists those that were in force."
    }

    static func noSuchDeadLetter(_ id: Int64) -> String {
        "There is no dead letter \(id). It may have been replayed or discarded already; /dead-letters lists the others."
    }

    static func noSuchLog(_ job: String, _ build: String) -> String {
        "There is no log of a build \(build) of job '\(job)'."
    }

    static func noSuchView(_ path: String) -> String {
        "No run has its artifacts at '\(path)'; the path of a run's folder ends with its build id."
    }

    static func noSuchBuild(_ build: BuildID) -> String { "This run has no attempt with build id \(build)." }

    static func noSuchJob(_ job: String) -> String {
        "There is no job '\(job)' in the current configuration, and it never ran. /jobs lists what there is."
    }

    static func noSuchPull(_ repository: RepositoryName, _ number: Int) -> String {
        "Pull request \(repository)#\(number) is not known here. Either its repository sends no webhooks to Slipway, or "
            + "nothing has happened on it yet."
    }

    static func noSuchArtifact(_ path: String) -> String {
        "There is no artifact '\(path)'. It may not be uploaded yet, or it has been deleted."
    }
}
