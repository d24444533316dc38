package import FoundationEssentials
package import Postgres
package import SlipwayModel
import Synchronization

/// A transaction, and the messages that commit with it.
package struct Effects: Sendable {
    package let database: Transaction
    private let topology: FleetTopology
    private let state = Box()

    private final class Box: Sendable {
        let rows = Mutex<[OutboxRow]>([])
        let actions = Mutex<[@Sendable () -> Void]>([])
    }

    init(database: Transaction, topology: FleetTopology) {
        self.database = database
        self.topology = topology
    }

    /// Announces an event to whoever listens.
    ///
    /// - Parameter notBefore: the instant of publication, by the database's clock; at once where nil.
    package func emit<E: Event>(_ event: E, notBefore: Date? = nil) throws {
        try append(event, exchange: topology.events, routingKey: E.type, mandatory: false, notBefore: notBefore)
    }

    /// Sends a command to one queue, which must exist: otherwise the message stays in the outbox until it does.
    package func send<E: Event>(_ event: E, toQueue queue: String) throws {
        try append(event, exchange: "", routingKey: queue, mandatory: true, notBefore: nil)
    }

    /// Runs `action` once the transaction has committed, for signals within this process. Never runs if it fails, and
    /// may be missed when the process dies: what must happen belongs into a message.
    package func afterCommit(_ action: @escaping @Sendable () -> Void) {
        state.actions.withLock { $0.append(action) }
    }

    /// Takes the tick of `name` at `instant`; false where another process has fired it.
    package func claimTick(_ name: String, at instant: Date) async throws -> Bool {
        try await database.execute(FleetStore.claimTick, name, instant).affected == 1
    }

    func republish(_ row: OutboxRow) { state.rows.withLock { $0.append(row) } }
    func takeRows() -> [OutboxRow] { state.rows.withLock { $0 } }
    func runActions() { state.actions.withLock { $0 }.forEach { $0() } }

    private func append<E: Event>(
        _ event: E, exchange: String, routingKey: String, mandatory: Bool, notBefore: Date?
    ) throws {
        let envelope = Envelope(for: event)
        let row = OutboxRow(
            messageID: envelope.id, exchange: exchange, routingKey: routingKey, type: E.type,
            body: try Wire.encode(event, envelope: envelope), mandatory: mandatory, notBefore: notBefore)
        state.rows.withLock { $0.append(row) }
    }
}

/// A message on its way from the transaction that caused it to the broker.
struct OutboxRow: Sendable {
    var id: Int64 = 0
    var messageID: UUID
    var exchange: String
    var routingKey: String
    var type: String
    var body: [UInt8]
    var mandatory: Bool
    var notBefore: Date?
}
