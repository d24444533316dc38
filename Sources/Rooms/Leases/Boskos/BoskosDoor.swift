import FoundationEssentials
import NIOHTTP1
import Synchronization
import Web

/// Who calls: a token shown as HTTP Basic password or as bearer; nobody where anybody may.
final class BoskosDoor: Sendable {
    private let tokens: TokenStore
    private let allowsAnybody: Bool
    /// Tokens that were good a moment ago, so that a busy client costs no query each time. A revoked one counts no
    /// longer than this.
    private let known = Mutex<[String: (identity: Identity, until: ContinuousClock.Instant)]>([:])
    private static let remembered = Duration.seconds(5)

    init(tokens: TokenStore, allowsAnybody: Bool) {
        self.tokens = tokens
        self.allowsAnybody = allowsAnybody
    }

    /// An account that leases are held by; nobody's for anybody.
    struct Account: Sendable {
        var name: String?
    }

    /// The account of whom was let in a moment ago, or needs no token; nil where the database has to be asked.
    func knownAccount(_ authorization: String?) throws(BoskosRefusal) -> Account? {
        guard let authorization else {
            guard allowsAnybody else {
                throw Self.refusal(
                    "Show a token with the scope leases:write: as the password of HTTP Basic, or as a bearer token.")
            }
            return Account(name: nil)
        }
        guard let token = Self.token(in: authorization), let identity = known(token) else { return nil }
        return Account(name: try Self.name(of: identity))
    }

    func account(_ authorization: String?) async throws(BoskosRefusal) -> String? {
        guard let token = authorization.flatMap(Self.token), let identity = try await identity(token) else {
            throw Self.refusal("The token is unknown, expired or revoked.")
        }
        return try Self.name(of: identity)
    }

    private static func name(of identity: Identity) throws(BoskosRefusal) -> String {
        guard identity.allows(.leasesWrite) else {
            throw BoskosRefusal(.forbidden, "The token of '\(identity.name)' lacks the scope leases:write.")
        }
        return identity.name
    }

    private func known(_ token: String) -> Identity? {
        guard let entry = known.withLock({ $0[token] }), entry.until > .now else { return nil }
        return entry.identity
    }

    private func identity(_ token: String) async throws(BoskosRefusal) -> Identity? {
        if let identity = known(token) { return identity }
        do {
            let identity = try await tokens.identity(for: token, proof: .bearer)
            known.withLock { known in
                if known.count > 10_000 { known = [:] }
                known[token] = identity.map { ($0, .now + Self.remembered) }
            }
            return identity
        } catch {
            throw BoskosRefusal(.serviceUnavailable, "The database does not answer right now, try again later.")
        }
    }

    private static func token(in header: String) -> String? {
        let parts = header.split(separator: " ", omittingEmptySubsequences: true)
        guard parts.count == 2 else { return nil }
        switch parts[0].lowercased() {
        case "bearer": return String(parts[1])
        case "basic":
            guard let data = Data(base64Encoded: String(parts[1])) else { return nil }
            let text = String(decoding: data, as: UTF8.self)
            guard let colon = text.firstIndex(of: ":") else { return nil }
            return text[text.index(after: colon)...].trimmed
        default: return nil
        }
    }

    private static func refusal(_ text: String) -> BoskosRefusal {
        BoskosRefusal(.unauthorized, text, challenge: "Basic realm=\"boskos\"")
    }
}

extension Substring {
    /// A password read from a file often ends in a line's end.
    fileprivate var trimmed: String {
        var text = self
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }
}
