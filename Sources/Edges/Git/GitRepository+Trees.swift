/// An entry of a tree as `git ls-tree -r` lists it.
package struct TreeEntry: Hashable, Sendable {
    /// `100644`, `100755`, `120000` (a link) or `160000` (a submodule).
    package var mode: String
    package var hash: String
    /// From the root of the tree.
    package var path: String

    package init(mode: String, hash: String, path: String) {
        self.mode = mode
        self.hash = hash
        self.path = path
    }

    /// Neither a link nor a submodule.
    package var isFile: Bool { mode.hasPrefix("100") }
}

extension GitRepository {
    /// The tree of a commit.
    package func tree(of commit: String) async throws -> String {
        try await check(["rev-parse", "--verify", "--quiet", "--end-of-options", "\(commit)^{tree}"]).firstLine
    }

    /// Every file of a tree or commit, in the order of their paths.
    ///
    /// - Parameter paths: Files and folders that are listed; none stands for all.
    package func entries(of tree: String, paths: [String] = []) async throws -> [TreeEntry] {
        let output = try await check(["ls-tree", "-r", "-z", "--full-tree", tree, "--"] + paths)
        return output.bytes.split(separator: 0).compactMap { record in
            let text = String(decoding: record, as: UTF8.self)
            let halves = text.split(separator: "\t", maxSplits: 1)
            let fields = halves.first?.split(separator: " ") ?? []
            guard halves.count == 2, fields.count == 3 else { return nil }
            return TreeEntry(mode: String(fields[0]), hash: String(fields[2]), path: String(halves[1]))
        }
    }

    /// What the blobs hold, by their hashes; those that are missing, or larger than the limit, are left out.
    ///
    /// - Parameter limit: Bytes of one blob.
    package func blobs(_ hashes: [String], limit: Int = 1 << 20) async throws -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        let wanted = Array(Set(hashes))
        guard !wanted.isEmpty else { return [:] }
        let sizes = try await check(["cat-file", "--batch-check=%(objectname) %(objectsize)"], input: lines(wanted))
        var batch: [String] = []
        var bytes = 0
        for line in sizes.text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count == 2, let size = Int(fields[1]), size <= limit else { continue }
            if bytes + size > Self.outputLimit / 2, !batch.isEmpty {
                try await read(batch, into: &found)
                (batch, bytes) = ([], 0)
            }
            batch.append(String(fields[0]))
            bytes += size
        }
        if !batch.isEmpty { try await read(batch, into: &found) }
        return found
    }

    /// Which of these objects are not there.
    package func missing(_ hashes: [String]) async throws -> [String] {
        guard !hashes.isEmpty else { return [] }
        let output = try await check(["cat-file", "--batch-check=%(objectname)"], input: lines(hashes))
        return output.text.split(separator: "\n").compactMap { line in
            line.hasSuffix(" missing") ? String(line.dropLast(" missing".count)) : nil
        }
    }

    private func lines(_ hashes: [String]) -> [UInt8] { Array((hashes.joined(separator: "\n") + "\n").utf8) }

    /// Reads the output of `git cat-file --batch`: a line `HASH TYPE SIZE`, then that many bytes and a line feed.
    private func read(_ hashes: [String], into found: inout [String: [UInt8]]) async throws {
        let bytes = try await check(["cat-file", "--batch"], input: lines(hashes)).bytes
        var position = 0
        while position < bytes.count, let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) {
            let fields = String(decoding: bytes[position..<end], as: UTF8.self).split(separator: " ")
            position = end + 1
            guard fields.count == 3, let size = Int(fields[2]), position + size <= bytes.count else { continue }
            found[String(fields[0])] = Array(bytes[position..<position + size])
            position += size + 1
        }
    }
}
