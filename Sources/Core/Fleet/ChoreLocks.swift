package import Postgres

/// Which of the fleet's processes does a chore: advisory locks, those of one process all held by one connection.
///
/// The chore itself takes connections from the same pool. Were each lock held by one of its own, as many chores as the
/// pool has connections would hold the whole pool, and each wait for one more.
package actor ChoreLocks {
    private let database: PostgresPool
    private var users = 0
    /// Lent by the pool while there are users.
    private var session: Task<PostgresConnection, any Error>?

    package init(_ database: PostgresPool) { self.database = database }

    /// Runs `body`, unless another process holds the chore. The lock ends with the connection, at the latest; `body` is
    /// not told.
    package func holding(_ chore: String, _ body: @Sendable () async throws -> Void) async throws {
        users += 1
        let outcome = await attempt { [self] in
            let name = "slipway.chore." + chore
            guard try await ask("select pg_try_advisory_lock(hashtextextended(\(name), 0))") else { return }
            let outcome = await attempt(body)
            // Of a connection that broke nothing is left to unlock.
            _ = try? await ask("select pg_advisory_unlock(hashtextextended(\(name), 0))")
            try outcome.get()
        }
        users -= 1
        if users == 0 { await giveBack() }
        try outcome.get()
    }

    /// In a task of its own: a chore that is cancelled takes neither the answer nor the connection from the others.
    private func ask(_ question: Query) async throws -> Bool {
        let connection = try await connection()
        return try await Task { try await connection.query(question).one().decode(Bool.self) }.value
    }

    private func connection() async throws -> PostgresConnection {
        let lending = session ?? Task { [database] in try await database.acquire() }
        session = lending
        do {
            let connection = try await lending.value
            guard connection.isClosed else { return connection }
            if session == lending { await giveBack() }
            return try await self.connection()
        } catch {
            if session == lending { session = nil }
            throw error
        }
    }

    private func giveBack() async {
        guard let lent = session else { return }
        session = nil
        if let connection = try? await lent.value { await database.release(connection) }
    }

    private func attempt(_ body: @Sendable () async throws -> Void) async -> Result<Void, any Error> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }
}
