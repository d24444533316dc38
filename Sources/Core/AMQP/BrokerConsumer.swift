package import Logging
import SocketLoop

/// Takes messages from one queue over a connection of its own. Connects at first use, reconnects with jittered pauses,
/// declares its topology each time, and again when the queue is deleted under it.
package actor BrokerConsumer: LinkOwner {
    /// Where the consumer stands.
    package enum State: Sendable, Hashable {
        case idle, connecting, consuming, stopped, closed
        /// The last attempt failed for the reason given; another follows.
        case waiting(String)
    }

    private struct Waiter {
        let id: Int
        let maximum: Int
        let linger: Duration
        let answer: CheckedContinuation<Result<[Delivery], BrokerError>, Never>
        var lingering: SocketLoop.Deadline?
        var isDue = false
    }

    nonisolated let settings: LinkSettings
    var keeper = LinkKeeper()
    package private(set) var state = State.idle

    private let topology: Topology
    private let queue: String
    private var prefetch: Int
    /// The prefetch of the subscription as it is at the broker.
    private var subscribedPrefetch = 0
    /// Names the subscription; another one after each change.
    private var subscription = 0
    private var epoch = 0
    /// Whether a queue that does not answer may be deleted and declared anew.
    private let recreates: Bool
    /// Attempts in a row at which the queue did not answer.
    private var unanswered = 0
    /// Arrived and not handed out.
    private var ready: [Delivery] = []
    private var unacknowledged = UnacknowledgedTags()
    private var waiters: [Waiter] = []
    private var lastWaiter = 0
    /// When the last delivery came, or the queue was looked at for want of one.
    private var heardAt = ContinuousClock.now
    /// Whether the queue held messages at the last look.
    private var isSuspect = false
    /// How long no delivery comes until the queue is looked at.
    private static let silence = Duration.seconds(10)

    package nonisolated var unownedExecutor: UnownedSerialExecutor { settings.loop.asUnownedSerialExecutor() }

    /// `prefetch` (0 to 65535) bounds the unacknowledged deliveries. `name` is what the broker's own tools show.
    ///
    /// `recreates`: the queue's messages exist elsewhere as well, so a queue that does not answer three times (a quorum
    /// queue that lost its state with its node, say) is deleted and declared anew. A cluster without a majority refuses
    /// the deletion.
    package init(
        address: BrokerAddress, topology: Topology, queue: String, prefetch: Int, recreates: Bool = false,
        logger: Logger, name: String
    ) {
        settings = LinkSettings(address: address, name: name, logger: logger)
        self.topology = topology
        self.queue = queue
        self.prefetch = prefetch
        self.recreates = recreates
    }

    deinit { settings.loop.shutdown() }

    /// Waits for at least one delivery and returns what is ready, at most `maximum`; with `linger` it waits that much
    /// longer for a fuller batch. Empty only when the task is cancelled or the consumer stopped. Throws what only an
    /// operator can change (`BrokerError.isPermanent`); the next call tries again.
    package func next(maximum: Int, linger: Duration = .zero) async throws(BrokerError) -> [Delivery] {
        guard !Task.isCancelled, state != .stopped, state != .closed else { return [] }
        connect()
        lastWaiter += 1
        let id = lastWaiter
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { answer in
                waiters.append(Waiter(id: id, maximum: max(1, maximum), linger: linger, answer: answer))
                handOut()
            }
        } onCancel: {
            Task { await self.abandon(id) }
        }
        return try result.get()
    }

    /// Acknowledges; deliveries of an earlier connection are ignored (the broker delivers them again by itself).
    package func ack(_ deliveries: [Delivery]) async {
        settle(deliveries) { link, tag, multiple throws(BrokerError) in
            try link.acknowledge(tag, multiple: multiple)
        }
    }

    /// Hands back: to the queue, or to nowhere (its dead-letter exchange, if any) without `requeue`.
    package func nack(_ deliveries: [Delivery], requeue: Bool) async {
        settle(deliveries) { link, tag, multiple throws(BrokerError) in
            try link.handBack(tag, multiple: multiple, requeue: requeue)
        }
    }

    /// Bounds the unacknowledged deliveries anew. 0 takes nothing until it is raised: what was not handed out goes back
    /// to the queue, for other consumers.
    package func setPrefetch(_ prefetch: Int) async {
        guard prefetch != self.prefetch else { return }
        self.prefetch = prefetch
        guard state == .consuming else { return }
        renewSubscription()
        guard prefetch == 0 else { return }
        let unhandled = ready
        ready = []
        await nack(unhandled, requeue: true)
    }

    /// Ends the subscription. What was handed out can still be acknowledged; what was not goes back to the queue.
    package func stopConsuming() async {
        guard state != .stopped, state != .closed else { return }
        let wasConsuming = state == .consuming
        state = .stopped
        if wasConsuming {
            if subscribedPrefetch > 0 {
                try? perform { link throws(BrokerError) in try link.cancel(tag: subscriptionTag) }
            }
            let unhandled = ready
            ready = []
            await nack(unhandled, requeue: true)
        } else {
            closeLink()
        }
        answerAll(.success([]))
    }

    /// Stops, then ends the connection; the broker requeues what is still unacknowledged.
    package func close() async {
        await stopConsuming()
        state = .closed
        closeLink()
    }

    // MARK: The link

    func preparation() -> @Sendable (Link) throws(BrokerError) -> Void {
        subscription += 1
        subscribedPrefetch = prefetch
        let isBroken = recreates && unanswered >= 3
        if isBroken {
            settings.logger.error(
                "queue '\(queue)' did not answer \(unanswered) times; it is deleted and declared anew")
        }
        return { [topology, queue, prefetch, subscriptionTag] link throws(BrokerError) in
            if isBroken { _ = try link.deleteQueue(queue) }
            try link.declare(topology)
            // The protocol reads 0 as unlimited.
            guard prefetch > 0 else { return }
            try link.limitDeliveries(to: prefetch)
            try link.consume(queue, tag: subscriptionTag)
        }
    }

    func linkOpened() {
        epoch += 1
        unanswered = 0
        (heardAt, isSuspect) = (.now, false)
        state = .consuming
        // It may have been changed while the link was made.
        if subscribedPrefetch != prefetch { renewSubscription() }
    }

    func received(_ event: LinkEvent) -> BrokerError? {
        switch event {
        case .delivered(let message):
            unacknowledged.append(message.tag)
            (heardAt, isSuspect) = (.now, false)
            var headers = message.headers
            let count = headers.removeValue(forKey: "x-delivery-count").flatMap { Int($0) }
            ready.append(
                Delivery(
                    tag: message.tag, epoch: epoch, queue: queue, exchange: message.exchange,
                    routingKey: message.routingKey, messageID: message.messageID, type: message.type,
                    body: message.body, headers: headers, redelivered: message.redelivered, deliveryCount: count ?? 0))
        case .cancelled(let consumerTag) where consumerTag == subscriptionTag:
            return .connectionLost(endpoint: settings.address.endpoint, reason: "queue '\(queue)' was deleted")
        default: break
        }
        return nil
    }

    func receivedAll() {
        handOut()
        lookForForgottenSubscription()
    }

    func socketBecameWritable() {}

    func linkLost(_ error: BrokerError) {
        ready = []
        unacknowledged = UnacknowledgedTags()
        switch state {
        case .consuming: state = .connecting
        // Nothing is left to acknowledge.
        case .stopped: closeLink()
        case .idle, .connecting, .waiting, .closed: break
        }
    }

    func attemptFailed(_ error: BrokerError) {
        state = .waiting("\(error)")
        if case .queueUnavailable = error { unanswered += 1 }
        if error.isPermanent { answerAll(.failure(error)) }
    }

    private var subscriptionTag: String { "\(settings.name) \(subscription)" }

    private func connect() {
        guard keeper.link == nil else { return }
        if state == .idle || keeper.failure?.isPermanent == true { state = .connecting }
        ensureLink()
    }

    /// RabbitMQ applies a prefetch to subscriptions made after it.
    private func renewSubscription() {
        let wasSubscribed = subscribedPrefetch > 0
        subscribedPrefetch = prefetch
        try? perform { link throws(BrokerError) in
            if wasSubscribed { try link.cancel(tag: subscriptionTag) }
            guard prefetch > 0 else { return }
            subscription += 1
            try link.limitDeliveries(to: prefetch)
            try link.consume(queue, tag: subscriptionTag)
        }
    }

    /// A quorum queue can forget a consumer that it still lists: it holds messages, the consumer has room, and nothing
    /// comes until somebody subscribes anew. Seen with RabbitMQ 3.10 after nodes and consumers were killed. Each heartbeat
    /// leads here, so a queue that is worked off costs nothing and a silent one a question now and then.
    private func lookForForgottenSubscription() {
        guard state == .consuming, subscribedPrefetch > 0, ready.isEmpty, unacknowledged.count == 0,
            .now - heardAt >= Self.silence
        else { return }
        heardAt = .now
        var waiting = 0
        try? perform { link throws(BrokerError) in waiting = try link.depth(of: queue).ready }
        // What came with the answer was taken in by now.
        guard keeper.link != nil, ready.isEmpty, unacknowledged.count == 0, waiting > 0 else {
            isSuspect = false
            return
        }
        guard isSuspect else {
            isSuspect = true
            return
        }
        lose(
            .connectionLost(
                endpoint: settings.address.endpoint,
                reason: "queue '\(queue)' holds \(waiting) messages and delivers none"))
    }

    // MARK: Batches

    private func handOut() {
        while var waiter = waiters.first, !ready.isEmpty {
            // No more will come: the batch is full, or the broker waits for acknowledgements.
            let isFull = ready.count >= waiter.maximum || unacknowledged.count >= prefetch
            guard isFull || waiter.isDue || waiter.linger <= .zero else {
                if waiter.lingering == nil {
                    waiter.lingering = settings.loop.schedule(after: waiter.linger) { [weak self, id = waiter.id] in
                        self?.assumeIsolated { $0.lingered(id) }
                    }
                    waiters[0] = waiter
                }
                return
            }
            waiters.removeFirst()
            waiter.lingering?.cancel()
            let batch = ready.prefix(waiter.maximum)
            ready.removeFirst(batch.count)
            waiter.answer.resume(returning: .success(Array(batch)))
        }
    }

    private func lingered(_ id: Int) {
        guard let index = waiters.firstIndex(where: { $0.id == id }) else { return }
        waiters[index].isDue = true
        handOut()
    }

    private func abandon(_ id: Int) {
        guard let index = waiters.firstIndex(where: { $0.id == id }) else { return }
        let waiter = waiters.remove(at: index)
        waiter.lingering?.cancel()
        waiter.answer.resume(returning: .success([]))
    }

    private func answerAll(_ result: Result<[Delivery], BrokerError>) {
        let waiting = waiters
        waiters = []
        for waiter in waiting {
            waiter.lingering?.cancel()
            waiter.answer.resume(returning: result)
        }
    }

    private func settle(
        _ deliveries: [Delivery], _ send: (Link, UInt64, _ multiple: Bool) throws(BrokerError) -> Void
    ) {
        guard keeper.link != nil else { return }
        let tags = Set(deliveries.lazy.filter { [epoch] in $0.epoch == epoch }.map(\.tag))
        let steps = unacknowledged.settle(tags)
        guard !steps.isEmpty else { return }
        try? perform { link throws(BrokerError) in
            for step in steps { try send(link, step.tag, step.multiple) }
        }
    }
}
