import Foundation

/// The checkout that these tests were built from.
enum Checkout {
    /// The folder of Package.swift.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func text(of path: String) -> String {
        (try? String(contentsOf: root.appending(path: path), encoding: .utf8)) ?? ""
    }

    /// Names of the folders directly below a path.
    static func folders(in path: String) -> [String] {
        let folder = root.appending(path: path)
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return entries.filter { name in
            var isFolder: ObjCBool = false
            let exists = FileManager.default.fileExists(
                atPath: folder.appending(path: name).path, isDirectory: &isFolder)
            return exists && isFolder.boolValue
        }.sorted()
    }

    /// Files at any depth, as paths from the root.
    static func files(below path: String, suffix: String) -> [String] {
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: root.appending(path: path).path)) ?? []
        return names.filter { $0.hasSuffix(suffix) }.map { "\(path)/\($0)" }.sorted()
    }
}
