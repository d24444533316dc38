import FoundationEssentials

enum JSONString {
    /// The string between the quotes; nil for what is not UTF-8 or has an unknown escape.
    static func decode(_ bytes: UnsafeBufferPointer<UInt8>, _ isEscaped: Bool) -> String? {
        isEscaped
            ? unescaped(Array(bytes)).flatMap { String(validating: $0, as: UTF8.self) }
            : String(validating: bytes, as: UTF8.self)
    }

    private static func unescaped(_ bytes: [UInt8]) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                result.append(byte)
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "\"")?: result.append(UInt8(ascii: "\""))
            case UInt8(ascii: "\\")?: result.append(UInt8(ascii: "\\"))
            case UInt8(ascii: "/")?: result.append(UInt8(ascii: "/"))
            case UInt8(ascii: "b")?: result.append(0x08)
            case UInt8(ascii: "f")?: result.append(0x0C)
            case UInt8(ascii: "n")?: result.append(0x0A)
            case UInt8(ascii: "r")?: result.append(0x0D)
            case UInt8(ascii: "t")?: result.append(0x09)
            case UInt8(ascii: "u")?:
                guard let scalar = scalar(&rest) else { return nil }
                result.append(contentsOf: Array(String(Character(scalar)).utf8))
            default: return nil
            }
        }
        return result
    }

    /// After `\u`: four digits, or twelve characters of a surrogate pair.
    private static func scalar(_ rest: inout ArraySlice<UInt8>) -> Unicode.Scalar? {
        guard let first = unit(&rest) else { return nil }
        guard (0xD800..<0xDC00).contains(first) else { return Unicode.Scalar(first) }
        guard rest.starts(with: Array("\\u".utf8)) else { return nil }
        rest = rest.dropFirst(2)
        guard let second = unit(&rest), (0xDC00..<0xE000).contains(second) else { return nil }
        return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    }

    private static func unit(_ rest: inout ArraySlice<UInt8>) -> UInt32? {
        guard rest.count >= 4 else { return nil }
        var value: UInt32 = 0
        for digit in rest.prefix(4) {
            guard let number = hexadecimal(digit) else { return nil }
            value = value << 4 | UInt32(number)
        }
        rest = rest.dropFirst(4)
        return value
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// The canonical form, in either case.
    static func uuid(_ bytes: UnsafeBufferPointer<UInt8>) -> UUID? {
        guard bytes.count == 36 else { return nil }
        var halves: (UInt64, UInt64) = (0, 0)
        var digits = 0
        for (place, byte) in bytes.enumerated() {
            if place == 8 || place == 13 || place == 18 || place == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let digit = hexadecimal(byte) else { return nil }
            if digits < 16 {
                halves.0 = halves.0 << 4 | UInt64(digit)
            } else {
                halves.1 = halves.1 << 4 | UInt64(digit)
            }
            digits += 1
        }
        return withUnsafeBytes(of: (halves.0.bigEndian, halves.1.bigEndian)) { bytes in
            UUID(uuid: bytes.loadUnaligned(as: uuid_t.self))
        }
    }
}

enum JSONNumber {
    /// Also of `1.0` and `1e2`; nil for what has a fraction or does not fit.
    static func integer<Integer: FixedWidthInteger>(
        _ text: UnsafeBufferPointer<UInt8>, as type: Integer.Type
    ) -> Integer? {
        let isNegative = text.first == UInt8(ascii: "-")
        var magnitude: UInt64 = 0
        for digit in text.dropFirst(isNegative ? 1 : 0) {
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else {
                // Beyond 2^53 the nearest number of 64 bits may be another integer.
                guard let number = double(text), number.magnitude <= 0x1p53 else { return nil }
                return Integer(exactly: number)
            }
            let (shifted, isTooLarge) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = shifted.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
            guard !isTooLarge, !overflow else { return nil }
            magnitude = sum
        }
        guard isNegative else { return Integer(exactly: magnitude) }
        guard magnitude <= Int64.min.magnitude else { return nil }
        return Integer(exactly: Int64(truncatingIfNeeded: 0 &- magnitude))
    }

    /// Nil for what no finite number is near to.
    static func double(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
        if let short = shortDouble(text) { return short }
        guard let value = Double(String(decoding: text, as: UTF8.self)), value.isFinite else { return nil }
        return value
    }

    /// Up to 15 digits and 22 of a fraction: both are exact as numbers of 64 bits, so their quotient is the nearest one
    /// (Clinger, "How to read floating point numbers accurately", 1990).
    private static func shortDouble(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
        let isNegative = text.first == UInt8(ascii: "-")
        var mantissa: UInt64 = 0
        var digits = 0
        var fraction: Int?
        for byte in text.dropFirst(isNegative ? 1 : 0) {
            if byte == UInt8(ascii: ".") {
                fraction = 0
                continue
            }
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), digits < 19 else { return nil }
            mantissa = mantissa * 10 + UInt64(byte - UInt8(ascii: "0"))
            digits += 1
            fraction? += 1
        }
        guard mantissa <= 1 << 53 else { return nil }
        let value = Double(mantissa) / powersOfTen[fraction ?? 0]
        return isNegative ? -value : value
    }

    /// Those that are exact.
    private static let powersOfTen: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]
}
