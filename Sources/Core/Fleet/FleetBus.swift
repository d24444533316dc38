package import AMQP
import FoundationEssentials
package import Logging
package import Postgres
import SlipwayModel
import Synchronization

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
    private let heard = HeardTypes()

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
        let (result, effects, parcels) = try await database.transaction { [topology, heard] transaction in
            let effects = Effects(database: transaction, topology: topology)
            let result = try await body(effects)
            let parcels = try await heard.store(effects.events, in: transaction, publishes: publishes)
            return (result, effects, parcels)
        }
        effects.runActions()
        publisher?.offer(parcels.filter { $0.notBefore == nil }.map { $0.message(to: topology) } + effects.signals)
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
}

/// Stores events for whom it may concern. What no worker hears, which may be most of what a fleet without some of its
/// rooms has to tell, is not even encoded.
private final class HeardTypes: Sendable {
    /// Types that some worker heard when last asked. Only a hint: of each other type the database is asked anew.
    private let known = Mutex<Set<String>>([])

    /// - Returns: what any worker hears; the rest is nobody's and was not stored.
    func store(
        _ events: [AnnouncedEvent], in transaction: Transaction, publishes: Bool
    ) async throws -> [Parcel] {
        guard !events.isEmpty else { return [] }
        let known = known.withLock { $0 }
        let (unknown, heard) = events.partitioned { !known.contains($0.type) }
        let asked = Set(unknown.map(\.type))
        let (stored, news) = try await Self.insert(heard, in: transaction, publishes: publishes, asking: asked)
        guard !news.isEmpty else { return stored }
        self.known.withLock { $0.formUnion(news) }
        let rest = unknown.filter { news.contains($0.type) }
        return stored + (try await Self.insert(rest, in: transaction, publishes: publishes, asking: [])).stored
    }

    private static func insert(
        _ events: [AnnouncedEvent], in transaction: Transaction, publishes: Bool, asking types: Set<String>
    ) async throws -> (stored: [Parcel], heard: Set<String>) {
        let parcels = Parcel.pack(try events.map { try $0.message() })
        let rows = try await transaction.execute(
            FleetStore.insertOutbox, parcels.map(\.id), parcels.map(\.type), parcels.map(\.body),
            parcels.map(\.notBefore), publishes, Array(types), parcels.map(\.events))
        var stored: Set<UUID> = []
        var heard: Set<String> = []
        for row in rows {
            let (id, type) = try row.decode((UUID?, String?).self)
            if let id { stored.insert(id) }
            if let type { heard.insert(type) }
        }
        return (parcels.filter { stored.contains($0.id) }, heard)
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
