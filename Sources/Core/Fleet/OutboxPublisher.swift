package import AMQP
import FoundationEssentials
package import Logging
package import Postgres
import ServiceLifecycle
import SlipwayModel
import Synchronization

/// Publishes what this process commits, from memory and in windows of confirms, and deletes it from the outbox. What it
/// cannot hold, or loses with the process, the sweeper publishes.
package final class OutboxPublisher: Service {
    /// Rows kept in memory while the broker is slow; more are left to the sweeper.
    private static let capacity = 10_000
    private static let window = 500

    private let broker: BrokerPublisher
    private let database: PostgresPool
    private let logger: Logger
    private let pending = Mutex<[OutboxRow]>([])
    private let wake = WakeUp()

    package init(broker: BrokerPublisher, database: PostgresPool, logger: Logger) {
        self.broker = broker
        self.database = database
        self.logger = logger
    }

    func offer(_ rows: [OutboxRow]) {
        guard !rows.isEmpty else { return }
        pending.withLock { waiting in
            waiting.append(contentsOf: rows.prefix(max(0, Self.capacity - waiting.count)))
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
            let rows = pending.withLock { waiting in
                let rows = Array(waiting.prefix(Self.window))
                waiting.removeFirst(rows.count)
                return rows
            }
            guard !rows.isEmpty else { return }
            await publish(rows)
        }
    }

    /// Publishes rows of the outbox and removes those that the broker has taken.
    ///
    /// - Returns: how many it took.
    @discardableResult
    func publish(_ rows: [OutboxRow]) async -> Int {
        let outcomes = await broker.publish(
            rows.map { row in
                OutgoingMessage(
                    exchange: row.exchange, routingKey: row.routingKey, messageID: row.messageID.lowercased,
                    type: row.type, body: row.body, mandatory: row.mandatory)
            })
        var taken: [Int64] = []
        var refused: [Int64] = []
        for (row, outcome) in zip(rows, outcomes) {
            switch outcome {
            case .confirmed:
                taken.append(row.id)
            case .returned(let reason):
                refused.append(row.id)
                logger.warning(
                    "no queue takes \(row.type) for '\(row.routingKey)' (\(reason)); it is tried again in 10 s",
                    metadata: ["message": "\(row.messageID.lowercased)"])
            case .nacked, .unknown:
                refused.append(row.id)
            }
        }
        do {
            if !taken.isEmpty { try await database.execute(FleetStore.deleteOutbox, taken) }
            if !refused.isEmpty { try await database.execute(FleetStore.postponeOutbox, refused) }
        } catch {
            // A row that stays is published again by the sweeper, and its consumers' inboxes know it.
            logger.debug("could not clear \(rows.count) published messages from the outbox: \(error)")
        }
        return taken.count
    }

    /// One pass of the sweeper: whatever is due, window by window.
    package func sweep() async throws {
        while true {
            let rows = try await database.execute(FleetStore.dueOutbox, Self.window).map { row in
                let (id, messageID, exchange, routingKey, type, body, mandatory) = try row.decode(
                    (Int64, UUID, String, String, String, [UInt8], Bool).self)
                return OutboxRow(
                    id: id, messageID: messageID, exchange: exchange, routingKey: routingKey, type: type, body: body,
                    mandatory: mandatory, notBefore: nil)
            }
            guard !rows.isEmpty, await publish(rows) > 0, rows.count == Self.window else { return }
        }
    }

    /// The one sweeper of the fleet.
    package var sweeper: Chore {
        Chore(name: "outbox-sweeper", every: .seconds(1), owner: .single) { [self] in try await sweep() }
    }
}
