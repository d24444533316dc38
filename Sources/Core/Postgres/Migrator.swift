package import Logging

/// A step of the schema, applied once and never changed afterwards.
package struct Migration: Sendable {
    /// `mYYYYMMDDhhmm_room_what`; the order of names is the order of applying, over all rooms.
    package let name: String
    package let sql: String

    package init(name: String, sql: String) {
        self.name = name.hasSuffix(".sql") ? String(name.dropLast(4)) : name
        self.sql = sql
    }

    /// From a resource's content.
    package init(name: String, bytes: [UInt8]) {
        self.init(name: name, sql: String(decoding: bytes, as: UTF8.self))
    }
}

/// Brings a database to the newest schema.
package enum Migrator {
    /// Any number that nobody else uses; the same in all versions of Slipway.
    private static let lock: Int64 = 0x736C_6970_7761_7901

    private static let table = """
        create table if not exists public.slipway_migrations (
            name text primary key,
            checksum text not null,
            applied_at timestamptz not null default now()
        )
        """

    /// Applies what is not yet applied, in the order of names, each in a transaction of its own, and returns the names.
    /// Several processes may do so at once: one works, the others wait for it. A migration that was changed after it
    /// was applied is an error, and nothing is applied then. Names in the database that are not in the list are left
    /// alone: a newer version has been here.
    package static func migrate(
        _ pool: PostgresPool, _ migrations: [Migration], logger: Logger
    ) async throws -> [String] {
        let ordered = try sorted(migrations)
        // A session of its own: an index on a large table takes longer than any statement time-out.
        var configuration = pool.configuration
        configuration.statementTimeout = nil
        configuration.idleInTransactionTimeout = nil
        let connection = try await PostgresConnection.connect(configuration, logger: logger, loop: pool.loop)
        do {
            let applied = try await migrate(connection, ordered, logger)
            await connection.close()
            return applied
        } catch {
            await connection.close()
            throw error
        }
    }

    /// The names of those that are not applied yet, in their order.
    package static func pending(
        _ pool: PostgresPool, _ migrations: [Migration]
    ) async throws(PostgresError) -> [String] {
        let names = try sorted(migrations).map(\.name)
        do {
            let rows = try await pool.query("select name from public.slipway_migrations where name = any(\(names))")
            var applied: Set<String> = []
            for row in rows { applied.insert(try row.decode(String.self)) }
            return names.filter { !applied.contains($0) }
        } catch  where error.code == "42P01" {
            return names  // the table is made by the first migration
        }
    }

    private static func sorted(_ migrations: [Migration]) throws(PostgresError) -> [Migration] {
        let ordered = migrations.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        for (first, second) in zip(ordered, ordered.dropFirst()) where first.name == second.name {
            throw PostgresError(.migration, "two migrations are named \(first.name); rename one")
        }
        return ordered
    }

    private static func migrate(
        _ connection: PostgresConnection, _ migrations: [Migration], _ logger: Logger
    ) async throws -> [String] {
        if try await !connection.query("select pg_try_advisory_lock(\(lock))").one().decode(Bool.self) {
            logger.info("waiting for another process that is migrating the database")
            try await connection.query("select 1 from pg_advisory_lock(\(lock))")
        }
        try await connection.script(table)
        var applied: [String] = []
        for (migration, checksum) in try await compare(migrations, on: connection) {
            try await apply(migration, checksum, on: connection)
            logger.info("applied migration \(migration.name)")
            applied.append(migration.name)
        }
        return applied
    }

    /// What is not applied yet, with its checksum, in the order given. The server computes SHA-256, so no library has to.
    private static func compare(
        _ migrations: [Migration], on client: some PostgresClient
    ) async throws -> [(migration: Migration, checksum: String)] {
        let rows = try await client.query(
            """
            select given.name, encode(sha256(convert_to(given.sql, 'UTF8')), 'hex'), applied.checksum
            from unnest(\(migrations.map(\.name))::text[], \(migrations.map(\.sql))::text[])
                with ordinality as given (name, sql, number)
            left join public.slipway_migrations as applied using (name)
            order by given.number
            """)
        var pending: [(Migration, String)] = []
        for (migration, row) in zip(migrations, rows) {
            let (name, checksum, appliedChecksum) = try row.decode((String, String, String?).self)
            guard let appliedChecksum else {
                pending.append((migration, checksum))
                continue
            }
            guard appliedChecksum == checksum else {
                throw PostgresError(
                    .migration,
                    "\(name) was changed after it had been applied to this database; restore its text and put the "
                        + "change into a new migration")
            }
        }
        return pending
    }

    private static func apply(
        _ migration: Migration, _ checksum: String, on connection: PostgresConnection
    ) async throws(PostgresError) {
        do throws(PostgresError) {
            try await connection.script("begin")
            try await connection.script(migration.sql)
            guard connection.status == .inTransaction else {
                throw PostgresError(.migration, "it ends its transaction itself; remove BEGIN, COMMIT and ROLLBACK")
            }
            try await connection.query(
                "insert into public.slipway_migrations (name, checksum) values (\(migration.name), \(checksum))")
            try await connection.script("commit")
        } catch {
            var error = error
            error.message = "\(migration.name): \(error.message)"
            if error.kind == .server { error.kind = .migration }
            throw error
        }
    }
}
