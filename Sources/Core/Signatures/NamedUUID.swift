package import FoundationEssentials

extension UUID {
    /// The same id for the same name, always: 122 bits of its SHA-256 (RFC 9562, version 8).
    package static func named(_ name: String) -> UUID {
        let hash = SHA256.hash(Array(name.utf8))
        return UUID(
            uuid: (
                hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], (hash[6] & 0x0F) | 0x80, hash[7],
                (hash[8] & 0x3F) | 0x80, hash[9], hash[10], hash[11], hash[12], hash[13], hash[14], hash[15]
            ))
    }
}
