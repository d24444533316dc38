package import AMQP
import FoundationEssentials
package import Logging
package import Postgres
import ServiceLifecycle
import SlipwayModel
import Synchronization

/// Publishes what this process commits, from memory and in windows of confirms. What it cannot hold, or loses with the
/// process or the broker, stays in the outbox until its worker has taken effect of it, and the sweeper publishes it
/// again.
package final class OutboxPublisher: MessageSink, Service {
    /// Messages kept in memory while the broker is slow; more are left to the sweeper.
    private static let capacity = 10_000
    private static let window = 500
    /// Rows that one step of a sweep holds in memory, each up to 64 kB.
    private static let sweptTogether = 100
    /// Seconds after which a message is published again although its queue is not empty: it may wait there, or not.
    private static let patience = 300.0

    private let broker: BrokerPublisher
    private let database: PostgresPool
    private let topology: FleetTopology
    private let logger: Logger
    private let pending = Mutex<[OutgoingMessage]>([])
    private let wake = WakeUp()

    package init(broker: BrokerPublisher, database: PostgresPool, topology: FleetTopology, logger: Logger) {
        self.broker = broker
        self.database = database
        self.topology = topology
        self.logger = logger
    }

    package func offer(_ messages: [OutgoingMessage]) {
        guard !messages.isEmpty else { return }
        pending.withLock { waiting in
            waiting.append(contentsOf: messages.prefix(max(0, Self.capacity - waiting.count)))
        }
        wake.signal()
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            while await wake.wait() {
                await drain()
            }
        }
        await drain()
    }

    private func drain() async {
        while true {
            let messages = pending.withLock { waiting in
                let messages = Array(waiting.prefix(Self.window))
                waiting.removeFirst(messages.count)
                return messages
            }
            guard !messages.isEmpty else { return }
            _ = await broker.publish(messages)
        }
    }

    // MARK: Sweeping

    /// The one sweeper of the fleet.
    package var sweeper: Chore {
        Chore(name: "outbox-sweeper", every: .seconds(1), owner: .single) { [self] in try await sweep() }
    }

    /// One pass: what was held back until now, then what its worker has not handled in time.
    package func sweep() async throws {
        try await publishAll { [database] in try await database.execute(FleetStore.publishHeld, Self.sweptTogether) }
        for row in try await database.execute(FleetStore.overdueConsumers) {
            let consumer = try row.decode(String.self)
            // A message in a queue that is being worked off is not lost, only late.
            let age = await isEmpty(topology.queue(of: consumer)) ? 0 : Self.patience
            try await publishAll { [database] in
                try await database.execute(FleetStore.publishAgain, consumer, age, Self.sweptTogether)
            }
        }
    }

    private func isEmpty(_ queue: String) async -> Bool {
        do {
            return try await broker.queueDepth(queue).ready == 0
        } catch {
            // A queue that is not there holds nothing; a broker that is not there takes nothing.
            if case .closedByBroker(_, 404, _) = error { return true }
            return false
        }
    }

    /// Publishes rows straight to their workers' queues, window by window, as long as there are any and the broker
    /// takes them.
    private func publishAll(_ next: () async throws -> Rows) async throws {
        while true {
            let messages = try await next().map { row in
                let (consumer, messageID, type, body) = try row.decode((String, UUID, String, [UInt8]).self)
                return OutgoingMessage(
                    exchange: "", routingKey: topology.queue(of: consumer), messageID: messageID.lowercased,
                    type: type, body: body, mandatory: true)
            }
            guard !messages.isEmpty else { return }
            var isTaken = false
            for (message, outcome) in zip(messages, await broker.publish(messages)) {
                switch outcome {
                case .confirmed: isTaken = true
                case .returned(let reason):
                    logger.warning(
                        "no queue takes \(message.type) for '\(message.routingKey)' (\(reason)); it is tried again",
                        metadata: ["message": "\(message.messageID)"])
                case .nacked, .unknown: break
                }
            }
            guard isTaken, messages.count == Self.sweptTogether else { return }
        }
    }
}
