import Logging
import Postgres
import SlipwayTesting
import Synchronization
import Testing

/// Runs `body` with a pool that is set up in its own way.
func withPool<R>(
    _ change: (inout PostgresConfiguration) -> Void = { _ in }, _ body: (PostgresPool) async throws -> R
) async throws -> R {
    try await withDatabase(address: []) { configuration async throws in
        var configuration = configuration
        change(&configuration)
        let pool = PostgresPool(configuration: configuration, logger: quietLogger)
        do {
            let result = try await body(pool)
            await pool.close()
            return result
        } catch {
            await pool.close()
            throw error
        }
    }
}

func withConnection<R>(
    _ change: (inout PostgresConfiguration) -> Void = { _ in }, _ body: (PostgresConnection) async throws -> R
) async throws -> R {
    try await withDatabase(address: []) { configuration async throws in
        var configuration = configuration
        change(&configuration)
        let connection = try await PostgresConnection.connect(configuration, logger: quietLogger)
        do {
            let result = try await body(connection)
            await connection.close()
            return result
        } catch {
            await connection.close()
            throw error
        }
    }
}

/// The error that `body` throws, which must be PostgreSQL's.
func failure(_ body: () async throws -> Void) async -> PostgresError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? PostgresError
    }
}

/// Returns when a session of this database waits for a lock: what runs in another task has then reached the server.
func waitUntilBlocked(_ client: some PostgresClient) async throws {
    try await eventually("a session waits for a lock") {
        try await client.query(
            """
            select exists (
                select from pg_stat_activity
                where datname = current_database() and wait_event_type = 'Lock' and state = 'active')
            """
        ).one().decode(Bool.self)
    }
}

/// A value that several tasks of a test change.
final class Shared<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    init(_ value: Value) { mutex = Mutex(value) }

    func withLock<R: Sendable>(_ body: (inout Value) -> R) -> R { mutex.withLock { body(&$0) } }
}

/// Collects log lines.
final class LogLines: LogHandler, Sendable {
    private let collected = Mutex<[String]>([])

    var lines: [String] { collected.withLock { $0 } }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }

    subscript(metadataKey _: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        collected.withLock { $0.append("\(event.level) \(event.message)") }
    }

    var logger: Logger { Logger(label: "tests") { _ in self } }
}
