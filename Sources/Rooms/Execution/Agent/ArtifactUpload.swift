import ArtifactStore
import Glibc

/// Stores what a job left in its artifacts folder: regular files only, censored, bounded in number and size.
struct ArtifactUpload {
    struct Limits: Sendable, Hashable {
        var files = 20_000
        var bytes: Int64 = 2 << 30
    }

    struct Summary: Sendable, Hashable {
        var files = 0
        var bytes: Int64 = 0
        /// Sentences for the end of the log.
        var remarks: [String] = []
    }

    private struct Source {
        var components: [[CChar]]
        var path: ArtifactPath
        var size: Int64
        /// Results are stored first: limits must not cost a test's verdict.
        var isResult: Bool
    }

    let folder: String
    let destination: ArtifactPath
    let store: any ArtifactStorage
    let secrets: SecretSet
    var limits = Limits()

    /// - Parameter isStopped: asked between files.
    func run(isStopped: () -> Bool) async throws -> Summary {
        let root = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard root >= 0 else { return Summary() }
        defer { close(root) }
        var summary = Summary()
        let (sources, skipped, isComplete) = collect(root)
        if skipped > 0 {
            summary.remarks.append(
                "\(skipped) artifacts were not stored: links, pipes, or names that are too long or no UTF-8")
        }
        if !isComplete {
            summary.remarks.append(
                "only the first \(limits.files) artifacts were stored; pack the others into one file")
        }
        var left = 0
        for source in sources {
            if isStopped() { return summary }
            guard summary.bytes + source.size <= limits.bytes else {
                left += 1
                continue
            }
            guard let stored = try await put(source, root) else { continue }
            summary.files += 1
            summary.bytes += stored
        }
        if left > 0 {
            summary.remarks.append(
                "\(left) artifacts were not stored: together they would be larger than "
                    + LogRecorder.size(Int(limits.bytes)))
        }
        return summary
    }

    private func collect(_ root: Int32) -> (sources: [Source], skipped: Int, isComplete: Bool) {
        var sources: [Source] = []
        var skipped = 0
        let isComplete = FolderTree.walk(root) { item in
            if item.isFolder { return true }
            let components = item.above + [item.name]
            guard item.isFile, let path = path(components) else {
                skipped += 1
                return true
            }
            if sources.count == limits.files { return false }
            let name = path.name
            sources.append(
                Source(
                    components: components, path: path, size: Int64(item.status.st_size),
                    isResult: name.hasPrefix("junit") && name.hasSuffix(".xml")))
            return true
        }
        return (sources.sorted { ($0.isResult ? 0 : 1, $0.path) < ($1.isResult ? 0 : 1, $1.path) }, skipped, isComplete)
    }

    private func path(_ components: [[CChar]]) -> ArtifactPath? {
        let texts = components.compactMap {
            String(validating: $0.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        guard texts.count == components.count else { return nil }
        return try? ArtifactPath(components: destination.components + texts)
    }

    /// Bytes stored; nil for what is no longer there or has become something else.
    private func put(_ source: Source, _ root: Int32) async throws -> Int64? {
        var folder = dup(root)
        defer { close(folder) }
        for component in source.components.dropLast() {
            let next = openat(folder, component, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard next >= 0 else { return nil }
            close(folder)
            folder = next
        }
        guard let name = source.components.last else { return nil }
        let file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        var censor = Censor(secrets)
        var total: Int64 = 0
        var isAtEnd = false
        try await store.put(source.path, durable: false) {
            while !isAtEnd {
                let piece = readPiece(file)
                isAtEnd = piece.isEmpty
                let clean = isAtEnd ? censor.finish() : censor.feed(piece)
                total += Int64(clean.count)
                if !clean.isEmpty { return clean }
            }
            return nil
        }
        return total
    }
}

/// Up to 256 KB from where the file stands; empty at its end.
func readPiece(_ file: Int32) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 256 << 10) { buffer, filled in
        var count = 0
        repeat { count = read(file, buffer.baseAddress, buffer.count) } while count < 0 && errno == EINTR
        filled = max(0, count)
    }
}
