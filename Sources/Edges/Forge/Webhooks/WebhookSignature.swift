import Signatures

/// GitHub's `X-Hub-Signature-256`: `sha256=` and the HMAC-SHA-256 of the body as it was sent.
package enum WebhookSignature {
    package static let headerName = "X-Hub-Signature-256"

    /// The header's value for a body under one secret.
    package static func header(for body: [UInt8], secret: String) -> String {
        "sha256=" + Hexadecimal.encode(HMAC.sha256(key: secret, message: body))
    }

    /// Whether any of `secrets` signed the body. Several are valid while a secret is being replaced. Takes the same
    /// time whichever matches; false without a header and without secrets.
    package static func verify(header: String?, body: [UInt8], secrets: [String]) -> Bool {
        guard let header, header.hasPrefix("sha256="), let code = Hexadecimal.decode(header.dropFirst(7)),
            code.count == SHA256.byteCount
        else { return false }
        var matched = false
        for secret in secrets where !secret.isEmpty {
            let equal = constantTimeEquals(HMAC.sha256(key: secret, message: body), code)
            matched = matched || equal
        }
        return matched
    }
}
