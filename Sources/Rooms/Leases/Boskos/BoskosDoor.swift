import FoundationEssentials
import Hummingbird
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

    /// The account that leases are held by; nil for anybody.
    func account(of request: Request) async throws(BoskosRefusal) -> String? {
        guard let header = request.headers[.authorization] else {
            guard allowsAnybody else {
                throw Self.refusal(
                    "Show a token with the scope leases:write: as the password of HTTP Basic, or as a bearer token.")
            }
            return nil
        }
        guard let token = Self.token(in: header), let identity = try await identity(token) else {
            throw Self.refusal("The token is unknown, expired or revoked.")
        }
        guard identity.allows(.leasesWrite) else {
            throw BoskosRefusal(.forbidden, "The token of '\(identity.name)' lacks the scope leases:write.")
        }
        return identity.name
    }

    private func identity(_ token: String) async throws(BoskosRefusal) -> Identity? {
        let now = ContinuousClock.now
        if let entry = known.withLock({ $0[token] }), entry.until > now { return entry.identity }
        do {
            let identity = try await tokens.identity(for: token, proof: .bearer)
            known.withLock { known in
                if known.count > 10_000 { known = [:] }
                known[token] = identity.map { ($0, now + Self.remembered) }
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
        BoskosRefusal(.unauthorized, text, headers: [.wwwAuthenticate: "Basic realm=\"boskos\""])
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
