import Logging

/// Tries again what the artifact store refuses: one that is full or away for a minute costs no run its result.
struct StorePatience: Sendable {
    /// Seconds between tries, about a minute in all.
    private static let pauses = [0.5, 1, 2, 5, 10, 20, 20]

    let logger: Logger

    /// - Parameters:
    ///   - what: for the log, e.g. `the log of build 7`.
    ///   - isStopped: the run need not be stored any more.
    /// - Throws: what the last try threw.
    func callAsFunction<Result>(
        _ what: String, unless isStopped: () -> Bool = { false }, _ store: () async throws -> Result
    ) async throws -> Result {
        for pause in Self.pauses {
            do {
                return try await store()
            } catch {
                logger.warning("\(what) could not be stored: \(error)")
                if isStopped() { throw error }
            }
            try await Task.sleep(for: .seconds(pause))
        }
        return try await store()
    }
}
