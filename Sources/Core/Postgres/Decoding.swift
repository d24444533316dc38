package import FoundationEssentials

/// A value that can be read from a column, in PostgreSQL's text format.
package protocol PostgresDecodable: Sendable {
    static func decode(_ cell: PostgresCell) throws(PostgresCell.Failure) -> Self
    /// What SQL NULL reads as; only `Optional` has an answer.
    static func decodeNull() throws(PostgresCell.Failure) -> Self
}

/// A value that may stand in an array column.
package protocol PostgresArrayDecodable: Sendable {
    static func decodeArray(_ cell: PostgresCell) throws(PostgresCell.Failure) -> [Self]
}

/// The text of one column in one row. Valid only during `decode`.
package struct PostgresCell {
    package let bytes: UnsafeBufferPointer<UInt8>

    package enum Failure: Error {
        case null
        /// What was expected instead, without the value.
        case malformed(String)
    }

    package init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    package var text: String { String(decoding: bytes, as: UTF8.self) }
}

extension PostgresDecodable {
    package static func decodeNull() throws(PostgresCell.Failure) -> Self { throw .null }
}

extension PostgresDecodable where Self: RawRepresentable, RawValue: PostgresDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresCell.Failure) -> Self {
        guard let value = Self(rawValue: try RawValue.decode(cell)) else {
            throw .malformed("none of \(Self.self)'s raw values")
        }
        return value
    }
}

extension PostgresArrayDecodable where Self: PostgresDecodable {
    package static func decodeArray(_ cell: PostgresCell) throws(PostgresCell.Failure) -> [Self] {
        var elements: [Self] = []
        var parser = ArrayParser(cell.bytes)
        try parser.begin()
        while try parser.next() {
            if parser.isNull {
                elements.append(try Self.decodeNull())
            } else {
                elements.append(try parser.withElement(Self.decode))
            }
        }
        return elements
    }
}

// MARK: Conformances

extension String: PostgresDecodable, PostgresArrayDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresCell.Failure) -> String { cell.text }
}

extension FixedWidthInteger where Self: SignedInteger {
    fileprivate static func parse(_ cell: PostgresCell) throws(PostgresCell.Failure) -> Self {
        var digits = cell.bytes[...]
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits = digits.dropFirst() }
        guard !digits.isEmpty else { throw .malformed("not an integer") }
        var value: Self = 0
        for byte in digits {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { throw .malformed("not an integer") }
            let digit = Self(truncatingIfNeeded: byte - UInt8(ascii: "0"))
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow2) =
                isNegative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
            guard !overflow, !overflow2 else { throw .malformed("an integer beyond \(Self.bitWidth) bits") }
            value = sum
        }
        return value
    }
}

extension Int: PostgresDecodable, PostgresArrayDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresCell.Failure) -> Int { try parse(cell) }
}

extension Int16: PostgresDecodable, PostgresArrayDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresCell.Failure) -> Int16 { try parse(cell) }
}

extension Int32: PostgresDecodable, PostgresArrayDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresCell.Failure) -> Int32 { try parse(cell) }
}

extension Int64: PostgresDecodable, PostgresArrayDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresCell.Failure) -> Int64 { try parse(cell) }
}

extension Bool: PostgresDecodable, PostgresArrayDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresCell.Failure) -> Bool {
        guard cell.bytes.count == 1 else { throw .malformed("not a boolean") }
        switch cell.bytes[0] {
        case UInt8(ascii: "t"): return true
        case UInt8(ascii: "f"): return false
        default: throw .malformed("not a boolean")
        }
    }
}

extension Double: PostgresDecodable, PostgresArrayDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresCell.Failure) -> Double {
        // Swift's own parser reads NaN, Infinity and -Infinity as PostgreSQL writes them.
        guard let value = Double(cell.text) else { throw .malformed("not a number") }
        return value
    }
}

extension UUID: PostgresDecodable, PostgresArrayDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresCell.Failure) -> UUID {
        let text = cell.bytes
        guard text.count == 36 else { throw .malformed("not a uuid") }
        var value: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        let isValid = withUnsafeMutableBytes(of: &value) { bytes in
            var position = 0
            for index in 0..<16 {
                if index == 4 || index == 6 || index == 8 || index == 10 { position += 1 }
                guard let high = hexadecimal(text[position]), let low = hexadecimal(text[position + 1]) else {
                    return false
                }
                bytes[index] = high << 4 | low
                position += 2
            }
            return true
        }
        guard isValid else { throw .malformed("not a uuid") }
        return UUID(uuid: value)
    }
}

extension Date: PostgresDecodable, PostgresArrayDecodable {
    /// `timestamptz`, `timestamp` and `date` (both taken as UTC).
    package static func decode(_ cell: PostgresCell) throws(PostgresCell.Failure) -> Date {
        guard let date = Timestamp.decode(cell.bytes) else { throw .malformed("not a timestamp in ISO style") }
        return date
    }
}

extension UInt8: PostgresArrayDecodable {
    package static func decodeArray(_ cell: PostgresCell) throws(PostgresCell.Failure) -> [UInt8] {
        let text = cell.bytes
        guard text.count >= 2, text.count % 2 == 0, text[0] == UInt8(ascii: "\\"), text[1] == UInt8(ascii: "x") else {
            throw .malformed("not a bytea in hexadecimal form")
        }
        var isValid = true
        let bytes = [UInt8](unsafeUninitializedCapacity: text.count / 2 - 1) { buffer, count in
            for position in stride(from: 2, to: text.count, by: 2) {
                guard let high = hexadecimal(text[position]), let low = hexadecimal(text[position + 1]) else {
                    isValid = false
                    return
                }
                buffer[count] = high << 4 | low
                count += 1
            }
        }
        guard isValid else { throw .malformed("not a bytea in hexadecimal form") }
        return bytes
    }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresCell.Failure) -> Wrapped? {
        try Wrapped.decode(cell)
    }

    package static func decodeNull() throws(PostgresCell.Failure) -> Wrapped? { .none }
}

extension Optional: PostgresArrayDecodable where Wrapped: PostgresArrayDecodable & PostgresDecodable {}

extension Array: PostgresDecodable where Element: PostgresArrayDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresCell.Failure) -> [Element] {
        try Element.decodeArray(cell)
    }
}

extension Array: PostgresArrayDecodable where Element == UInt8 {}

func hexadecimal(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
}

/// Splits PostgreSQL's one-dimensional array text (`{a,"b\"c",NULL}`) into elements.
struct ArrayParser {
    private let text: UnsafeBufferPointer<UInt8>
    private var position = 0
    private var element: [UInt8] = []
    /// Where the element lies in `text` when nothing in it was escaped.
    private var range = 0..<0
    private var isUnescaped = false
    private(set) var isNull = false

    init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

    mutating func begin() throws(PostgresCell.Failure) {
        guard text.count >= 2, text[0] == UInt8(ascii: "{"), text[text.count - 1] == UInt8(ascii: "}") else {
            throw .malformed("not a one-dimensional array")
        }
        position = 1
    }

    func withElement<T>(
        _ body: (PostgresCell) throws(PostgresCell.Failure) -> T
    ) throws(PostgresCell.Failure) -> T {
        guard isUnescaped else { return try body(PostgresCell(UnsafeBufferPointer(rebasing: text[range]))) }
        let result = element.withUnsafeBufferPointer { bytes -> Result<T, PostgresCell.Failure> in
            do throws(PostgresCell.Failure) { return .success(try body(PostgresCell(bytes))) } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Moves to the next element; false at the end.
    mutating func next() throws(PostgresCell.Failure) -> Bool {
        let end = text.count - 1
        guard position < end else { return false }
        isUnescaped = false
        isNull = false
        let start = position
        if text[start] == UInt8(ascii: "{") { throw .malformed("not a one-dimensional array") }
        if text[start] == UInt8(ascii: "\"") {
            position += 1
            while position < end, text[position] != UInt8(ascii: "\"") {
                if text[position] == UInt8(ascii: "\\") {
                    if !isUnescaped {
                        isUnescaped = true
                        element.removeAll(keepingCapacity: true)
                        element.append(contentsOf: text[start + 1..<position])
                    }
                    position += 1
                }
                if isUnescaped { element.append(text[position]) }
                position += 1
            }
            guard position < end else { throw .malformed("an array with an open quote") }
            range = start + 1..<position
            position += 1
        } else {
            while position < end, text[position] != UInt8(ascii: ",") { position += 1 }
            range = start..<position
            isNull = range.count == 4 && text[range].elementsEqual("NULL".utf8)
        }
        position += 1  // the comma
        return true
    }
}
