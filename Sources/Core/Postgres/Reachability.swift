package import Logging
import SocketLoop

/// Returns once the database accepts a log-in. While it does not, one line says so when the waiting begins and every
/// 10 s, and one when it is over. A refused log-in or an unknown database is an error at once: waiting would not help.
/// - Parameter limit: gives up after this with the last reason; nil waits until the task is cancelled.
package func waitUntilReachable(
    _ configuration: PostgresConfiguration, logger: Logger, giveUpAfter limit: Duration? = nil
) async throws(PostgresError) {
    let start = ContinuousClock.now
    var pause = Duration.milliseconds(50)
    var lastLine: ContinuousClock.Instant?
    while true {
        do throws(PostgresError) {
            let connection = try await PostgresConnection.connect(configuration, logger: logger)
            await connection.close()
            if lastLine != nil {
                logger.info("PostgreSQL at \(configuration.address) is back after \(wholeSeconds(since: start)) s")
            }
            return
        } catch {
            guard error.kind == .connectionFailed, !error.isPermanentRefusal else { throw error }
            if let limit, .now - start + pause > limit { throw error }
            if lastLine.map({ .now - $0 >= .seconds(10) }) ?? true {
                let waited = lastLine == nil ? "" : " since \(wholeSeconds(since: start)) s"
                logger.warning("waiting for PostgreSQL at \(configuration.address)\(waited): \(error.message)")
                lastLine = .now
            }
        }
        do {
            try await Task.sleep(for: pause)
        } catch {
            throw PostgresError(.cancelled, "waiting for PostgreSQL at \(configuration.address)")
        }
        pause = min(pause * 2, .seconds(1))
    }
}

extension PostgresPool {
    /// `waitUntilReachable` with the pool's settings and log.
    package func waitUntilReachable(giveUpAfter limit: Duration? = nil) async throws(PostgresError) {
        try await Postgres.waitUntilReachable(configuration, logger: logger, giveUpAfter: limit)
    }
}

private func wholeSeconds(since start: ContinuousClock.Instant) -> Int64 {
    (ContinuousClock.now - start).components.seconds
}
