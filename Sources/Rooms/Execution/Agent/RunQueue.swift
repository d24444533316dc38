package import SlipwayModel

/// Where an agent takes dispatched attempts from: its cluster's queue at the broker.
package protocol RunQueue: Sendable {
    /// Waits for at least one message. Empty when the task is cancelled or the queue was closed.
    func next(maximum: Int) async throws -> [QueuedRun]

    /// Takes at most `count` messages that are not acknowledged; 0 leaves all to other agents.
    func setRoom(_ count: Int) async

    /// The messages did their work: they need not come again.
    func acknowledge(_ runs: [QueuedRun]) async

    /// Takes no more; what was not acknowledged goes back.
    func close() async
}

/// A dispatched attempt and what acknowledges it.
package struct QueuedRun: Hashable, Sendable {
    package let dispatched: RunDispatched
    /// The queue's own number for the message.
    package let receipt: UInt64

    package init(dispatched: RunDispatched, receipt: UInt64) {
        self.dispatched = dispatched
        self.receipt = receipt
    }

    package static func == (left: QueuedRun, right: QueuedRun) -> Bool { left.receipt == right.receipt }
    package func hash(into hasher: inout Hasher) { hasher.combine(receipt) }
}
