package import FoundationEssentials
package import SlipwayModel

/// The way an agent executes attempts: as processes of its machine now, as pods of a cluster later.
package protocol RunExecutor: Sendable {
    /// Cleans up after an agent that died. Answers the attempts that were executed to their end, and perhaps not
    /// completed: each is completed like one just executed.
    func recover() async -> [ExecutedRun]

    /// Executes an attempt and stores all of it, except what only the completer may write. Does not throw: whatever goes
    /// wrong is the outcome.
    func execute(_ run: ClaimedRun, agent: String, control: RunControl) async -> ExecutedRun

    /// Ends the attempt after the ledger's word.
    /// - Parameter isAccepted: publishes `finished.json` and the newest build's number; else publishes nothing.
    func conclude(_ executed: ExecutedRun, isAccepted: Bool) async
}

/// An attempt that was executed and waits for its completion.
package struct ExecutedRun: Sendable, Codable {
    package var run: ClaimedRun
    package var outcome: RunOutcome
    /// The agent that claimed it.
    package var agent: String
    package var finishedAt: Date
    /// The commit that was tested, pull requests merged.
    package var finalSHA: String?

    package init(run: ClaimedRun, outcome: RunOutcome, agent: String, finishedAt: Date, finalSHA: String? = nil) {
        self.run = run
        self.outcome = outcome
        self.agent = agent
        self.finishedAt = finishedAt
        self.finalSHA = finalSHA
    }
}

/// Succeeds at once and stores nothing: measures everything but the work.
package struct NoOpExecutor: RunExecutor {
    private let duration: Duration

    /// - Parameter duration: how long each run pretends to take.
    package init(duration: Duration = .zero) { self.duration = duration }

    package func recover() async -> [ExecutedRun] { [] }

    package func execute(_ run: ClaimedRun, agent: String, control: RunControl) async -> ExecutedRun {
        if duration > .zero { try? await Task.sleep(for: duration) }
        return ExecutedRun(
            run: run, outcome: RunOutcome(state: .success, message: "Nothing was run."), agent: agent,
            finishedAt: Date())
    }

    package func conclude(_ executed: ExecutedRun, isAccepted: Bool) async {}
}
