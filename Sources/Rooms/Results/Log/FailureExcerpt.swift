package import ArtifactStore

/// The lines of a failed run's log that tell why it failed, as plain text, for messages to people.
package struct FailureExcerpt: Sendable {
    /// Bytes at the end of a log that are looked at.
    private static let range: Int64 = 8 << 20
    /// Lines before the one that tells most.
    private static let lead = 2

    private let artifacts: any ArtifactStorage

    package init(_ artifacts: any ArtifactStorage) { self.artifacts = artifacts }

    /// Up to `count` lines around the one that a person wants to see first; where none stands out, the last ones. Empty
    /// where there is no log.
    ///
    /// - Parameter folder: the attempt's folder in the store.
    package func lines(in folder: String, count: Int) async throws -> [String] {
        guard let log = try await RunLog(artifacts, folder: ArtifactPath(folder)).open() else { return [] }
        let start = max(0, log.file.size - Self.range)
        var splitter = LineSplitter(offset: start)
        var window = Window(count: count)
        for try await piece in log.file.pieces(of: start..<log.file.size, size: 256 << 10) {
            for line in splitter.feed(piece) { window.take(line.bytes) }
        }
        if let line = splitter.finish() { window.take(line.bytes) }
        return window.lines
    }

    /// The lines to be shown of those that were seen.
    private struct Window {
        let count: Int
        private var finder = FailureFinder()
        private var seen = 0
        private var found: [String] = []
        private var last: [String] = []

        init(count: Int) { self.count = count }

        var lines: [String] { finder.line == nil ? last : found }

        mutating func take(_ bytes: [UInt8]) {
            seen += 1
            let text = bytes.withUnsafeBufferPointer { line in
                finder.look(at: line, line: seen)
                return String(decoding: FailureFinder.withoutEscapes(line), as: UTF8.self)
            }
            if finder.line == seen { found = last.suffix(FailureExcerpt.lead) }
            if finder.line != nil, found.count < count { found.append(text) }
            last.append(text)
            if last.count > count { last.removeFirst() }
        }
    }
}
