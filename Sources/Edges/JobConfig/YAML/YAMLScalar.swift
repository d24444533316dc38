import SlipwayModel

/// A scalar as written; what it means follows the rules by which Prow reads YAML (go-yaml v2: YAML 1.1 without
/// sexagesimals, dates and one-letter truth values).
package struct YAMLScalar: Sendable, Hashable {
    package var text: String
    /// Quoted, a block, or tagged as text: never anything but text.
    var isText: Bool

    var resolved: JSONValue {
        if isText { return .string(text) }
        guard let first = text.utf8.first else { return .null }
        switch first {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            return YAMLScalar.number(text) ?? .string(text)
        case UInt8(ascii: "t"), UInt8(ascii: "T"), UInt8(ascii: "y"), UInt8(ascii: "Y"), UInt8(ascii: "o"),
            UInt8(ascii: "O"), UInt8(ascii: "f"), UInt8(ascii: "F"), UInt8(ascii: "n"), UInt8(ascii: "N"),
            UInt8(ascii: "~"):
            return YAMLScalar.words[text] ?? .string(text)
        default: return .string(text)
        }
    }

    private static let words: [String: JSONValue] = {
        var words: [String: JSONValue] = ["~": .null, "null": .null, "Null": .null, "NULL": .null]
        for (yes, no) in [("true", "false"), ("yes", "no"), ("on", "off")] {
            for (word, value) in [(yes, true), (no, false)] {
                let capital = word.prefix(1).uppercased() + word.dropFirst()
                for form in [word, capital, word.uppercased()] { words[form] = .bool(value) }
            }
        }
        return words
    }()

    private static func number(_ text: String) -> JSONValue? {
        // The usual ones, without copies.
        if let value = Int64(text), text.utf8.first != UInt8(ascii: "+"), !hasLeadingZero(text) {
            return .integer(value)
        }
        let plain = text.filter { $0 != "_" }
        let sign = plain.hasPrefix("-") ? "-" : ""
        let digits = plain.drop { $0 == "+" || $0 == "-" }
        guard plain.count - digits.count <= 1, let first = digits.first, first.isNumber || first == "." else {
            return nil
        }
        if first == "0", digits.count > 1 {
            for (prefix, radix) in [("0x", 16), ("0X", 16), ("0b", 2), ("0B", 2), ("0o", 8), ("0O", 8)]
            where digits.hasPrefix(prefix) {
                return Int64(sign + digits.dropFirst(2), radix: radix).map { .integer($0) }
            }
            if let value = Int64(sign + digits.dropFirst(), radix: 8) { return .integer(value) }
        } else if let value = Int64(sign + digits) {
            return .integer(value)
        }
        // Only digits, one point, an exponent: Swift would also read hexadecimal floats, infinities and NaN.
        guard digits.utf8.allSatisfy({ "0123456789.eE+-".utf8.contains($0) }), digits.contains(where: \.isNumber),
            let value = Double(sign + (first == "." ? "0" : "") + digits + (digits.hasSuffix(".") ? "0" : "")),
            value.isFinite
        else { return nil }
        return .number(value)
    }

    private static func hasLeadingZero(_ text: String) -> Bool {
        let digits = text.utf8.drop { $0 == UInt8(ascii: "-") }
        return digits.count > 1 && digits.first == UInt8(ascii: "0")
    }
}

extension YAMLNode {
    /// The JSON of this value. Its size was bounded when the document was composed.
    var json: JSONValue {
        switch content {
        case .scalar(let scalar): scalar.resolved
        case .sequence(let items): .array(items.map(\.json))
        case .mapping(let entries):
            .object(Dictionary(entries.map { ($0.key, $0.value.json) }, uniquingKeysWith: { _, last in last }))
        }
    }
}
