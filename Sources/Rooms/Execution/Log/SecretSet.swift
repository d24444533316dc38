import FoundationEssentials

/// The secrets that must not show in logs and artifacts, in every form in which they are looked for.
///
/// Each is searched as it is, without white space around it, percent-encoded, in base64 (also as a part of a longer
/// text: three alignments, two alphabets), and, where it has several lines (keys), line by line.
package struct SecretSet: Sendable {
    /// Shorter values are words that occur anywhere; censoring them would garble every log.
    package static let minimumLength = 6
    /// Lines of a longer secret that stand for it.
    private static let minimumLineLength = 20
    /// A file of secrets larger than this is not one.
    package static let maximumLength = 1 << 20

    /// Distinct, each of `minimumLength` bytes or more.
    let patterns: [[UInt8]]
    /// A bit for each pair of bytes that some pattern begins with.
    let beginnings: [UInt64]
    /// The patterns by the pair they begin with.
    let byBeginning: [UInt16: [Int]]
    /// The bytes that patterns begin with.
    let firstBytes: [Bool]

    package var isEmpty: Bool { patterns.isEmpty }

    package init(_ secrets: [[UInt8]]) {
        var all: Set<[UInt8]> = []
        for secret in secrets where secret.count <= SecretSet.maximumLength {
            for form in SecretSet.forms(of: secret) where form.count >= SecretSet.minimumLength { all.insert(form) }
        }
        patterns = all.sorted { $0.count > $1.count }
        var beginnings = [UInt64](repeating: 0, count: 1024)
        var byBeginning: [UInt16: [Int]] = [:]
        var firstBytes = [Bool](repeating: false, count: 256)
        for (index, pattern) in patterns.enumerated() {
            let pair = UInt16(pattern[0]) << 8 | UInt16(pattern[1])
            beginnings[Int(pair >> 6)] |= 1 << UInt64(pair & 63)
            byBeginning[pair, default: []].append(index)
            firstBytes[Int(pattern[0])] = true
        }
        self.beginnings = beginnings
        self.byBeginning = byBeginning
        self.firstBytes = firstBytes
    }

    package init(_ secrets: [String]) { self.init(secrets.map { Array($0.utf8) }) }

    private static func forms(of secret: [UInt8]) -> [[UInt8]] {
        let trimmed = trim(secret)
        guard trimmed.count >= minimumLength else { return [] }
        var forms = [trimmed, percentEncoded(trimmed)]
        for form in secret == trimmed ? [trimmed] : [secret, trimmed] { forms += base64Forms(of: form) }
        let lines = trimmed.split(separator: UInt8(ascii: "\n")).map { trim(Array($0)) }
        if lines.count > 1 {
            forms += lines.filter { $0.count >= minimumLineLength && !$0.starts(with: Array("-----".utf8)) }
        }
        return forms
    }

    private static func trim(_ bytes: [UInt8]) -> [UInt8] {
        func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
        guard let first = bytes.firstIndex(where: { !isSpace($0) }), let last = bytes.lastIndex(where: { !isSpace($0) })
        else { return [] }
        return Array(bytes[first...last])
    }

    private static func percentEncoded(_ bytes: [UInt8]) -> [UInt8] {
        let hex = Array("0123456789ABCDEF".utf8)
        return bytes.flatMap { byte -> [UInt8] in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"):
                [byte]
            default: [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            }
        }
    }

    /// The digits that stand for the secret alone, whatever stands before and behind it.
    private static func base64Forms(of secret: [UInt8]) -> [[UInt8]] {
        var forms: [[UInt8]] = []
        for shift in 0..<3 {
            let encoded = Array(Data([UInt8](repeating: 0, count: shift) + secret).base64EncodedString().utf8)
            // Digits that hold bits of what stands before, or of what would follow.
            let head = [0, 2, 3][shift]
            let rest = (shift + secret.count) % 3
            let digits = encoded.dropLast(encoded.reversed().prefix { $0 == UInt8(ascii: "=") }.count)
            let form = Array(digits.dropFirst(head).dropLast(rest == 0 ? 0 : 1))
            forms.append(form)
            let inURLs = form.map {
                $0 == UInt8(ascii: "+") ? UInt8(ascii: "-") : $0 == UInt8(ascii: "/") ? UInt8(ascii: "_") : $0
            }
            if inURLs != form { forms.append(inURLs) }
        }
        return forms
    }
}
