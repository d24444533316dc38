import FoundationEssentials
import JobConfig
import Logging
import Synchronization

/// The external plugins of a `plugins.yaml` and its supplemental files, read again whenever one of them changes. What
/// does not validate changes nothing and says why, once.
final class PluginTable: Sendable {
    private struct Stamp: Hashable {
        var size: UInt64
        var modified: Date
    }

    private struct Content {
        var plugins: [ExternalPlugin]?
        var stamps: [String: Stamp] = [:]
        var lookedAt: ContinuousClock.Instant?
        var problem: String?
    }

    /// There may be thousands of supplemental files, and this is asked with every batch of deliveries.
    private static let pause = Duration.seconds(5)

    private let path: String
    private let supplementalFolders: [String]
    private let logger: Logger
    private let content = Mutex(Content())

    init(path: String, supplementalFolders: [String] = [], logger: Logger) {
        self.path = path
        self.supplementalFolders = supplementalFolders
        self.logger = logger
    }

    /// The plugins in force.
    ///
    /// - Throws: `PluginTableError` where no version of the file was ever good.
    func plugins() throws -> [ExternalPlugin] {
        try content.withLock { content in
            if supplementalFolders.isEmpty || content.lookedAt.map({ .now - $0 > Self.pause }) ?? true {
                look(&content)
            }
            guard let plugins = content.plugins else {
                throw PluginTableError(description: content.problem ?? "\(path) cannot be read")
            }
            return plugins
        }
    }

    private func look(_ content: inout Content) {
        content.lookedAt = .now
        var stamps = [path: Self.stamp(path)]
        for folder in supplementalFolders {
            for name in (try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []
            where name.hasSuffix("_pluginconfig.yaml") {
                stamps["\(folder)/\(name)"] = Self.stamp("\(folder)/\(name)")
            }
        }
        let found = stamps.compactMapValues(\.self)
        guard found[path] == nil || found != content.stamps else { return }
        content.stamps = found
        var problem: String?
        let (files, unread) = JobConfiguration.pluginFiles(path: path, supplementalFolders: supplementalFolders)
        if files.isEmpty {
            problem = "\(path) cannot be read; check plugins.file and the file's permissions"
        } else {
            let (plugins, problems) = ExternalPlugin.read(files)
            if problems.isEmpty, unread.isEmpty {
                content.plugins = plugins
            } else {
                problem = (unread + problems).map(\.description).joined(separator: "; ")
            }
        }
        if let problem, problem != content.problem {
            logger.error("the external plugins stay as they are: \(problem)")
        }
        content.problem = problem
    }

    private static func stamp(_ path: String) -> Stamp? {
        (try? FileManager.default.attributesOfItem(atPath: path)).map {
            Stamp(size: ($0[.size] as? UInt64) ?? 0, modified: ($0[.modificationDate] as? Date) ?? .distantPast)
        }
    }
}

struct PluginTableError: Error, CustomStringConvertible {
    let description: String
}
