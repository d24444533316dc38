import FoundationEssentials
import JobConfig
import Logging
import Synchronization

/// Applies a file of pools whenever it changes.
final class LeaseConfigurationWatcher: Sendable {
    private let file: String
    private let store: LeaseConfigurationStore
    private let logger: Logger
    private let seen = Mutex<Stamp?>(nil)

    private struct Stamp: Hashable {
        var size: UInt64
        var modified: Date
    }

    init(file: String, store: LeaseConfigurationStore, logger: Logger) {
        self.file = file
        self.store = store
        self.logger = logger
    }

    /// One look. What does not validate changes nothing, is said once, and is tried again when it changes.
    func round() async throws {
        let attributes = try? FileManager.default.attributesOfItem(atPath: file)
        let stamp = Stamp(
            size: (attributes?[.size] as? UInt64) ?? 0,
            modified: (attributes?[.modificationDate] as? Date) ?? .distantPast)
        guard seen.withLock({ $0 }) != stamp else { return }
        do {
            let applied = try await store.apply(LoadedLeasePools.load(path: file), by: "watched file", source: file)
            if applied.changed {
                logger.info(
                    """
                    pools version \(applied.version) from \(file): \(applied.types) types, \(applied.added) resources \
                    added, \(applied.draining) on their way out
                    """)
            }
        } catch let error as LeaseConfigurationRefused {
            logger.error("\(error)")
        }
        // Only now: a database that was away is a reason to try the same file again.
        seen.withLock { $0 = stamp }
    }
}
