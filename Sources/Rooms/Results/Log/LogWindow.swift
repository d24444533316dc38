package import ArtifactStore
package import Web

/// Some consecutive lines of a log, ready for a page.
package struct LogWindow: Sendable {
    /// From 1.
    package var first: Int
    package var lines: [Markup]
    /// Offset behind the last line shown.
    package var end: Int64

    package var last: Int { first + lines.count - 1 }

    /// Lines of one window.
    package static let maximumLines = 500

    /// Reads `count` lines from `first` on; fewer at the end of the log.
    package static func read(
        _ file: any ArtifactFile, map: LogMap, first: Int, count: Int
    ) async throws -> LogWindow {
        let first = max(1, min(first, max(1, map.lines)))
        let start = map.start(of: first)
        var splitter = LineSplitter(offset: start.offset)
        var line = start.line
        var text = TerminalText()
        var window = LogWindow(first: first, lines: [], end: start.offset)
        func take(_ content: LineSplitter.Line) -> Bool {
            defer { line += 1 }
            guard line >= first else { return true }
            window.lines.append(text.render(content.bytes, omitted: content.omitted))
            window.end = content.end
            return window.lines.count < min(count, maximumLines)
        }
        for try await piece in file.pieces(of: start.offset..<map.size, size: 64 << 10) {
            for content in splitter.feed(piece) where !take(content) { return window }
        }
        if let content = splitter.finish() { _ = take(content) }
        return window
    }
}

/// Cuts bytes into lines, and knows where each ends.
struct LineSplitter {
    struct Line {
        /// The beginning of the line, without its newline.
        var bytes: [UInt8]
        /// Bytes of the line that were not kept.
        var omitted: Int
        /// Offset behind the line and its newline.
        var end: Int64
    }

    /// Bytes of a line that are kept: a log without newlines needs no endless memory.
    static let maximumBytes = 8192

    private var bytes: [UInt8] = []
    private var omitted = 0
    /// Offset of the next byte that is fed.
    private var offset: Int64

    init(offset: Int64) { self.offset = offset }

    /// The lines that are complete now.
    mutating func feed(_ piece: [UInt8]) -> [Line] {
        var lines: [Line] = []
        var begin = piece.startIndex
        while let newline = piece[begin...].firstIndex(of: 0x0A) {
            keep(piece[begin..<newline])
            begin = newline + 1
            lines.append(take(end: offset + Int64(begin)))
        }
        keep(piece[begin...])
        offset += Int64(piece.count)
        return lines
    }

    /// The last line, if it has no newline.
    mutating func finish() -> Line? {
        bytes.isEmpty ? nil : take(end: offset)
    }

    private mutating func keep(_ part: ArraySlice<UInt8>) {
        let kept = part.prefix(max(0, Self.maximumBytes - bytes.count))
        bytes += kept
        omitted += part.count - kept.count
    }

    private mutating func take(end: Int64) -> Line {
        defer { (bytes, omitted) = ([], 0) }
        return Line(bytes: bytes, omitted: omitted, end: end)
    }
}
