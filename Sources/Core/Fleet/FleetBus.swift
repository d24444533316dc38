package import Logging
package import Postgres

/// The way state and messages change together: the database, and the broker behind the outbox.
package final class FleetBus: Sendable {
    package let database: PostgresPool
    package let topology: FleetTopology
    package let logger: Logger
    let publisher: OutboxPublisher?

    /// - Parameter publisher: publishes at once what this process commits. Without one (a short-lived tool) messages
    ///   wait for the fleet's sweeper, some seconds.
    package init(
        database: PostgresPool, publisher: OutboxPublisher?, topology: FleetTopology = FleetTopology(), logger: Logger
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
        let (result, effects, rows) = try await database.transaction { [topology] transaction in
            let effects = Effects(database: transaction, topology: topology)
            let result = try await body(effects)
            let rows = try await Self.store(effects.takeRows(), in: transaction)
            return (result, effects, rows)
        }
        effects.runActions()
        publisher?.offer(rows.filter { $0.notBefore == nil })
        return result
    }

    private static func store(_ rows: [OutboxRow], in transaction: Transaction) async throws -> [OutboxRow] {
        guard !rows.isEmpty else { return [] }
        let inserted = try await transaction.execute(
            FleetStore.insertOutbox, rows.map(\.messageID), rows.map(\.exchange), rows.map(\.routingKey),
            rows.map(\.type), rows.map(\.body), rows.map(\.mandatory), rows.map(\.notBefore))
        return try zip(rows, inserted).map { row, stored in
            var row = row
            row.id = try stored.decode(Int64.self)
            return row
        }
    }
}
