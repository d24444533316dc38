import FoundationEssentials

/// JSON Web Tokens signed with RS256 (RFC 7519, RFC 7515): what a GitHub App proves itself with.
package enum JSONWebToken {
    /// The claims an App makes. Times are whole Unix seconds.
    package struct Claims: Hashable, Sendable, Codable {
        package var iss: String
        package var iat: Int64
        package var exp: Int64

        package init(iss: String, iat: Int64, exp: Int64) {
            self.iss = iss
            self.iat = iat
            self.exp = exp
        }
    }

    private struct Header: Codable {
        var alg: String
        var typ: String?
    }

    /// Longest token that is read, in bytes.
    private static let limit = 8 << 10

    /// `header.claims.signature`.
    package static func sign(_ claims: Claims, with key: RSAPrivateKey) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let claims = try? encoder.encode(claims) else {
            preconditionFailure("two numbers and a text could not be written as JSON")
        }
        let content = Base64URL.encode(#"{"alg":"RS256","typ":"JWT"}"#.utf8) + "." + Base64URL.encode(claims)
        return content + "." + Base64URL.encode(key.signature(of: Array(content.utf8)))
    }

    /// The claims of a token that `key` signed; nil for every other text, also one with another algorithm. Whether the
    /// claims hold now is for the caller to judge.
    package static func verify(_ token: some StringProtocol, with key: RSAPublicKey) -> Claims? {
        guard token.utf8.count <= limit else { return nil }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Base64URL.decode(parts[0]), let claims = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2]),
            let algorithm = try? JSONDecoder().decode(Header.self, from: Data(header)).alg, algorithm == "RS256",
            key.isSignature(signature, of: Array("\(parts[0]).\(parts[1])".utf8))
        else { return nil }
        return try? JSONDecoder().decode(Claims.self, from: Data(claims))
    }
}

/// Base64 with the alphabet for URLs and file names, without padding (RFC 4648, 5).
package enum Base64URL {
    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// Nil for anything else, also for padding.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard isPlain else { return nil }
        var padded = String(text).replacing("-", with: "+").replacing("_", with: "/")
        padded += String(repeating: "=", count: (4 - padded.utf8.count % 4) % 4)
        return Data(base64Encoded: padded).map(Array.init)
    }
}
