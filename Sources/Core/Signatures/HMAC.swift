import COpenSSL

/// Keyed message authentication (RFC 2104).
package enum HMAC {
    /// HMAC-SHA-256; 32 bytes. An empty key and an empty message are allowed.
    package static func sha256(key: [UInt8], message: [UInt8]) -> [UInt8] {
        // libcrypto takes a null key for "keep the key of before", so an empty one still needs an address.
        let address = key.isEmpty ? [0] : key
        return [UInt8](unsafeUninitializedCapacity: SHA256.byteCount) { output, count in
            let done = message.withUnsafeBufferPointer { message in
                EVP_Q_mac(
                    nil, "HMAC", nil, "SHA256", nil, address, key.count, message.baseAddress, message.count,
                    output.baseAddress, SHA256.byteCount, &count)
            }
            precondition(done != nil, "libcrypto could not compute an HMAC (out of memory?)")
        }
    }

    /// HMAC-SHA-256 with the UTF-8 of a secret as key; 32 bytes.
    package static func sha256(key: String, message: [UInt8]) -> [UInt8] {
        sha256(key: Array(key.utf8), message: message)
    }
}
