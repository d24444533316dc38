package import FoundationEssentials

/// A time-ordered UUID (RFC 9562, version 7): 48 bits of Unix milliseconds, then 74 random bits.
extension UUID {
    /// - Parameter milliseconds: Unix time in milliseconds; the current time where omitted.
    package static func version7(milliseconds: UInt64? = nil) -> UUID {
        let time = milliseconds ?? UInt64(max(0, Date().timeIntervalSince1970 * 1000))
        var random = SystemRandomNumberGenerator()
        let upper = time << 16 | 0x7000 | random.next() & 0x0FFF
        let lower = 0x8000_0000_0000_0000 | random.next() >> 2
        return withUnsafeBytes(of: (upper.bigEndian, lower.bigEndian)) { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }

    /// The canonical form in lower case, as every interface outside Apple's prints it.
    package var lowercased: String {
        withUnsafeBytes(of: uuid) { bytes in
            String(unsafeUninitializedCapacity: 36) { text in
                var end = 0
                for (index, byte) in bytes.enumerated() {
                    if [4, 6, 8, 10].contains(index) {
                        text[end] = UInt8(ascii: "-")
                        end += 1
                    }
                    (text[end], text[end + 1]) = byte.lowerHexadecimalDigits
                    end += 2
                }
                return end
            }
        }
    }
}

/// Identifies one run for its whole life, over all of its attempts. Prow's PROW_JOB_ID.
package struct RunID: Hashable, Sendable, Codable, CustomStringConvertible {
    package let uuid: UUID

    package init(_ uuid: UUID) { self.uuid = uuid }
    package init() { uuid = .version7() }
    package init?(_ text: String) {
        guard let uuid = UUID(uuidString: text) else { return nil }
        self.uuid = uuid
    }

    package init(from decoder: any Decoder) throws {
        uuid = try decoder.singleValueContainer().decode(UUID.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(uuid.lowercased)
    }

    package var description: String { uuid.lowercased }
}

/// Identifies one attempt of a run: 64 bits that grow with time, decimal, a string in JSON. Owns one artifact folder.
package struct BuildID: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package let number: Int64

    package init(_ number: Int64) { self.number = number }
    package init?(_ text: some StringProtocol) {
        guard let number = Int64(text), number > 0 else { return nil }
        self.number = number
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = BuildID(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "build id '\(text)' is not a positive 64-bit decimal")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    package static func < (left: BuildID, right: BuildID) -> Bool { left.number < right.number }
    package var description: String { String(number) }
}

/// A repository at a forge, `org/repo`. Compared as written: forges keep the case of names.
package struct RepositoryName: Hashable, Sendable, Codable, CustomStringConvertible {
    package let org: String
    package let repo: String

    package init(org: String, repo: String) {
        self.org = org
        self.repo = repo
    }

    /// Parses `org/repo`; nil for anything that could not be a forge's name (so also for path traversal).
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ Self.isValid($0) }) else { return nil }
        org = String(parts[0])
        repo = String(parts[1])
    }

    /// 1 to 100 of `A-Z a-z 0-9 - _ .`, not beginning with a dot or dash (GitHub's rule, a little narrower).
    package static func isValid(_ part: some StringProtocol) -> Bool {
        guard let first = part.utf8.first, first != UInt8(ascii: "."), first != UInt8(ascii: "-") else { return false }
        return part.utf8.count <= 100
            && part.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let name = RepositoryName(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "'\(text)' is not a repository name of the form org/repo")
        }
        self = name
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    package var description: String { "\(org)/\(repo)" }
}
