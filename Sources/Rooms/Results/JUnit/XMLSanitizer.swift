/// Makes bytes that claim to be XML readable by a strict parser: control characters (raw, or as `&#27;`) are illegal in
/// XML 1.0 and yet common in reports, since terminals' colour codes end up in them; so are broken UTF-8 sequences.
struct XMLSanitizer {
    enum Encoding: Hashable {
        case utf8, latin1, utf16
    }

    let encoding: Encoding
    /// The end of the last piece, which could be the beginning of a reference or of a character.
    private var held: [UInt8] = []

    /// A character reference is no longer than `&#x10FFFF;`, with a few leading zeroes.
    private static let longestReference = 16

    /// - Parameter beginning: the first bytes of the document, at least its declaration.
    init(beginning: [UInt8]) {
        encoding = XMLSanitizer.encoding(beginning)
    }

    private static func encoding(_ beginning: [UInt8]) -> Encoding {
        if beginning.starts(with: [0xFE, 0xFF]) || beginning.starts(with: [0xFF, 0xFE])
            || beginning.starts(with: [0x00, 0x3C]) || beginning.starts(with: [0x3C, 0x00])
        {
            return .utf16
        }
        let declaration = String(decoding: beginning.prefix(200), as: UTF8.self).prefix { $0 != ">" }.lowercased()
        guard declaration.hasPrefix("<?xml") else { return .utf8 }
        let latin = ["iso-8859-1", "iso-8859-15", "latin1", "windows-1252", "cp1252"]
        return latin.contains { declaration.contains("\"\($0)\"") || declaration.contains("'\($0)'") } ? .latin1 : .utf8
    }

    /// What to hand to the parser for the next bytes of the document.
    mutating func feed(_ piece: [UInt8]) -> [UInt8] {
        guard encoding != .utf16 else { return piece }
        var input = held
        input.append(contentsOf: piece)
        held = []
        return clean(input, isLast: false)
    }

    mutating func finish() -> [UInt8] {
        defer { held = [] }
        return clean(held, isLast: true)
    }

    private mutating func clean(_ input: [UInt8], isLast: Bool) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(input.count)
        var index = 0
        while index < input.count {
            let byte = input[index]
            switch byte {
            case UInt8(ascii: "&"):
                let end = min(input.count, index + Self.longestReference)
                guard let semicolon = input[index..<end].firstIndex(of: UInt8(ascii: ";")) else {
                    if end == input.count, !isLast {
                        held = Array(input[index...])
                        return output
                    }
                    output.append(byte)
                    index += 1
                    continue
                }
                let reference = input[index...semicolon]
                output.append(contentsOf: Self.isIllegal(reference) ? Self.replacement : Array(reference))
                index = semicolon + 1
            case 0x20..<0x7F, 0x09, 0x0A, 0x0D:
                output.append(byte)
                index += 1
            case 0x00..<0x20, 0x7F:
                output.append(contentsOf: byte == 0x1B ? [UInt8(ascii: " ")] : Self.replacement)
                index += 1
            default:
                guard encoding == .utf8 else {
                    output.append(byte)
                    index += 1
                    continue
                }
                switch Self.sequence(input, at: index) {
                case .whole(let length):
                    output.append(contentsOf: input[index..<index + length])
                    index += length
                case .cut where !isLast:
                    held = Array(input[index...])
                    return output
                case .cut, .broken:
                    output.append(contentsOf: Self.replacement)
                    index += 1
                }
            }
        }
        return output
    }

    /// U+FFFD as a reference, which reads the same in every encoding.
    private static let replacement = Array("&#xFFFD;".utf8)

    /// Whether `&#…;` names a character that XML 1.0 does not have.
    private static func isIllegal(_ reference: ArraySlice<UInt8>) -> Bool {
        guard reference.dropFirst().first == UInt8(ascii: "#") else { return false }
        let digits = String(decoding: reference.dropFirst(2).dropLast(), as: UTF8.self)
        let isHexadecimal = digits.hasPrefix("x") || digits.hasPrefix("X")
        guard let code = isHexadecimal ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits) else { return true }
        switch code {
        case 0x9, 0xA, 0xD, 0x20...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: return false
        default: return true
        }
    }

    private enum Sequence {
        case whole(Int), cut, broken
    }

    /// The UTF-8 sequence that begins at a byte above 0x7F.
    private static func sequence(_ input: [UInt8], at index: Int) -> Sequence {
        let lead = input[index]
        let length: Int
        let secondRange: ClosedRange<UInt8>
        switch lead {
        case 0xC2...0xDF: (length, secondRange) = (2, 0x80...0xBF)
        case 0xE0: (length, secondRange) = (3, 0xA0...0xBF)
        case 0xED: (length, secondRange) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (length, secondRange) = (3, 0x80...0xBF)
        case 0xF0: (length, secondRange) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, secondRange) = (4, 0x80...0xBF)
        case 0xF4: (length, secondRange) = (4, 0x80...0x8F)
        default: return .broken
        }
        for offset in 1..<length {
            guard index + offset < input.count else { return .cut }
            let range = offset == 1 ? secondRange : 0x80...0xBF
            guard range.contains(input[index + offset]) else { return .broken }
        }
        // U+FFFE and U+FFFF are no characters in XML.
        if lead == 0xEF, input[index + 1] == 0xBF, input[index + 2] >= 0xBE { return .broken }
        return .whole(length)
    }
}
