import Signatures

/// A part of a path, percent-encoded so that it stays one part.
func segment(_ text: some StringProtocol) -> String { percentEncoded(text, keeping: []) }

/// Percent-encodes all but RFC 3986's unreserved characters and `kept`.
package func percentEncoded(_ text: some StringProtocol, keeping kept: Set<UInt8>) -> String {
    var encoded: [UInt8] = []
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: "~"):
            encoded.append(byte)
        default:
            if kept.contains(byte) {
                encoded.append(byte)
            } else {
                let digits = Array("0123456789ABCDEF".utf8)
                encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
    }
    return String(decoding: encoded, as: UTF8.self)
}

/// A ref's path: its slashes stay.
func refPath(_ ref: some StringProtocol) -> String { percentEncoded(ref, keeping: [UInt8(ascii: "/")]) }

/// Undoes percent-encoding; what is not a proper encoding stays as it is.
package func percentDecoded(_ text: some StringProtocol) -> String {
    var decoded: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "%"), rest.count >= 2,
            let value = Hexadecimal.decode(String(decoding: rest.prefix(2), as: UTF8.self))
        {
            decoded += value
            rest = rest.dropFirst(2)
        } else {
            decoded.append(byte)
        }
    }
    return String(decoding: decoded, as: UTF8.self)
}
