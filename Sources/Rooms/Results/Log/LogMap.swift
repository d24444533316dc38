#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where the lines of a log begin, sparsely: enough to open a window on any line without reading what is before it.
package struct LogMap: Sendable {
    /// Every so many lines, the offset of one is kept.
    static let stride = 256

    /// Bytes so far.
    package private(set) var size: Int64 = 0
    /// Complete lines so far; a last line without its newline counts once the log has ended.
    package private(set) var completeLines = 0
    /// Offset of line `index * stride + 1`.
    private var offsets: [Int64] = [0]
    private var lineBegin: Int64 = 0
    private var finder: FailureFinder?
    /// The beginning of an unfinished line, for the finder.
    private var partial: [UInt8] = []

    /// - Parameter findsFailure: whether to look for the line that tells of the failure, which takes time.
    package init(findsFailure: Bool) { finder = findsFailure ? FailureFinder() : nil }

    /// Lines that can be shown: the complete ones, and a last one without newline.
    package var lines: Int { completeLines + (size > lineBegin ? 1 : 0) }

    /// The line that a failed run's page opens on; nil where none was looked for or found.
    package var failingLine: Int? {
        guard var finder else { return nil }
        partial.withUnsafeBufferPointer { finder.look(at: $0, line: completeLines + 1) }
        return finder.line
    }

    /// Where to begin to read for `line`, and which line begins there.
    package func start(of line: Int) -> (offset: Int64, line: Int) {
        let index = min(max(0, line - 1) / Self.stride, offsets.count - 1)
        return (offsets[index], index * Self.stride + 1)
    }

    package mutating func feed(_ piece: [UInt8]) {
        piece.withUnsafeBufferPointer { bytes in
            var begin = 0
            while begin < bytes.count {
                guard let base = bytes.baseAddress,
                    let found = memchr(base + begin, 0x0A, bytes.count - begin)
                else { break }
                let end = UnsafeRawPointer(base).distance(to: UnsafeRawPointer(found))
                look(at: UnsafeBufferPointer(rebasing: bytes[begin..<end]))
                completeLines += 1
                lineBegin = size + Int64(end) + 1
                if completeLines.isMultiple(of: Self.stride) { offsets.append(lineBegin) }
                begin = end + 1
            }
            if finder != nil, partial.count < 4096 { partial.append(contentsOf: bytes[begin...].prefix(4096)) }
            size += Int64(bytes.count)
        }
    }

    private mutating func look(at end: UnsafeBufferPointer<UInt8>) {
        guard finder != nil else { return }
        let number = completeLines + 1
        if partial.isEmpty {
            finder?.look(at: end, line: number)
        } else {
            partial.append(contentsOf: end.prefix(4096))
            partial.withUnsafeBufferPointer { finder?.look(at: $0, line: number) }
            partial.removeAll(keepingCapacity: true)
        }
    }
}
