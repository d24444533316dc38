package import SlipwayModel

/// Where an agent takes dispatched attempts from: its cluster's queue at the broker.
package protocol RunQueue: Sendable {
    /// Waits for at least one message, and returns no more than fit about `maximum` runs. Empty when the task is cancelled
    /// or the queue was closed.
    func next(maximum: Int) async throws -> [QueuedRuns]

    /// Takes no more than fits about `count` runs while messages are not acknowledged; 0 leaves all to other agents.
    func setRoom(_ count: Int) async

    /// The messages did their work: they need not come again.
    func acknowledge(_ messages: [QueuedRuns]) async

    /// The messages go back, for whoever has room.
    func giveBack(_ messages: [QueuedRuns]) async

    /// Takes no more; what was not acknowledged goes back.
    func close() async
}

/// A message: attempts that were dispatched together, and what acknowledges it.
package struct QueuedRuns: Sendable {
    package let builds: [BuildID]
    /// The queue's own number for the message.
    package let receipt: UInt64

    package init(builds: [BuildID], receipt: UInt64) {
        self.builds = builds
        self.receipt = receipt
    }
}
