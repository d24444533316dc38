import JobConfig
package import Patterns

/// Where a repository keeps its OWNERS files: `owners.filenames`, `owners.mdyamlrepos` of Prow's `plugins.yaml` and
/// `owners_dir_denylist` of its `config.yaml`.
package struct OwnersLayout: Sendable, Hashable {
    package var fileName = "OWNERS"
    package var aliasesName = "OWNERS_ALIASES"
    /// Folders whose OWNERS files, and those below, are not read.
    package var ignoredFolders: [Pattern] = OwnersLayout.usuallyIgnored
    /// Markdown files may name their own owners in a header.
    package var readsMarkdown = false

    /// What Prow ignores unless `ignore_preconfigured_defaults` is set.
    package static let usuallyIgnored = IgnoredOwnersFolders.usual.compactMap { try? Pattern($0) }

    package init() {}

    /// Whether a path is an OWNERS file that counts.
    package func isOwnersFile(_ path: String) -> Bool {
        OwnersPath.name(of: path) == fileName && !ignores(folder: OwnersPath.folder(of: path))
    }

    /// Whether a path's content decides over who owns something.
    package func isRead(_ path: String) -> Bool { path == aliasesName || isOwnersFile(path) }

    private func ignores(folder: String) -> Bool {
        var folder = folder
        while !folder.isEmpty {
            if ignoredFolders.contains(where: { $0.matches(folder) }) { return true }
            folder = OwnersPath.folder(of: folder)
        }
        return false
    }
}

/// Paths as git writes them; the root is the empty one.
package enum OwnersPath {
    /// The folder that a file or folder lies in.
    package static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "" }
        return String(path[..<slash])
    }

    package static func name(of path: String) -> Substring {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path[...] }
        return path[path.utf8.index(after: slash)...]
    }

    /// A path as seen from a folder above it.
    package static func relative(_ path: String, to folder: String) -> String {
        guard !folder.isEmpty else { return path }
        return path.utf8.count > folder.utf8.count ? String(path.utf8.dropFirst(folder.utf8.count + 1)) ?? path : "."
    }

    package static func joined(_ folder: String, _ name: String) -> String {
        folder.isEmpty ? name : "\(folder)/\(name)"
    }

    /// Whether a folder lies somewhere below another one.
    package static func isBelow(_ folder: String, _ other: String) -> Bool {
        guard folder.utf8.count > other.utf8.count else { return false }
        return other.isEmpty || folder.hasPrefix(other + "/")
    }
}
