import COpenSSL

/// SHA-256 (FIPS 180-4) of a whole message.
package enum SHA256 {
    /// Length of a digest in bytes.
    package static let byteCount = 32

    /// The 32-byte digest of `bytes`.
    package static func hash(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        let digest: [UInt8]? = bytes.withContiguousStorageIfAvailable { digestOf(UnsafeRawBufferPointer($0)) }
        return digest ?? Array(bytes).withUnsafeBytes(digestOf)
    }

    /// The digest of a text's UTF-8.
    package static func hash(_ text: String) -> [UInt8] { hash(text.utf8) }

    /// The digest as 64 lower-case hexadecimal digits.
    package static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String { Hexadecimal.encode(hash(bytes)) }

    /// The digest of a text's UTF-8 as 64 lower-case hexadecimal digits.
    package static func hexadecimal(_ text: String) -> String { hexadecimal(text.utf8) }

    private static func digestOf(_ message: UnsafeRawBufferPointer) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { output, count in
            let done = EVP_Digest(message.baseAddress, message.count, output.baseAddress, nil, EVP_sha256(), nil)
            precondition(done == 1, "libcrypto could not compute a SHA-256 digest (out of memory?)")
            count = byteCount
        }
    }
}

/// SHA-256 of a message that arrives in pieces.
package struct SHA256Stream: ~Copyable {
    private let context: OpaquePointer

    package init() {
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex2(context, EVP_sha256(), nil) == 1 else {
            preconditionFailure("libcrypto could not begin a SHA-256 digest (out of memory?)")
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Takes the next piece.
    package mutating func update(_ bytes: some Sequence<UInt8>) {
        let taken: Void? = bytes.withContiguousStorageIfAvailable { update(UnsafeRawBufferPointer($0)) }
        if taken == nil { Array(bytes).withUnsafeBytes { update($0) } }
    }

    /// Takes the next piece.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let done = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
        precondition(done == 1, "libcrypto could not continue a SHA-256 digest")
    }

    /// Ends the message; 32 bytes.
    package consuming func finalize() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: SHA256.byteCount) { output, count in
            let done = EVP_DigestFinal_ex(context, output.baseAddress, nil)
            precondition(done == 1, "libcrypto could not end a SHA-256 digest")
            count = SHA256.byteCount
        }
    }
}
