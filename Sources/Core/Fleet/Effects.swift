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
            var events: [AnnouncedEvent] = []
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
    package func emit<E: Event>(_ event: E, notBefore: Date? = nil) {
        let announced = AnnouncedEvent(event, notBefore: notBefore)
        content.lists.withLock { $0.events.append(announced) }
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

    var events: [AnnouncedEvent] { content.lists.withLock { $0.events } }
    var signals: [OutgoingMessage] { content.lists.withLock { $0.signals } }
    func runActions() { content.lists.withLock { $0.actions }.forEach { $0() } }
}

/// An event whose transaction has not committed yet. It becomes a message only where anybody hears it.
struct AnnouncedEvent: Sendable {
    let type: String
    let notBefore: Date?
    private let encode: @Sendable () throws -> (Envelope, [UInt8])

    init<E: Event>(_ event: E, notBefore: Date?) {
        type = E.type
        self.notBefore = notBefore
        let (trace, time) = (TraceContext.current, Date())
        encode = {
            let envelope = Envelope(for: event, at: time, in: trace)
            return (envelope, try Wire.encode(event, envelope: envelope))
        }
    }

    func message() throws -> StoredEvent {
        let (envelope, body) = try encode()
        return StoredEvent(messageID: envelope.id, type: type, body: body, notBefore: notBefore)
    }
}

/// A message on its way from the transaction that caused it to its workers.
struct StoredEvent: Sendable {
    var messageID: UUID
    var type: String
    var body: [UInt8]
    var notBefore: Date?
}
