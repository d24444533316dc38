/// What a client proves itself with.
package enum ForgeCredential: Sendable, CustomStringConvertible {
    /// Reads what anybody may.
    case anonymous
    /// A personal access token, or a user's.
    case token(String)
    /// A GitHub App: a token for each organisation that installed it.
    case app(ForgeApp)

    package var description: String {
        switch self {
        case .anonymous: "anonymous"
        case .token: "token(redacted)"
        case .app(let app): "app(\(app.id))"
        }
    }
}

/// What one call is authorised by.
struct Authorization: Sendable {
    /// Sent as a bearer token; nil sends none.
    var token: String?
    /// Names the budget that the call is counted in, and whose answers these are.
    var scope: String

    static let anonymous = Authorization(token: nil, scope: "anonymous")

    /// A text without the token in it.
    func redact(_ text: String) -> String {
        guard let token, !token.isEmpty else { return text }
        return text.replacing(token, with: "[redacted]")
    }
}

/// What all copies of one client share: its credential, its rate, its answers, its questions under way.
final class ForgeSession: Sendable {
    let exchange: ForgeExchange
    let rates = RateLimits()
    let answers = AnswerCache()
    let flights = Flights()
    private let credential: Credential

    private enum Credential: Sendable {
        case fixed(Authorization)
        case app(AppTokens)
    }

    init(address: ForgeAddress, credential: ForgeCredential) {
        exchange = ForgeExchange(address: address)
        self.credential =
            switch credential {
            case .anonymous: .fixed(.anonymous)
            case .token(let token): .fixed(Authorization(token: token, scope: "token"))
            case .app(let app): .app(AppTokens(app, exchange: exchange))
            }
    }

    var isApp: Bool {
        if case .app = credential { true } else { false }
    }

    func authorization(for call: ForgeCall) async throws(Refusal) -> Authorization {
        switch credential {
        case .fixed(let authorization): authorization
        case .app(let tokens): try await tokens.authorization(for: call)
        }
    }

    /// Whether a refused token can be replaced by another.
    func replace(_ authorization: Authorization) async -> Bool {
        switch credential {
        case .fixed: false
        case .app(let tokens): await tokens.discard(authorization)
        }
    }
}
