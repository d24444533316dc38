import CRE2
import Synchronization

/// A regular expression in Go's syntax, run by RE2: linear in the text whatever the expression, bounded in memory.
///
/// Matching is unanchored, as Prow's configuration means it. Two patterns are equal when their expressions are;
/// JSON holds the expression. Compiled programs are shared process-wide, so decoding the same pattern again is cheap.
package struct Pattern: Sendable {
    /// The expression as written.
    package let expression: String
    private let program: Program

    /// Throws a sentence with the expression and RE2's reason.
    package init(_ expression: String) throws(PatternError) {
        self.expression = expression
        program = try Program.shared(expression)
    }

    /// True where the expression matches anywhere in the text.
    package func matches(_ text: String) -> Bool {
        // Nearly every text is contiguous, and is then searched where it lies.
        if let found = text.utf8.withContiguousStorageIfAvailable({ program.search($0, from: 0, groups: nil) }) {
            return found
        }
        var text = text
        return text.withUTF8 { program.search($0, from: 0, groups: nil) }
    }

    /// The number of capturing groups, the whole match not counted.
    package var groupCount: Int { program.groupCount }

    /// The groups of the leftmost match, the whole match first; nil where nothing matches, nil inside where a
    /// group took no part.
    package func firstMatch(in text: String) -> [Substring?]? {
        var found: [Substring?]?
        search(text) { groups in
            found = groups
            return false
        }
        return found
    }

    /// The groups of every match from left to right, not overlapping, each as `firstMatch` gives them.
    package func allMatches(in text: String) -> [[Substring?]] {
        var found: [[Substring?]] = []
        search(text) { groups in
            found.append(groups)
            return true
        }
        return found
    }

    /// The text with every character escaped that means something in an expression.
    package static func escaped(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            if #"\.+*?()|[]{}^$"#.unicodeScalars.contains(character) { result.unicodeScalars.append("\\") }
            result.unicodeScalars.append(character)
        }
        return result
    }

    private func search(_ text: String, _ found: ([Substring?]) -> Bool) {
        var text = text
        text.makeContiguousUTF8()
        var groups = [cre2_group](repeating: cre2_group(offset: -1, length: 0), count: program.groupCount + 1)
        var start = 0
        while start <= text.utf8.count {
            guard text.withUTF8({ program.search($0, from: start, groups: &groups) }) else { return }
            let pieces = groups.map { group in group.offset < 0 ? nil : Pattern.piece(of: text, group) }
            guard found(pieces) else { return }
            let end = groups[0].offset + Int(groups[0].length)
            // After an empty match, one whole character further on.
            start = groups[0].length > 0 ? end : Pattern.offset(in: text, after: end)
        }
    }

    private static func piece(of text: String, _ group: cre2_group) -> Substring {
        let lower = text.utf8.index(text.startIndex, offsetBy: group.offset)
        return text[lower..<text.utf8.index(lower, offsetBy: Int(group.length))]
    }

    private static func offset(in text: String, after offset: Int) -> Int {
        guard offset < text.utf8.count else { return offset + 1 }
        let index = text.utf8.index(text.startIndex, offsetBy: offset)
        return offset + text.unicodeScalars[index].utf8.count
    }
}

extension Pattern: Hashable, Codable, CustomStringConvertible {
    package static func == (left: Pattern, right: Pattern) -> Bool { left.expression == right.expression }
    package func hash(into hasher: inout Hasher) { hasher.combine(expression) }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            try self.init(try container.decode(String.self))
        } catch let error as PatternError {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(expression)
    }

    package var description: String { expression }
}

/// Why an expression cannot be used.
package struct PatternError: Error, Hashable, CustomStringConvertible {
    package let expression: String
    package let reason: String

    package var description: String {
        let shown = expression.count > 200 ? "\(expression.prefix(200))…" : expression
        return "'\(shown)' is not a regular expression that RE2 (Go's dialect) accepts: \(reason)"
    }
}

/// One compiled expression.
private final class Program: Sendable {
    /// For the program and RE2's caches; a larger program is refused, full caches only slow matching down.
    static let memoryLimit = 1 << 20
    static let expressionLimit = 32_768

    // RE2 is safe to use from many threads once it is compiled; nothing else touches the pointer.
    private nonisolated(unsafe) let expression: OpaquePointer
    let groupCount: Int

    private init(_ text: String) throws(PatternError) {
        guard text.utf8.count <= Program.expressionLimit else {
            throw PatternError(
                expression: text, reason: "it is longer than \(Program.expressionLimit) bytes; shorten it")
        }
        var reason = [CChar](repeating: 0, count: 300)
        var text = text
        let compiled = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                cre2_compile($0.baseAddress, $0.count, Program.memoryLimit, &reason, reason.count)
            }
        }
        guard let compiled else {
            let words = String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw PatternError(expression: text, reason: words)
        }
        expression = compiled
        groupCount = Int(cre2_group_count(compiled))
    }

    deinit { cre2_free(expression) }

    /// Searches from a byte offset and fills as many groups as there is room for.
    func search(_ text: UnsafeBufferPointer<UInt8>, from start: Int, groups: UnsafeMutablePointer<[cre2_group]>?)
        -> Bool
    {
        text.withMemoryRebound(to: CChar.self) { text in
            guard let groups else { return cre2_match(expression, text.baseAddress, text.count, start, nil, 0) }
            return groups.pointee.withUnsafeMutableBufferPointer {
                cre2_match(expression, text.baseAddress, text.count, start, $0.baseAddress, Int32($0.count))
            }
        }
    }

    // MARK: Sharing

    private static let cacheLimit = 16_384
    private static let cache = Mutex<[String: Program]>([:])

    static func shared(_ text: String) throws(PatternError) -> Program {
        if let known = cache.withLock({ $0[text] }) { return known }
        let program = try Program(text)
        cache.withLock { programs in
            // Rarely reached; whoever holds a program keeps it.
            if programs.count >= cacheLimit { programs.removeAll() }
            programs[text] = program
        }
        return program
    }
}
