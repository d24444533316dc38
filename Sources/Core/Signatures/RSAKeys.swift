import COpenSSL

/// The private half of an RSA key, for RS256 signatures (RFC 7518, 3.3).
///
/// The key is kept as its PEM text and read again for each signature, which takes well under a millisecond: it signs a
/// few times an hour.
package struct RSAPrivateKey: Sendable, CustomStringConvertible, CustomReflectable {
    /// PKCS#8 or PKCS#1, as it was given.
    package let pem: String

    /// - Parameter pem: `-----BEGIN PRIVATE KEY-----` or `-----BEGIN RSA PRIVATE KEY-----`, without a passphrase.
    package init(pem: String) throws(RSAKeyError) {
        guard let key = Self.read(pem) else { throw .notAPrivateKey }
        defer { EVP_PKEY_free(key) }
        try RSAKeyError.check(key)
        self.pem = pem
    }

    /// A new key.
    ///
    /// - Parameter bits: 2048 or more.
    package static func generate(bits: Int32 = 2048) -> RSAPrivateKey {
        let context = EVP_PKEY_CTX_new_from_name(nil, "RSA", nil)
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits) == 1,
            EVP_PKEY_generate(context, &key) == 1
        else { preconditionFailure("libcrypto could not make an RSA key of \(bits) bits") }
        defer { EVP_PKEY_free(key) }
        let pem = PEM.write { PEM_write_bio_PKCS8PrivateKey($0, key, nil, nil, 0, nil, nil) }
        return RSAPrivateKey(checked: pem)
    }

    private init(checked pem: String) { self.pem = pem }

    package var publicKey: RSAPublicKey {
        let key = Self.read(pem)
        defer { EVP_PKEY_free(key) }
        return RSAPublicKey(checked: PEM.write { PEM_write_bio_PUBKEY($0, key) })
    }

    /// The PKCS#1 1.5 signature over the message's SHA-256; as long as the key.
    package func signature(of message: [UInt8]) -> [UInt8] {
        let key = Self.read(pem)
        defer { EVP_PKEY_free(key) }
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        let size = Int(EVP_PKEY_get_size(key))
        return [UInt8](unsafeUninitializedCapacity: size) { output, count in
            count = size
            let done =
                EVP_DigestSignInit(context, nil, EVP_sha256(), nil, key) == 1
                && EVP_DigestSign(context, output.baseAddress, &count, message, message.count) == 1
            precondition(done, "libcrypto could not sign with an RSA key that it had read before (out of memory?)")
        }
    }

    private static func read(_ pem: String) -> OpaquePointer? {
        // A key under a passphrase must fail, not ask for it at the terminal.
        PEM.read(pem) { PEM_read_bio_PrivateKey($0, nil, { _, _, _, _ in 0 }, nil) }
    }

    package var description: String { "RSAPrivateKey(redacted)" }
    package var customMirror: Mirror { Mirror(self, children: [], displayStyle: nil) }
}

/// The public half of an RSA key, which tells whether an RS256 signature is genuine.
package struct RSAPublicKey: Hashable, Sendable {
    /// `-----BEGIN PUBLIC KEY-----` and what follows.
    package let pem: String

    package init(pem: String) throws(RSAKeyError) {
        guard let key = Self.read(pem) else { throw .notAPublicKey }
        defer { EVP_PKEY_free(key) }
        try RSAKeyError.check(key)
        self.pem = pem
    }

    init(checked pem: String) { self.pem = pem }

    package func isSignature(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        let key = Self.read(pem)
        defer { EVP_PKEY_free(key) }
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        return EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, key) == 1
            && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }

    private static func read(_ pem: String) -> OpaquePointer? {
        PEM.read(pem) { PEM_read_bio_PUBKEY($0, nil, { _, _, _, _ in 0 }, nil) }
    }
}

/// A text that is not the key that was asked for.
package enum RSAKeyError: Error, Hashable, CustomStringConvertible {
    case notAPrivateKey
    case notAPublicKey
    case notRSA
    case tooShort(bits: Int32)

    /// Keys below this length can be broken; NIST SP 800-131A disallows them.
    static let leastBits: Int32 = 2048

    fileprivate static func check(_ key: OpaquePointer) throws(RSAKeyError) {
        guard EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA else { throw .notRSA }
        let bits = EVP_PKEY_get_bits(key)
        guard bits >= leastBits else { throw .tooShort(bits: bits) }
    }

    package var description: String {
        switch self {
        case .notAPrivateKey:
            "this is not a private key in PEM without a passphrase ('-----BEGIN RSA PRIVATE KEY-----' …); give the file "
                + "that the forge offered for download, unchanged"
        case .notAPublicKey: "this is not a public key in PEM ('-----BEGIN PUBLIC KEY-----' …)"
        case .notRSA: "this is a key of another kind than RSA, which RS256 needs"
        case .tooShort(let bits): "this RSA key has \(bits) bits; RS256 needs at least \(Self.leastBits)"
        }
    }
}

/// Keys in and out of PEM, through libcrypto's memory files.
private enum PEM {
    /// Longest text that is looked at; a key of 16,384 bits has about 13,000 bytes.
    static let limit = 64 << 10

    static func read(_ pem: String, _ parse: (OpaquePointer?) -> OpaquePointer?) -> OpaquePointer? {
        let bytes = Array(pem.utf8)
        guard bytes.count <= limit else { return nil }
        return bytes.withUnsafeBytes { buffer in
            let file = BIO_new_mem_buf(buffer.baseAddress, Int32(buffer.count))
            defer { BIO_free(file) }
            return parse(file)
        }
    }

    static func write(_ print: (OpaquePointer?) -> Int32) -> String {
        let file = BIO_new(BIO_s_mem())
        defer { BIO_free(file) }
        precondition(print(file) == 1, "libcrypto could not write a key as PEM (out of memory?)")
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { output, count in
            count = max(0, Int(BIO_read(file, output.baseAddress, Int32(limit))))
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
