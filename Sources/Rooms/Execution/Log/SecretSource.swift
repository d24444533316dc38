import Glibc

/// Where the secrets come from that a run's log and artifacts must not show: the agent's own settings, and a folder of
/// files (a mounted Kubernetes secret, say), read again for each run because secrets are rotated.
package struct SecretSource: Sendable {
    private let values: [String]
    private let folder: String?

    /// - Parameters:
    ///   - values: passwords and tokens themselves.
    ///   - folder: every file below it holds one secret; nil for none.
    package init(values: [String] = [], folder: String? = nil) {
        self.values = values
        self.folder = folder
    }

    /// - Throws: where the folder is set and cannot be read: a log that cannot be censored is not to be shown.
    func load() throws(SecretSourceError) -> SecretSet {
        var secrets = values.map { Array($0.utf8) }
        guard let folder else { return SecretSet(secrets) }
        let root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard root >= 0 else { throw SecretSourceError(folder: folder) }
        defer { close(root) }
        // Mounted secrets are links into a folder beside them, so passing over links misses none.
        FolderTree.walk(root) { item in
            guard item.isFile, item.status.st_size <= SecretSet.maximumLength else { return true }
            let file = openat(item.parent, item.name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
            guard file >= 0 else { return true }
            defer { close(file) }
            var secret: [UInt8] = []
            while secret.count <= SecretSet.maximumLength {
                let piece = readPiece(file)
                if piece.isEmpty { break }
                secret += piece
            }
            secrets.append(secret)
            return secrets.count < 2000
        }
        return SecretSet(secrets)
    }
}

struct SecretSourceError: Error, CustomStringConvertible {
    let folder: String
    var description: String {
        "The folder of secrets '\(folder)' cannot be read, so nothing could be censored. Correct agent.secrets_folder "
            + "or its permissions."
    }
}
