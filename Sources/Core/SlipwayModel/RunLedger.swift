/// Where agents claim, keep and complete attempts. Execution calls it, Scheduling implements it, the shell wires both.
///
/// Every method may be called again after a failure of the connection: each is idempotent for the same agent and
/// attempt. An error means "not known, try again"; a refusal is a value.
package protocol RunLedger: Sendable {
    /// Tells that `agent` takes part in `cluster` with room for `capacity` runs at once. Repeated every few seconds; an
    /// agent that falls silent no longer counts, one that says 0 leaves at once.
    func announce(agent: String, cluster: String, capacity: Int) async throws

    /// Claims dispatched attempts, in the order of priority and age. Those that were aborted, superseded or claimed by another agent meanwhile are
    /// absent from the answer. An attempt this agent claimed before and never finished is answered again.
    ///
    /// - Parameter room: how many it claims at most; the rest is left to whoever has room.
    func claim(_ builds: [BuildID], agent: String, atMost room: Int) async throws -> Claims

    /// Renews the claims of all of the agent's attempts in one call and says for each what to do. Whatever is absent
    /// from the answer counts as `.lost`.
    func heartbeat(_ builds: [BuildID], agent: String) async throws -> [BuildID: HeartbeatVerdict]

    /// One sentence on what an attempt is doing right now. An attempt that is no longer the agent's is left alone.
    func setDescription(_ text: String, of build: BuildID, agent: String) async throws

    /// Completes an attempt, fenced: false when it is no longer the agent's (the reaper gave it away), so that nothing
    /// of it may be published. True again when called again for an attempt that this agent already finished: an agent
    /// may lose the answer, or be killed before it wrote `finished.json`.
    func finish(_ run: ClaimedRun, outcome: RunOutcome, agent: String) async throws -> Bool

    /// Gives attempts back unfinished (the agent is shutting down): their runs wait again under a new build id,
    /// at once instead of after the claim's expiry.
    func handBack(_ builds: [BuildID], agent: String) async throws
}

/// What the ledger answers to an agent that claims attempts.
package struct Claims: Sendable {
    /// The agent's from now on.
    package var runs: [ClaimedRun]
    /// Those that are nobody's yet, for want of room.
    package var left: Set<BuildID>

    package init(runs: [ClaimedRun], left: Set<BuildID> = []) {
        self.runs = runs
        self.left = left
    }
}

/// What the ledger answers to the heartbeat of one attempt.
package enum HeartbeatVerdict: Hashable, Sendable, Codable {
    /// Go on.
    case keep
    /// The run was aborted: stop the job and finish the attempt as `aborted`, with this reason.
    case cancel(reason: String)
    /// The attempt is no longer this agent's: stop the job and publish nothing.
    case lost
}
