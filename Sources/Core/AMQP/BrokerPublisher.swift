package import Logging
import SocketLoop

/// Publishes with confirms over a connection of its own. Connects at first use, reconnects with jittered pauses and
/// declares its topology each time. Messages of concurrent calls share one window.
package actor BrokerPublisher: LinkOwner {
    nonisolated let settings: LinkSettings
    var keeper = LinkKeeper()
    private let topology: Topology
    private var window = ConfirmWindow()
    /// Who waits for a connection, however many attempts it takes.
    private var waitingForLink: [Int: LinkAnswer] = [:]

    private typealias LinkAnswer = CheckedContinuation<Result<Void, BrokerError>, Never>

    /// Whether the broker asked to publish nothing for now (its memory or disk is short). RabbitMQ says so to a
    /// connection only when it publishes.
    package private(set) var isBlocked = false
    /// When the broker last answered for a message, or owed no answer.
    private var answeredAt = ContinuousClock.now
    /// How long it may owe one. A quorum queue whose log cannot be written, the disk being full, takes messages and
    /// confirms none, while heartbeats go on.
    private let patience: Duration

    package nonisolated var unownedExecutor: UnownedSerialExecutor { settings.loop.asUnownedSerialExecutor() }

    /// `name` is what the broker's own tools show for the connection. A connection over which messages were published
    /// and none confirmed for `patience` is given up; it is looked at with every heartbeat.
    package init(
        address: BrokerAddress, topology: Topology, patience: Duration = .seconds(30), logger: Logger, name: String
    ) {
        self.patience = patience
        settings = LinkSettings(address: address, name: name, logger: logger)
        self.topology = topology
    }

    deinit { settings.loop.shutdown() }

    /// Publishes in windows of at most 500 unconfirmed messages; the outcomes stand in the order of `messages`.
    ///
    /// Waits while the broker is blocked. Without a connection it waits for the attempt that is under way, and answers
    /// `.unknown("not sent: …")` when that fails or while the next one is being waited for. A cancelled call answers
    /// `.unknown` for what was not confirmed.
    package func publish(_ messages: [OutgoingMessage]) async -> [PublishOutcome] {
        guard !messages.isEmpty else { return [] }
        if keeper.isClosed { return messages.map { _ in Self.unsent(BrokerError.closed) } }
        if Task.isCancelled { return messages.map { _ in Self.unsent("cancelled") } }
        ensureLink()
        if let failure = keeper.failure { return messages.map { _ in Self.unsent(failure) } }
        let call = window.makeCallID()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { answer in
                window.add(messages, call: call, answer: answer)
                fill()
            }
        } onCancel: {
            Task { await self.abandon(call) }
        }
    }

    /// Messages ready and consumers of a queue, as `Broker.queueDepth` tells.
    package nonisolated func queueDepth(
        _ queue: String
    ) async throws(BrokerError) -> (ready: Int, consumers: Int) {
        try await Broker.queueDepth(address: settings.address, queue: queue)
    }

    /// Whether messages can be published now.
    package var isConnected: Bool { keeper.link != nil }

    /// Returns when there is a connection, however many attempts it takes, or when the task is cancelled; throws what
    /// waiting does not change.
    package func waitUntilConnected() async throws(BrokerError) {
        if keeper.isClosed { throw .closed }
        ensureLink()
        guard keeper.link == nil, !Task.isCancelled else { return }
        let id = window.makeCallID()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { waitingForLink[id] = $0 }
        } onCancel: {
            Task { await self.stopWaiting(id) }
        }
        try result.get()
    }

    /// Ends the connection; calls that still wait get `.unknown`.
    package func close() async {
        closeLink()
        answerAll(.closed)
    }

    // MARK: The link

    func preparation() -> @Sendable (Link) throws(BrokerError) -> Void {
        { [topology] link throws(BrokerError) in
            try link.declare(topology)
            try link.selectConfirms()
        }
    }

    func linkOpened() {
        answerWaiting(.success(()))
    }

    func received(_ event: LinkEvent) -> BrokerError? {
        switch event {
        case .confirmed(let tag, let multiple):
            answeredAt = .now
            window.conclude(tag, multiple: multiple, .confirmed)
        case .refused(let tag, let multiple):
            answeredAt = .now
            window.conclude(tag, multiple: multiple, .nacked)
        case .returned(let reason, let exchange, let routingKey, let messageID):
            window.giveBack(reason, exchange: exchange, routingKey: routingKey, messageID: messageID)
        case .blocked(let reason):
            isBlocked = true
            settings.logger.warning("RabbitMQ takes no messages for now: \(reason); publishing waits")
        case .unblocked:
            (isBlocked, answeredAt) = (false, .now)
            settings.logger.info("RabbitMQ takes messages again")
        case .delivered, .cancelled: break
        }
        return nil
    }

    /// Each heartbeat leads here, so a broker that owes confirms is noticed although nothing comes.
    func receivedAll() {
        let owed = window.unconfirmed
        if owed > 0, !isBlocked, .now - answeredAt > patience {
            return lose(
                .connectionLost(
                    endpoint: settings.address.endpoint,
                    reason: """
                        \(owed) message(s) were not confirmed for \(patience); if that happens again and again, its \
                        quorum queues are down (rabbitmqctl list_queues name state): restart the node
                        """))
        }
        fill()
    }

    func socketBecameWritable() {
        keeper.setWriteInterest(false)
        fill()
    }

    func linkLost(_ error: BrokerError) {
        isBlocked = false
        window.endChannel { exchange in
            // The only close that says which messages caused it: publishing to an exchange that does not exist.
            if case .closedByBroker(_, 404, let text) = error, text.contains("exchange '\(exchange)'") {
                return .returned(reason: "404 \(text)")
            }
            return .unknown("\(error), before the confirm")
        }
    }

    func attemptFailed(_ error: BrokerError) { answerAll(error) }

    // MARK: Sending

    /// Sends what the window has room for, as far as the socket takes it without blocking.
    private func fill() {
        while let link = keeper.link, !isBlocked, let message = window.next {
            if let violation = message.violation {
                window.skip(.returned(reason: "not sent: \(violation)"))
                continue
            }
            guard link.isWritable else {
                keeper.setWriteInterest(true)
                return
            }
            if window.unconfirmed == 0 { answeredAt = .now }
            window.send()
            do { try link.publish(message) } catch { lose(error) }
        }
    }

    private func abandon(_ call: Int) {
        window.answer(
            call, unsent: Self.unsent("cancelled"), sent: .unknown("cancelled before the confirm"))
    }

    private func answerAll(_ error: BrokerError) {
        window.answerAll(unsent: Self.unsent(error), sent: .unknown("\(error), before the confirm"))
        if error.isPermanent { answerWaiting(.failure(error)) }
    }

    private func answerWaiting(_ result: Result<Void, BrokerError>) {
        let answers = waitingForLink.values
        waitingForLink = [:]
        for answer in answers { answer.resume(returning: result) }
    }

    private func stopWaiting(_ id: Int) {
        waitingForLink.removeValue(forKey: id)?.resume(returning: .success(()))
    }

    private static func unsent(_ reason: any CustomStringConvertible) -> PublishOutcome {
        .unknown("not sent: \(reason)")
    }
}
