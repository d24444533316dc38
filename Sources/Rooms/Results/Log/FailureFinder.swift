/// Guesses from its text alone which line of a failed run's log a person wants to see first. Pure.
///
/// Lines get a rank; the first line of the highest rank wins. A test's verdict at the beginning of a line outranks an
/// indented one (which may be a first try that was repeated), and both outrank a mere mention of an error.
package struct FailureFinder: Sendable, Hashable {
    /// From 1; nil while no line said anything.
    package private(set) var line: Int?
    private var rank = 0

    package init() {}

    package mutating func look(at bytes: UnsafeBufferPointer<UInt8>, line number: Int) {
        guard rank < Self.highest else { return }
        let found = Self.rank(of: bytes)
        if found > rank { (rank, line) = (found, number) }
    }

    private static let highest = 3

    /// Verdicts at the beginning of a line.
    private static let verdicts = [
        "--- FAIL", "FAIL ", "FAIL:", "FAIL\t", "FAILED", "not ok ", "[FAIL]", "[  FAILED  ]", "E   ", "CONFLICT (",
        "✗", "✘",
    ].map { Array($0.utf8) }

    /// Mentions anywhere that only a failure makes.
    private static let certain = Needles([
        "panic:", "panicked at", "Traceback (most recent call last)", "Segmentation fault", "core dumped",
        "fatal error:", "AddressSanitizer:", "<<< FAILURE!", "<<< ERROR!", " ... FAILED",
    ])

    /// Mentions that may mean a failure.
    private static let possible = Needles([
        "error:", "Error:", "ERROR", "level=error", "fatal:", "Fatal:", "FATAL", "assertion", "Assertion", "imed out",
        "failed after", "rror 1", "xception:",
    ])

    private static func rank(of bytes: UnsafeBufferPointer<UInt8>) -> Int {
        // What follows is a dump, not a sentence.
        let line = UnsafeBufferPointer(rebasing: bytes.prefix(2048))
        guard !line.contains(0x1B) else {
            return withoutEscapes(line).withUnsafeBufferPointer(rank(ofPlain:))
        }
        return rank(ofPlain: line)
    }

    private static func rank(ofPlain line: UnsafeBufferPointer<UInt8>) -> Int {
        let start = afterTimestamp(line)
        let text = UnsafeBufferPointer(rebasing: line[start...])
        let indentation = text.prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.count
        let unindented = text[indentation...]
        if verdicts.contains(where: { unindented.starts(with: $0) }) || unindented.elementsEqual(Array("FAIL".utf8)) {
            return indentation == 0 ? 3 : 2
        }
        if certain.areIn(line) { return 2 }
        return possible.areIn(line) ? 1 : 0
    }

    /// A line without colours, which may stand anywhere, also between a verdict and its test.
    static func withoutEscapes(_ line: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var plain: [UInt8] = []
        plain.reserveCapacity(line.count)
        var index = 0
        while index < line.count {
            guard line[index] == 0x1B, index + 1 < line.count, line[index + 1] == UInt8(ascii: "[") else {
                if line[index] != 0x1B { plain.append(line[index]) }
                index += 1
                continue
            }
            index += 2
            while index < line.count, !(0x40...0x7E).contains(line[index]) { index += 1 }
            index += 1
        }
        return plain
    }

    /// Past an ISO 8601 instant with its space, which many tools put before every line.
    private static func afterTimestamp(_ line: UnsafeBufferPointer<UInt8>) -> Int {
        guard line.count > 20, line[4] == UInt8(ascii: "-"), line[10] == UInt8(ascii: "T"),
            let space = line.prefix(40).firstIndex(of: UInt8(ascii: " "))
        else { return 0 }
        return space + 1
    }
}

/// Texts that are looked for together, in one pass.
private struct Needles {
    /// Per first byte, what must follow it.
    private let rests: [[[UInt8]]]

    init(_ needles: [String]) {
        var rests = [[[UInt8]]](repeating: [], count: 256)
        for needle in needles {
            let bytes = Array(needle.utf8)
            if let first = bytes.first { rests[Int(first)].append(Array(bytes.dropFirst())) }
        }
        self.rests = rests
    }

    /// Whether any of them stands somewhere in the line.
    func areIn(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
        for (index, byte) in line.enumerated() where !rests[Int(byte)].isEmpty {
            let behind = line[(index + 1)...]
            if rests[Int(byte)].contains(where: { behind.starts(with: $0) }) { return true }
        }
        return false
    }
}
