import FoundationEssentials
import Signatures

/// Finds and reads the files of a configuration.
enum ConfigurationFolder {
    static let fileLimit = 16 << 20
    static let totalLimit = 256 << 20
    static let countLimit = 20_000
    static let depthLimit = 32

    /// Every `.yaml` and `.yml` below the folder, ordered by path. Names beginning with `..` are skipped (a
    /// mounted config map keeps its versions there), and so is what a `.prowignore` names; a link to a file is read, a
    /// link to a folder is not followed.
    ///
    /// - Parameters:
    ///   - below: the only folder in there to be read; the rules of a `.prowignore` beside it hold for it too.
    ///   - suffixes: how the names of the files end.
    static func read(
        _ folder: String, below: String? = nil, suffixes: [String] = [".yaml", ".yml"]
    ) -> (files: [SourceFile], errors: [ConfigProblem]) {
        // Prow takes a single file as well.
        var isFolder = false
        if FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), !isFolder {
            let (single, error) = file(folder)
            return (single.map { [$0] } ?? [], error.map { [$0] } ?? [])
        }
        var walk = Walk(root: folder, suffixes: suffixes)
        if let below {
            walk.ignore(rulesIn: "")
            walk.visit(below, depth: 1)
        } else {
            walk.visit("", depth: 0)
        }
        return (walk.files, walk.errors)
    }

    /// One file named by itself.
    static func file(_ path: String) -> (file: SourceFile?, error: ConfigProblem?) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let folder = parts.dropLast().joined(separator: "/")
        var walk = Walk(root: parts.count == 1 ? "." : folder.isEmpty ? "/" : folder)
        walk.read(String(parts.last ?? ""))
        return (walk.files.first, walk.errors.first)
    }

    /// Whether the path is a folder, and the path without slashes at its end.
    static func place(_ path: String) -> (isFolder: Bool, path: String) {
        var trimmed = path[...]
        while trimmed.count > 1, trimmed.last == "/" { trimmed.removeLast() }
        var isFolder = false
        let exists = FileManager.default.fileExists(atPath: String(trimmed), isDirectory: &isFolder)
        return (exists && isFolder, String(trimmed))
    }

    static func hash(of files: [SourceFile]) -> String {
        var stream = SHA256Stream()
        for file in files {
            // Lengths keep one file's end apart from the next one's path.
            stream.update("\(file.path.utf8.count) \(file.bytes.count) \(file.path)".utf8)
            file.bytes.withUnsafeBytes { stream.update($0) }
        }
        return Hexadecimal.encode(stream.finalize())
    }

    private struct Walk {
        let root: String
        let suffixes: [String]
        var files: [SourceFile] = []
        var errors: [ConfigProblem] = []
        private var total = 0
        private var ignored = IgnoreRules()

        init(root: String, suffixes: [String] = []) {
            self.root = root
            self.suffixes = suffixes
        }

        mutating func ignore(rulesIn path: String) {
            let file = path.isEmpty ? "\(root)/.prowignore" : "\(root)/\(path)/.prowignore"
            guard let rules = FileManager.default.contents(atPath: file) else { return }
            ignored.add(String(decoding: rules.prefix(65_536), as: UTF8.self), in: path)
        }

        mutating func visit(_ path: String, depth: Int) {
            let folder = path.isEmpty ? root : "\(root)/\(path)"
            let names: [String]
            do {
                names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            } catch {
                let exists = FileManager.default.fileExists(atPath: folder)
                let reason = exists ? "it cannot be read" : "there is no such folder"
                return refuse(path.isEmpty ? root : path, "\(reason); name a folder with job files that you may read")
            }
            if names.contains(".prowignore") { ignore(rulesIn: path) }
            for name in names where !name.hasPrefix("..") {
                let inner = path.isEmpty ? name : "\(path)/\(name)"
                var isFolder = false
                guard FileManager.default.fileExists(atPath: "\(root)/\(inner)", isDirectory: &isFolder),
                    !ignored.ignores(inner, isFolder: isFolder)
                else { continue }
                if isFolder {
                    guard (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(root)/\(inner)")) == nil
                    else { continue }
                    guard depth < depthLimit else {
                        refuse(inner, "it lies more than \(depthLimit) folders deep; move it up")
                        continue
                    }
                    visit(inner, depth: depth + 1)
                } else if suffixes.contains(where: { name.hasSuffix($0) }) {
                    read(inner)
                }
            }
        }

        mutating func read(_ path: String) {
            let full = "\(root)/\(path)"
            do {
                let target =
                    (try? FileManager.default.destinationOfSymbolicLink(atPath: full)) == nil ? full : resolved(full)
                let attributes = try FileManager.default.attributesOfItem(atPath: target)
                guard attributes[.type] as? FileAttributeType == .typeRegular else {
                    return refuse(path, "it is not a regular file; remove it")
                }
                let size = (attributes[.size] as? UInt64).map(Int.init(clamping:)) ?? (attributes[.size] as? Int) ?? 0
                guard size <= fileLimit else {
                    return refuse(
                        path,
                        "it has \(size >> 20) MB and is not read; a file may have \(fileLimit >> 20) MB, so split it")
                }
                total += size
                guard total <= totalLimit, files.count < countLimit else {
                    if errors.last?.message != Walk.tooMuch { refuse(path, Walk.tooMuch) }
                    return
                }
                files.append(SourceFile(path: path, bytes: [UInt8](try Data(contentsOf: URL(filePath: target)))))
            } catch {
                refuse(path, "it cannot be read; check that it exists and that you may read it")
            }
        }

        private func resolved(_ path: String) -> String {
            URL(filePath: path).resolvingSymlinksInPath().path
        }

        private mutating func refuse(_ path: String, _ message: String) {
            errors.append(ConfigProblem(file: path, line: 0, message: message))
        }

        private static let tooMuch =
            "with this file the configuration exceeds \(totalLimit >> 20) MB or \(countLimit) files; name a smaller folder"
    }
}
