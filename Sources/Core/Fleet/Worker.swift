/// Consumes messages. A worker thinks outside any transaction and acts inside one, together with the inbox, so that
/// handling a message twice has the effect of handling it once.
package protocol Worker: Sendable {
    /// Names the queue (`slipway.<name>`) and, on the command line, the worker.
    var name: String { get }
    /// Types of events that reach the queue.
    var topics: [String] { get }
    /// Decides what a batch means. May read, call the network and take its time; may see a message again.
    ///
    /// - Returns: the effects, run in one transaction with the inbox rows of the batch, possibly more than once.
    /// - Throws: `PermanentFailure`, `RetryLater`, or anything else for a retry with backoff. A batch that throws is
    ///   halved until the message at fault stands alone.
    func plan(_ messages: [Message]) async throws -> CommitPlan
}

/// The effects of a batch. No network call in here: row locks are held.
package typealias CommitPlan = @Sendable (Effects) async throws -> Void
