package import FoundationEssentials

/// Where the artifacts of runs are kept: a local folder now, object storage later.
///
/// Writes are atomic: a reader sees the previous content, or the new one whole. Nothing is appended to (object stores
/// cannot), so a live log is a row of chunk files.
package protocol ArtifactStorage: Sendable {
    /// What stands before a path in a link to it, e.g. `s3://bucket/`; empty for a local folder.
    var address: String { get }

    /// Writes a file from pieces until `next` answers nil; replaces what was there. If `next` throws, nothing changes.
    /// - Parameter durable: also survives the machine's sudden death once this returns.
    func put(_ path: ArtifactPath, durable: Bool, next: () async throws -> [UInt8]?) async throws

    /// Opens a file for reading; later replacements of it are not seen through the handle.
    func open(_ path: ArtifactPath) async throws(ArtifactStoreError) -> any ArtifactFile

    /// Size and time of a file or folder; nil where there is none.
    func entry(_ path: ArtifactPath) async throws(ArtifactStoreError) -> ArtifactEntry?

    /// One page of a folder's entries in byte order of their names; empty for a folder that does not exist.
    /// - Parameters:
    ///   - after: the name the previous page ended with (`ArtifactPage.next`).
    ///   - limit: at most 1,000.
    func list(_ folder: ArtifactPath, after: String?, limit: Int) async throws(ArtifactStoreError) -> ArtifactPage

    /// Removes a file, or a folder with all it holds; what is not there is not missed.
    func remove(_ path: ArtifactPath) async throws(ArtifactStoreError)
}

/// An open artifact, read by ranges. Closed when the last reference to it goes.
package protocol ArtifactFile: Sendable {
    /// Bytes, when it was opened.
    var size: Int64 { get }
    var modified: Date { get }

    /// Up to `count` bytes from `offset`; fewer only at the end, none beyond it.
    func read(at offset: Int64, count: Int) async throws(ArtifactStoreError) -> [UInt8]
}

/// A file or folder as a listing shows it.
package struct ArtifactEntry: Hashable, Sendable, Codable {
    package var name: String
    package var isFolder: Bool
    /// Bytes; 0 for a folder.
    package var size: Int64
    package var modified: Date

    package init(name: String, isFolder: Bool, size: Int64, modified: Date) {
        self.name = name
        self.isFolder = isFolder
        self.size = size
        self.modified = modified
    }
}

/// A part of a folder's listing.
package struct ArtifactPage: Hashable, Sendable {
    package var entries: [ArtifactEntry]
    /// Where the next page goes on; nil on the last one.
    package var next: String?

    package init(entries: [ArtifactEntry], next: String?) {
        self.entries = entries
        self.next = next
    }
}

extension ArtifactStorage {
    /// Writes a file whole.
    package func put(_ path: ArtifactPath, _ bytes: [UInt8], durable: Bool = false) async throws {
        var rest: [UInt8]? = bytes
        try await put(path, durable: durable) {
            defer { rest = nil }
            return rest
        }
    }

    package func put(_ path: ArtifactPath, _ text: String, durable: Bool = false) async throws {
        try await put(path, Array(text.utf8), durable: durable)
    }

    /// Reads a file whole; `.tooLarge` beyond `maximum` bytes, `.notFound` where there is none.
    package func get(_ path: ArtifactPath, maximum: Int = 4 << 20) async throws(ArtifactStoreError) -> [UInt8] {
        let file = try await open(path)
        guard file.size <= Int64(maximum) else { throw .tooLarge(path, size: file.size, maximum: Int64(maximum)) }
        return try await file.read(at: 0, count: Int(file.size))
    }

    /// Reads a range of a file, clamped to what exists.
    package func get(_ path: ArtifactPath, range: Range<Int64>) async throws(ArtifactStoreError) -> [UInt8] {
        try await open(path).read(at: range.lowerBound, count: Int(range.upperBound - range.lowerBound))
    }

    package func exists(_ path: ArtifactPath) async throws(ArtifactStoreError) -> Bool {
        try await entry(path) != nil
    }

    /// Every file below a folder, in order of path; `isComplete` is false where there were more than `limit`.
    package func files(
        below folder: ArtifactPath, limit: Int = 10_000
    ) async throws(ArtifactStoreError) -> (files: [(path: ArtifactPath, entry: ArtifactEntry)], isComplete: Bool) {
        var found: [(path: ArtifactPath, entry: ArtifactEntry)] = []
        var folders = [folder]
        while let current = folders.popLast() {
            var below: [ArtifactPath] = []
            var after: String?
            repeat {
                let page = try await list(current, after: after, limit: 1000)
                for entry in page.entries {
                    // A path too long to be named cannot be asked for either.
                    guard let path = try? current.appending(entry.name) else { continue }
                    if entry.isFolder {
                        below.append(path)
                    } else if found.count == limit {
                        return (found.sorted { $0.path < $1.path }, false)
                    } else {
                        found.append((path, entry))
                    }
                }
                after = page.next
            } while after != nil
            folders += below.reversed()
        }
        return (found.sorted { $0.path < $1.path }, true)
    }
}

extension ArtifactFile {
    /// The bytes of a range (the whole file where nil), piece by piece.
    package func pieces(of range: Range<Int64>? = nil, size pieceSize: Int = 64 << 10) -> ArtifactPieces {
        ArtifactPieces(
            file: self, offset: max(0, range?.lowerBound ?? 0), end: min(size, range?.upperBound ?? size),
            pieceSize: pieceSize)
    }
}

/// A file's content as a sequence of pieces, each read when it is asked for.
package struct ArtifactPieces: AsyncSequence, Sendable {
    package typealias Element = [UInt8]
    package typealias Failure = ArtifactStoreError

    let file: any ArtifactFile
    let offset: Int64
    let end: Int64
    let pieceSize: Int

    package func makeAsyncIterator() -> Iterator { Iterator(pieces: self, offset: offset) }

    package struct Iterator: AsyncIteratorProtocol {
        let pieces: ArtifactPieces
        var offset: Int64

        package mutating func next() async throws(ArtifactStoreError) -> [UInt8]? {
            let count = Int(Swift.min(Int64(pieces.pieceSize), pieces.end - offset))
            guard count > 0 else { return nil }
            let piece = try await pieces.file.read(at: offset, count: count)
            guard !piece.isEmpty else { return nil }
            offset += Int64(piece.count)
            return piece
        }

        package mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(ArtifactStoreError) -> [UInt8]? {
            try await next()
        }
    }
}

/// Why an artifact could not be read or written.
package enum ArtifactStoreError: Error, Hashable, CustomStringConvertible {
    case notFound(ArtifactPath)
    case notAFile(ArtifactPath)
    case notAFolder(ArtifactPath)
    case tooLarge(ArtifactPath, size: Int64, maximum: Int64)
    /// The disk (or the guard's share of it) is used up.
    case full(ArtifactPath, reason: String)
    case failed(operation: String, ArtifactPath, reason: String)
    /// The root itself cannot be used.
    case unusableRoot(String, reason: String)

    package var description: String {
        switch self {
        case .notFound(let path): "There is no artifact '\(path)'."
        case .notAFile(let path): "'\(path)' is not a regular file; symbolic links are never followed."
        case .notAFolder(let path):
            "A part of '\(path)' is not a folder, or is a symbolic link; those are never followed."
        case .tooLarge(let path, let size, let maximum):
            "'\(path)' has \(size) bytes, more than the \(maximum) this reader takes; read it by ranges."
        case .full(let path, let reason):
            "'\(path)' could not be written: \(reason). Free space below the artifact store's folder, or move it."
        case .failed(let operation, let path, let reason): "'\(path)' could not be \(operation): \(reason)."
        case .unusableRoot(let folder, let reason):
            "The artifact store's folder '\(folder)' cannot be used: \(reason). Create it, make it writable for this "
                + "process, or set another one."
        }
    }
}
