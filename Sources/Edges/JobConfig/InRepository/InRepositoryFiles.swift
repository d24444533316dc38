/// Which files of a repository are its own configuration. Prow's rule: those named `.yaml` or `.yml` below the folder
/// `.prow`; where there is no such folder, the file `.prow.yaml`. A `.prowignore` at the root or within the folder leaves
/// out files of the folder.
package enum InRepositoryFiles {
    package static let file = ".prow.yaml"
    package static let folder = ".prow"
    package static let ignoreFile = ".prowignore"

    /// Files and bytes of one repository's configuration, at most.
    package static let countLimit = 1_000
    package static let totalLimit = 8 << 20

    /// Whether a change of the path may change what the repository's configuration says.
    package static func isPart(_ path: String) -> Bool {
        path == file || path == ignoreFile || path.hasPrefix(folder + "/")
    }

    /// The configuration files among the paths of a repository, ordered.
    ///
    /// - Parameters:
    ///   - paths: those for which `isPart` holds.
    ///   - ignoreRules: the contents of the `.prowignore` files among them, by path.
    package static func choose(from paths: [String], ignoreRules: [String: String] = [:]) -> [String] {
        let inner = paths.filter { $0.hasPrefix(folder + "/") }
        guard !inner.isEmpty else { return paths.filter { $0 == file } }
        var ignored = IgnoreRules()
        for (path, text) in ignoreRules.sorted(by: { $0.key < $1.key }) {
            let folder = path.split(separator: "/").dropLast().joined(separator: "/")
            ignored.add(String(text.prefix(65_536)), in: folder)
        }
        return inner.filter { path in
            (path.hasSuffix(".yaml") || path.hasSuffix(".yml")) && !ignores(path, ignored)
        }.sorted()
    }

    /// Whether the path, or a folder that it lies in, is ignored.
    private static func ignores(_ path: String, _ rules: IgnoreRules) -> Bool {
        let parts = path.split(separator: "/")
        return parts.indices.contains { index in
            rules.ignores(parts[...index].joined(separator: "/"), isFolder: index < parts.count - 1)
        }
    }

    /// Reads them from a folder of this machine: a checkout, a `.prow` folder, or a single file under whatever name.
    package static func read(path: String) -> (files: [SourceFile], errors: [ConfigProblem]) {
        let (isFolder, root) = ConfigurationFolder.place(path)
        guard isFolder else {
            let (file, error) = ConfigurationFolder.file(path)
            return (file.map { [$0] } ?? [], error.map { [$0] } ?? [])
        }
        if root.split(separator: "/").last == Substring(folder) {
            return ConfigurationFolder.read("\(root)/..", below: folder)
        }
        if ConfigurationFolder.place("\(root)/\(folder)").isFolder {
            return ConfigurationFolder.read(root, below: folder)
        }
        let (found, error) = ConfigurationFolder.file("\(root)/\(file)")
        return (found.map { [$0] } ?? [], error.map { [$0] } ?? [])
    }
}
