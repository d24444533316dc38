import NIOHTTP1

/// One call of the REST API as it goes out.
struct ForgeCall: Sendable {
    var method: HTTPMethod
    /// Below the API's address, percent-encoded, with its query.
    var path: String
    var body: [UInt8]?
    /// Whether doing it twice is doing it once.
    var idempotent: Bool
    /// The caller's own version of the answer: an unchanged one is answered 304, without a body.
    var etag: String?

    /// The organisation or account in whose name an App's call is made; nil where the path names none.
    var owner: String? {
        let parts = path.prefix { $0 != "?" }.split(separator: "/", maxSplits: 2)
        guard parts.count > 1, ["repos", "orgs", "users"].contains(parts[0]) else { return nil }
        return percentDecoded(parts[1]).lowercased()
    }

    /// Whether an App makes the call as itself, not as one of its installations.
    var isOfApp: Bool { path == "/app" || path.hasPrefix("/app/") || path.hasPrefix("/app?") }

    func failure(_ kind: ForgeError.Kind, _ message: String) -> ForgeError {
        ForgeError(kind: kind, method: method.rawValue, path: path, message: message)
    }
}

/// An answer of the REST API within 2xx, or 304 where the caller has the same version.
struct ForgeAnswer: Sendable {
    var status: Int
    var body: [UInt8]
    /// The `rel="next"` of the Link header.
    var next: String?
    var etag: String?
}

/// A failed attempt, and what it means for another one.
struct Refusal: Error {
    var error: ForgeError
    /// The wait the forge asked for.
    var asked: Duration?
    /// What the attempt was authorised by, so that a revoked token can be replaced.
    var authorization: Authorization?

    func mayRetry(_ call: ForgeCall) -> Bool {
        switch error.kind {
        case .unreachable, .unreadable: call.idempotent
        case .status(let code): code >= 500 && call.idempotent
        // Refused before anything was done, so also safe for calls that are not idempotent.
        case .rateLimited: true
        case .tooLarge, .notInstalled, .cancelled: false
        }
    }
}
