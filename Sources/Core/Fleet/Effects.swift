import AMQP
package import FoundationEssentials
package import Postgres
package import SlipwayModel
import Synchronization

/// A transaction, and the messages that commit with it.
package struct Effects: Sendable {
    package let database: Transaction
    private let topology: FleetTopology
    private let content = Content()

    private final class Content: Sendable {
        struct Lists {
            var events: [StoredEvent] = []
            var signals: [OutgoingMessage] = []
            var actions: [@Sendable () -> Void] = []
        }

        let lists = Mutex(Lists())
    }

    init(database: Transaction, topology: FleetTopology) {
        self.database = database
        self.topology = topology
    }

    /// Announces an event to the workers that hear its type. Each takes effect of it once, whatever dies.
    ///
    /// - Parameter notBefore: the instant of publication, by the database's clock; at once where nil.
    package func emit<E: Event>(_ event: E, notBefore: Date? = nil) throws {
        let envelope = Envelope(for: event)
        let stored = StoredEvent(
            messageID: envelope.id, type: E.type, body: try Wire.encode(event, envelope: envelope),
            notBefore: notBefore)
        content.lists.withLock { $0.events.append(stored) }
    }

    /// Sends a message to one queue, or to whoever listens right now where it is nil. It is not stored: it hastens what
    /// the state of this transaction brings about in any case, so it may get lost.
    package func signal<E: Event>(_ event: E, toQueue queue: String? = nil) throws {
        let envelope = Envelope(for: event)
        let message = OutgoingMessage(
            exchange: queue == nil ? topology.events : "", routingKey: queue ?? E.type,
            messageID: envelope.id.lowercased, type: E.type, body: try Wire.encode(event, envelope: envelope))
        content.lists.withLock { $0.signals.append(message) }
    }

    /// Runs `action` once the transaction has committed, for signals within this process. Never runs if it fails, and
    /// may be missed when the process dies: what must happen belongs into a message.
    package func afterCommit(_ action: @escaping @Sendable () -> Void) {
        content.lists.withLock { $0.actions.append(action) }
    }

    /// Takes the tick of `name` at `instant`; false where another process has fired it.
    package func claimTick(_ name: String, at instant: Date) async throws -> Bool {
        try await database.execute(FleetStore.claimTick, name, instant).affected == 1
    }

    var events: [StoredEvent] { content.lists.withLock { $0.events } }
    var signals: [OutgoingMessage] { content.lists.withLock { $0.signals } }
    func runActions() { content.lists.withLock { $0.actions }.forEach { $0() } }
}

/// A message on its way from the transaction that caused it to its workers.
struct StoredEvent: Sendable {
    var messageID: UUID
    var type: String
    var body: [UInt8]
    var notBefore: Date?
}
