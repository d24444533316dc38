import FoundationEssentials
import JobConfig
import Logging
import Synchronization

/// Applies a configuration whenever it changes: a look at sizes and times of its files, and a load only where they differ.
final class ConfigurationWatcher: Sendable {
    private let sources: ConfigurationSources
    private let store: ConfigurationStore
    private let logger: Logger
    private let loader = ConfigurationLoader()
    private let seen = Mutex<[String: Stamp]?>(nil)

    private struct Stamp: Hashable {
        var size: UInt64
        var modified: Date
    }

    init(_ sources: ConfigurationSources, store: ConfigurationStore, logger: Logger) {
        self.sources = sources
        self.store = store
        self.logger = logger
    }

    /// One look. What does not validate changes nothing, is said once, and is tried again when it changes.
    func round() async throws {
        var stamps: [String: Stamp] = [:]
        for folder in sources.folders { stamps.merge(Self.stamps(folder)) { first, _ in first } }
        for file in sources.files { stamps[file] = Self.stamp(file) }
        guard seen.withLock({ $0 }) != stamps else { return }
        let loaded = sources.load(by: loader)
        let folder = sources.jobs
        do {
            let applied = try await store.apply(loaded, by: "watched folder", source: folder)
            if applied.changed {
                logger.info(
                    """
                    configuration version \(applied.version) from \(folder): \(applied.jobs) jobs, \(applied.added) \
                    added, \(applied.modified) modified, \(applied.removed) removed
                    """)
            }
        } catch let error as ConfigurationRefused {
            logger.error("the configuration in \(folder) is not applied:\n\(error)")
        }
        // Only now: a database that was away is a reason to try the same files again.
        seen.withLock { $0 = stamps }
    }

    private static func stamps(_ folder: String) -> [String: Stamp] {
        var stamps: [String: Stamp] = [:]
        guard let names = try? FileManager.default.subpathsOfDirectory(atPath: folder) else { return stamps }
        for name in names where name.hasSuffix(".yaml") || name.hasSuffix(".yml") {
            stamps["\(folder)/\(name)"] = stamp("\(folder)/\(name)")
        }
        return stamps
    }

    private static func stamp(_ path: String) -> Stamp? {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path) else { return nil }
        return Stamp(
            size: (attributes[.size] as? UInt64) ?? 0,
            modified: (attributes[.modificationDate] as? Date) ?? .distantPast)
    }
}
