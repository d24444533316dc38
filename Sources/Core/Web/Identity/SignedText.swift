import FoundationEssentials
import Signatures

/// Values that leave the server and come back unchanged: JSON and its HMAC, `value.code`, each for one purpose only.
struct SignedText<Value: Codable>: Sendable {
    private let key: [UInt8]
    /// Longest text that is read, in bytes; a browser sends cookies of at most 4 KB.
    private let limit = 4 << 10

    /// - Parameter purpose: What is signed for one is worth nothing for another.
    init(secret: String, purpose: String) {
        key = HMAC.sha256(key: secret, message: Array("slipway/\(purpose)".utf8))
    }

    func sign(_ value: Value) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let text = Base64URL.encode(try encoder.encode(value))
        return text + "." + Base64URL.encode(HMAC.sha256(key: key, message: Array(text.utf8)))
    }

    /// Nil for everything that was not signed here for this purpose.
    func open(_ text: String) -> Value? {
        guard text.utf8.count <= limit else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let code = Base64URL.decode(parts[1]),
            constantTimeEquals(code, HMAC.sha256(key: key, message: Array(parts[0].utf8))),
            let bytes = Base64URL.decode(parts[0])
        else { return nil }
        return try? JSONDecoder().decode(Value.self, from: Data(bytes))
    }
}
