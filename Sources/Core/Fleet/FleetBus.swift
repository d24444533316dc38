package import AMQP
import FoundationEssentials
package import Logging
package import Postgres
import SlipwayModel

/// Takes messages after their transaction has committed, and publishes them soon.
package protocol MessageSink: Sendable {
    func offer(_ messages: [OutgoingMessage])
}

/// The way state and messages change together: the database, and the broker behind the outbox.
package final class FleetBus: Sendable {
    package let database: PostgresPool
    package let topology: FleetTopology
    package let logger: Logger
    private let publisher: (any MessageSink)?

    /// - Parameter publisher: publishes at once what this process commits. Without one (a short-lived tool) messages
    ///   wait for the fleet's sweeper, a second.
    package init(
        database: PostgresPool, publisher: (any MessageSink)?, topology: FleetTopology = FleetTopology(), logger: Logger
    ) {
        self.database = database
        self.publisher = publisher
        self.topology = topology
        self.logger = logger
    }

    /// Runs `body` in a transaction and stores its messages with it; they are published after the commit. The body may
    /// run again (deadlock, serialization failure), so its effects belong into `Effects`.
    @discardableResult
    package func commit<Result: Sendable>(
        _ body: @Sendable @escaping (Effects) async throws -> Result
    ) async throws -> Result {
        let publishes = publisher != nil
        let (result, effects, heard) = try await database.transaction { [topology] transaction in
            let effects = Effects(database: transaction, topology: topology)
            let result = try await body(effects)
            let heard = try await Self.store(effects.events, in: transaction, publishes: publishes)
            return (result, effects, heard)
        }
        effects.runActions()
        if let publisher {
            let events = effects.events.filter { $0.notBefore == nil && heard.contains($0.messageID) }
            publisher.offer(Parcel.pack(events, to: topology) + effects.signals)
        }
        return result
    }

    /// States which events the workers hear, so that messages are kept for them from now on. Again changes nothing.
    package func subscribe(_ workers: [any Worker]) async throws {
        let heard = Subscriptions(workers)
        try await database.execute(FleetStore.subscribe, heard.consumers, heard.types)
    }

    /// Takes away what these workers do not hear, for the moment when a new version of the whole house takes over.
    package func unsubscribeOthers(than workers: [any Worker]) async throws {
        let heard = Subscriptions(workers)
        try await database.transaction { transaction in
            try await transaction.execute(FleetStore.unsubscribeOthers, heard.consumers, heard.types)
            try await transaction.execute(FleetStore.discardUnheard, heard.consumers)
        }
    }

    /// - Returns: the messages that any worker hears; the others are nobody's and were not stored.
    private static func store(
        _ events: [StoredEvent], in transaction: Transaction, publishes: Bool
    ) async throws -> Set<UUID> {
        guard !events.isEmpty else { return [] }
        let rows = try await transaction.execute(
            FleetStore.insertOutbox, events.map(\.messageID), events.map(\.type), events.map(\.body),
            events.map(\.notBefore), publishes)
        return Set(try rows.map { try $0.decode(UUID.self) })
    }
}

/// Pairs of a worker and a type that it hears, as two columns.
private struct Subscriptions {
    var consumers: [String] = []
    var types: [String] = []

    init(_ workers: [any Worker]) {
        for worker in workers {
            for type in worker.topics {
                consumers.append(worker.name)
                types.append(type)
            }
        }
    }
}
