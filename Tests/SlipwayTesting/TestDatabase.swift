package import Postgres

/// Databases of single tests, cloned from a template that was migrated once per list of migrations.
actor TestDatabases {
    static let shared = TestDatabases()

    private var administrator: Task<PostgresPool, any Error>?
    private var templates: [String: Task<String, any Error>] = [:]
    private var lastName = 0
    /// Tests that have a database at the same time, so that their pools fit into the server's connections.
    private let gate = TestGate(places: 8)

    func create(_ migrations: [Migration]) async throws -> PostgresConfiguration {
        await gate.enter()
        do {
            let administrator = try await administratorPool()
            let template = try await template(migrations, administrator)
            lastName += 1
            let name = "test_\(lastName)"
            try await administrator.script("create database \(name) template \(template)")
            var configuration = administrator.configuration
            configuration.database = name
            return configuration
        } catch {
            await gate.leave()
            throw error
        }
    }

    /// - Throws: `LeakedSessions` when somebody is still connected.
    func drop(_ configuration: PostgresConfiguration) async throws {
        let dropped = await outcome(of: { try await remove(configuration) })
        await gate.leave()
        try dropped.get()
    }

    private func remove(_ configuration: PostgresConfiguration) async throws {
        let administrator = try await administratorPool()
        do {
            // Waits five seconds for sessions that are just ending.
            try await administrator.script("drop database \(configuration.database)")
        } catch {
            guard error.code == "55006" else { throw error }
            let sessions = try await administrator.query(
                """
                select application_name || ' (' || state || '): ' || query from pg_stat_activity
                where datname = \(configuration.database)
                """
            ).map { try $0.decode(String.self) }
            try await administrator.script("drop database \(configuration.database) with (force)")
            throw LeakedSessions(description: "sessions were left open: " + sessions.joined(separator: "; "))
        }
    }

    private func administratorPool() async throws -> PostgresPool {
        let task = administrator ?? Task { try await Self.connectAdministrator() }
        administrator = task
        return try await task.value
    }

    private static func connectAdministrator() async throws -> PostgresPool {
        var configuration = try PostgresConfiguration(url: try await TestServices.shared.databaseURL())
        configuration.maximumConnections = 4
        configuration.acquireTimeout = .seconds(120)
        configuration.statementTimeout = .seconds(120)
        return PostgresPool(configuration: configuration, logger: quietLogger)
    }

    private func template(_ migrations: [Migration], _ administrator: PostgresPool) async throws -> String {
        if migrations.isEmpty { return "template0" }
        let key = migrations.map { "\($0.name)\n\($0.sql)" }.sorted().joined(separator: "\n")
        if let known = templates[key] { return try await known.value }
        let name = "template_\(templates.count)"
        let task = Task {
            try await administrator.script("create database \(name) template template0")
            var configuration = administrator.configuration
            configuration.database = name
            let pool = PostgresPool(configuration: configuration, logger: quietLogger)
            do {
                _ = try await Migrator.migrate(pool, migrations, logger: quietLogger)
            } catch {
                await pool.close()
                throw error
            }
            await pool.close()
            return name
        }
        templates[key] = task
        return try await task.value
    }
}

/// A test ended and something of it was still connected to its database.
package struct LeakedSessions: Error, CustomStringConvertible {
    package let description: String
}

/// Runs `body` with an empty, migrated database of its own, and fails when connections to it are left behind.
///
/// - Parameter migrations: all that the test needs; none gives an empty database.
package nonisolated(nonsending) func withDatabase<R>(
    address migrations: [Migration] = [], _ body: (PostgresConfiguration) async throws -> R
) async throws -> R {
    let configuration = try await TestDatabases.shared.create(migrations)
    let outcome = await outcome(of: { try await body(configuration) })
    if case .failure = outcome {
        try? await TestDatabases.shared.drop(configuration)  // the test's own error says more
    } else {
        try await TestDatabases.shared.drop(configuration)
    }
    return try outcome.get()
}

/// What `body` ended with, as a value, so that what has to follow it stands once.
private nonisolated(nonsending) func outcome<R>(of body: () async throws -> R) async -> Result<R, any Error> {
    do {
        return .success(try await body())
    } catch {
        return .failure(error)
    }
}

/// Runs `body` with a pool of connections to an empty, migrated database of its own, and fails when connections are
/// not given back or left behind.
///
/// - Parameter migrations: all that the test needs, such as `FleetSchema.migrations`; none gives an empty database.
package nonisolated(nonsending) func withDatabase<R>(
    migrations: [Migration] = [], connections: Int = 8, _ body: (PostgresPool) async throws -> R
) async throws -> R {
    try await withDatabase(address: migrations) { configuration in
        var configuration = configuration
        configuration.maximumConnections = connections
        let pool = PostgresPool(configuration: configuration, logger: quietLogger)
        let outcome = await outcome(of: { try await body(pool) })
        let left = pool.statistics
        await pool.close()
        let result = try outcome.get()
        guard left.open == left.idle, left.waiting == 0 else {
            throw LeakedSessions(
                description: "\(left.open - left.idle) connections were not given back, \(left.waiting) callers wait")
        }
        return result
    }
}
