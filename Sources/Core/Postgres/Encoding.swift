package import FoundationEssentials
import Glibc

/// A value that can be bound to `$n`, in PostgreSQL's text format. No type is sent: the server infers it from the
/// statement, so write a cast where it cannot (`$1::jsonb`).
///
/// An enum with a raw value conforms by saying so: `extension RunState: PostgresEncodable, PostgresDecodable {}`.
package protocol PostgresEncodable: Sendable {
    func encode(into text: inout ParameterText)
}

/// A value that may stand in an array parameter or column.
package protocol PostgresArrayEncodable: Sendable {
    /// Writes a whole array. The default writes `{…}` with each element encoded and quoted.
    static func encodeArray(_ elements: [Self], into text: inout ParameterText)
    /// Writes this value as an element of `{…}`.
    func encodeElement(into text: inout ParameterText)
}

/// Where a value writes its text form. Writing nothing sends the empty string; `writeNull()` sends NULL.
package struct ParameterText: Sendable {
    var bytes: [UInt8] = []
    var isNull = false
    var failure: String?
    /// Above zero inside an array literal: quotes and backslashes are escaped.
    var quoting = false

    package mutating func writeNull() { isNull = true }

    /// A value that PostgreSQL cannot hold; the statement fails with this sentence before anything is sent.
    package mutating func fail(_ reason: String) { failure = failure ?? reason }

    package mutating func write(_ text: String) {
        var text = text
        text.withUTF8 { write($0) }
    }

    package mutating func write(_ text: UnsafeBufferPointer<UInt8>) {
        if let start = text.baseAddress, memchr(start, 0, text.count) != nil {
            fail("text with a NUL byte, which PostgreSQL's text cannot hold")
            return
        }
        guard quoting else {
            bytes.append(contentsOf: text)
            return
        }
        for byte in text {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
            bytes.append(byte)
        }
    }

    /// Writes ASCII that needs no quoting in an array.
    mutating func writePlain(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func write(_ number: some BinaryInteger) {
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = number.magnitude
        let start = bytes.count
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest != 0
        bytes[start...].reverse()
    }

    /// Writes a number with leading zeroes.
    mutating func write(_ number: Int, digits: Int) {
        var divisor = 1
        for _ in 1..<digits { divisor *= 10 }
        if number >= divisor * 10 {
            write(number)
            return
        }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }
}

/// The parameters of one statement: all texts in one buffer, each ended by a NUL, as libpq wants them.
struct ParameterBuffer: Sendable {
    private(set) var text = ParameterText()
    /// Where each parameter begins; -1 for NULL.
    private(set) var offsets: [Int] = []
    private(set) var failure: String?

    var count: Int { offsets.count }

    mutating func append(_ value: some PostgresEncodable) {
        let start = text.bytes.count
        value.encode(into: &text)
        if text.isNull {
            text.isNull = false
            text.bytes.removeSubrange(start...)
            offsets.append(-1)
        } else {
            text.bytes.append(0)
            offsets.append(start)
        }
        if let reason = text.failure {
            failure = failure ?? "parameter $\(offsets.count): \(reason)"
        }
    }

    init() {}

    init(_ values: [any PostgresEncodable]) {
        offsets.reserveCapacity(values.count)
        text.bytes.reserveCapacity(values.count * 24)
        for value in values { append(value) }
    }
}

// MARK: Conformances

extension PostgresArrayEncodable {
    package static func encodeArray(_ elements: [Self], into text: inout ParameterText) {
        text.bytes.append(UInt8(ascii: "{"))
        var isFirst = true
        for element in elements {
            if !isFirst { text.bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            element.encodeElement(into: &text)
        }
        text.bytes.append(UInt8(ascii: "}"))
    }
}

extension PostgresArrayEncodable where Self: PostgresEncodable {
    /// Quoted, which every type's input accepts; NULL bare.
    package func encodeElement(into text: inout ParameterText) {
        let start = text.bytes.count
        text.bytes.append(UInt8(ascii: "\""))
        text.quoting = true
        encode(into: &text)
        text.quoting = false
        text.bytes.append(UInt8(ascii: "\""))
        if text.isNull {
            text.isNull = false
            text.bytes.removeSubrange(start...)
            text.writePlain("NULL")
        }
    }
}

extension PostgresEncodable where Self: RawRepresentable, RawValue: PostgresEncodable {
    package func encode(into text: inout ParameterText) { rawValue.encode(into: &text) }
}

extension String: PostgresEncodable, PostgresArrayEncodable {
    package func encode(into text: inout ParameterText) { text.write(self) }
}

extension Substring: PostgresEncodable {
    package func encode(into text: inout ParameterText) { text.write(String(self)) }
}

extension Int: PostgresEncodable, PostgresArrayEncodable {
    package func encode(into text: inout ParameterText) { text.write(self) }
    package func encodeElement(into text: inout ParameterText) { text.write(self) }
}

extension Int16: PostgresEncodable, PostgresArrayEncodable {
    package func encode(into text: inout ParameterText) { text.write(self) }
    package func encodeElement(into text: inout ParameterText) { text.write(self) }
}

extension Int32: PostgresEncodable, PostgresArrayEncodable {
    package func encode(into text: inout ParameterText) { text.write(self) }
    package func encodeElement(into text: inout ParameterText) { text.write(self) }
}

extension Int64: PostgresEncodable, PostgresArrayEncodable {
    package func encode(into text: inout ParameterText) { text.write(self) }
    package func encodeElement(into text: inout ParameterText) { text.write(self) }
}

extension Bool: PostgresEncodable, PostgresArrayEncodable {
    package func encode(into text: inout ParameterText) { text.writePlain(self ? "t" : "f") }
}

extension Double: PostgresEncodable, PostgresArrayEncodable {
    /// The shortest text that reads back as the same number; `NaN`, `Infinity`, `-Infinity`.
    package func encode(into text: inout ParameterText) {
        if isNaN {
            text.writePlain("NaN")
        } else if isInfinite {
            text.writePlain(self < 0 ? "-Infinity" : "Infinity")
        } else {
            text.write(description)
        }
    }
}

extension UUID: PostgresEncodable, PostgresArrayEncodable {
    package func encode(into text: inout ParameterText) {
        withUnsafeBytes(of: uuid) { bytes in
            for (index, byte) in bytes.enumerated() {
                if index == 4 || index == 6 || index == 8 || index == 10 { text.bytes.append(UInt8(ascii: "-")) }
                text.writeHexadecimal(byte)
            }
        }
    }
}

extension Date: PostgresEncodable, PostgresArrayEncodable {
    /// `timestamptz` in UTC, rounded to microseconds; `distantPast` and `distantFuture` are `-infinity` and `infinity`.
    package func encode(into text: inout ParameterText) { Timestamp.encode(self, into: &text) }
}

extension ParameterText {
    mutating func writeHexadecimal(_ byte: UInt8) {
        bytes.append(hexadecimalDigits[Int(byte >> 4)])
        bytes.append(hexadecimalDigits[Int(byte & 15)])
    }

    mutating func writeBytes(_ content: [UInt8]) {
        if quoting { bytes.append(UInt8(ascii: "\\")) }
        writePlain("\\x")
        bytes.reserveCapacity(bytes.count + content.count * 2 + 1)
        for byte in content { writeHexadecimal(byte) }
    }
}

private let hexadecimalDigits = Array("0123456789abcdef".utf8)

/// Bytes are no numbers here: `[UInt8]` is `bytea`.
extension UInt8: PostgresArrayEncodable {
    package static func encodeArray(_ elements: [UInt8], into text: inout ParameterText) { text.writeBytes(elements) }
    package func encodeElement(into text: inout ParameterText) { text.write(self) }
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    package func encode(into text: inout ParameterText) {
        switch self {
        case .some(let value): value.encode(into: &text)
        case .none: text.writeNull()
        }
    }
}

extension Optional: PostgresArrayEncodable where Wrapped: PostgresArrayEncodable & PostgresEncodable {
    package func encodeElement(into text: inout ParameterText) {
        switch self {
        case .some(let value): value.encodeElement(into: &text)
        case .none: text.writePlain("NULL")
        }
    }
}

extension Array: PostgresEncodable where Element: PostgresArrayEncodable {
    package func encode(into text: inout ParameterText) { Element.encodeArray(self, into: &text) }
}

/// `bytea[]`: the only array of arrays, since PostgreSQL's others must be rectangular.
extension Array: PostgresArrayEncodable where Element == UInt8 {}
