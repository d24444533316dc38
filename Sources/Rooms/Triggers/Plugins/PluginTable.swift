import FoundationEssentials
import JobConfig
import Logging
import Synchronization

/// The external plugins of a `plugins.yaml`, read again whenever the file changes. A file that does not validate
/// changes nothing and says why, once.
final class PluginTable: Sendable {
    private struct Stamp: Hashable {
        var size: UInt64
        var modified: Date
    }

    private struct Content {
        var plugins: [ExternalPlugin]?
        var stamp: Stamp?
        var problem: String?
    }

    private let path: String
    private let logger: Logger
    private let content = Mutex(Content())

    init(path: String, logger: Logger) {
        self.path = path
        self.logger = logger
    }

    /// The plugins in force.
    ///
    /// - Throws: `PluginTableError` where no version of the file was ever good.
    func plugins() throws -> [ExternalPlugin] {
        try content.withLock { content in
            let attributes = try? FileManager.default.attributesOfItem(atPath: path)
            let stamp = attributes.map {
                Stamp(
                    size: ($0[.size] as? UInt64) ?? 0, modified: ($0[.modificationDate] as? Date) ?? .distantPast)
            }
            if stamp == nil || stamp != content.stamp { load(&content, stamp) }
            guard let plugins = content.plugins else {
                throw PluginTableError(description: content.problem ?? "\(path) cannot be read")
            }
            return plugins
        }
    }

    private func load(_ content: inout Content, _ stamp: Stamp?) {
        var problem: String?
        if let stamp, let bytes = FileManager.default.contents(atPath: path) {
            let (plugins, problems) = ExternalPlugin.read(SourceFile(path: path, bytes: Array(bytes)))
            if problems.isEmpty {
                content.plugins = plugins
            } else {
                problem = problems.map(\.description).joined(separator: "; ")
            }
            content.stamp = stamp
        } else {
            problem = "\(path) cannot be read; check plugins.file and the file's permissions"
        }
        if let problem, problem != content.problem {
            logger.error("the external plugins stay as they are: \(problem)")
        }
        content.problem = problem
    }
}

struct PluginTableError: Error, CustomStringConvertible {
    let description: String
}
