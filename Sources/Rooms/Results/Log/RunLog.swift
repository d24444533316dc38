package import ArtifactStore
import FoundationEssentials

/// The log of one attempt: chunks while it runs, one file afterwards; readable by ranges either way.
package struct RunLog: Sendable {
    private let artifacts: any ArtifactStorage
    /// The attempt's folder.
    package let folder: ArtifactPath

    package init(_ artifacts: any ArtifactStorage, folder: ArtifactPath) {
        self.artifacts = artifacts
        self.folder = folder
    }

    /// What there is of it now; nil when nothing was written yet.
    package func open() async throws -> Content? {
        // Completion writes the file first and removes the chunks then, so two rounds see one or the other.
        for _ in 0..<2 {
            if let file = try await artifacts.openIfPresent(try folder.appending("build-log.txt")) {
                return Content(file: file, isWhole: true)
            }
            if let chunks = try await ChunkedLog(artifacts, folder: try folder.appending(".log")) {
                return Content(file: chunks, isWhole: false)
            }
        }
        return nil
    }

    package struct Content: Sendable {
        package let file: any ArtifactFile
        /// False while it is made of chunks and may grow.
        package let isWhole: Bool
    }
}

/// The chunks of a live log as one file.
struct ChunkedLog: ArtifactFile {
    private let artifacts: any ArtifactStorage
    private let paths: [ArtifactPath]
    /// Offset of each chunk's end.
    private let ends: [Int64]
    let modified: Date

    var size: Int64 { ends.last ?? 0 }

    /// Nil where there is no chunk.
    init?(_ artifacts: any ArtifactStorage, folder: ArtifactPath) async throws {
        var paths: [ArtifactPath] = []
        var ends: [Int64] = []
        var modified = Date.distantPast
        var after: String?
        repeat {
            let page = try await artifacts.listIfPresent(folder, after: after, limit: 1000)
            for entry in page.entries
            where !entry.isFolder && entry.name.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
                paths.append(try folder.appending(entry.name))
                ends.append((ends.last ?? 0) + entry.size)
                modified = max(modified, entry.modified)
            }
            after = page.next
        } while after != nil
        guard !paths.isEmpty else { return nil }
        self.artifacts = artifacts
        self.paths = paths
        self.ends = ends
        self.modified = modified
    }

    func read(at offset: Int64, count: Int) async throws(ArtifactStoreError) -> [UInt8] {
        var bytes: [UInt8] = []
        var offset = max(0, offset)
        // The chunk that holds the offset: the first that ends behind it.
        var low = 0
        var high = ends.count
        while low < high {
            let middle = (low + high) / 2
            if ends[middle] > offset { high = middle } else { low = middle + 1 }
        }
        while low < paths.count, bytes.count < count {
            let begin = low == 0 ? 0 : ends[low - 1]
            let piece = try await artifacts.open(paths[low]).read(at: offset - begin, count: count - bytes.count)
            guard !piece.isEmpty else { break }
            bytes += piece
            offset += Int64(piece.count)
            if offset >= ends[low] { low += 1 }
        }
        return bytes
    }
}
