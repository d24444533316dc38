package import FoundationEssentials
import NIOHTTP1
package import Signatures

/// A GitHub App as its owner registered it.
package struct ForgeApp: Sendable {
    /// The App's id or client id.
    package let id: String
    package let key: RSAPrivateKey
    let now: @Sendable () -> Date

    /// - Parameters:
    ///   - key: PEM, as the forge offered it for download.
    ///   - now: The clock that tokens are judged by.
    package init(
        id: String, key: String, now: @escaping @Sendable () -> Date = { Date() }
    ) throws(RSAKeyError) {
        self.id = id
        self.key = try RSAPrivateKey(pem: key)
        self.now = now
    }
}

/// The tokens of an App: one of its own (a JSON Web Token, ten minutes), and one for each organisation that installed
/// it (an hour). Each is kept until shortly before it expires, and fetched once however many ask for it.
///
/// Source: GitHub's "Authenticating as a GitHub App" and "Authenticating as a GitHub App installation".
actor AppTokens {
    /// GitHub allows ten minutes; a minute is left for clocks that differ, at either end.
    private static let ownLife: TimeInterval = 540
    private static let drift: TimeInterval = 60
    /// An installation's token that lives no longer than this is replaced first: a call may take a while.
    private static let margin: TimeInterval = 300
    /// How long it is believed that an organisation has not installed the App.
    private static let absence: TimeInterval = 60
    private static let timeout = Duration.seconds(20)

    private struct Token: Decodable {
        var token: String
        var expiresAt: Timestamp

        enum CodingKeys: String, CodingKey {
            case token
            case expiresAt = "expires_at"
        }
    }

    private let app: ForgeApp
    private let exchange: ForgeExchange
    private var own: (token: String, expires: Date)?
    private var tokens: [String: Token] = [:]
    private var installations: [String: Int64] = [:]
    private var absent: [String: (until: Date, refusal: Refusal)] = [:]
    private var fetching: [String: Task<Result<Token, Refusal>, Never>] = [:]
    /// Any organisation that installed the App, for calls that name none.
    private var anyOwner: String?

    init(_ app: ForgeApp, exchange: ForgeExchange) {
        self.app = app
        self.exchange = exchange
    }

    func authorization(for call: ForgeCall) async throws(Refusal) -> Authorization {
        if call.isOfApp { return ownAuthorization }
        let owner: String
        if let named = call.owner {
            owner = named
        } else {
            owner = try await someOwner(call)
        }
        return Authorization(token: try await token(for: owner), scope: "installation/\(owner)")
    }

    /// Forgets a token that the forge refused.
    ///
    /// - Returns: whether asking again can help. The App's own token is as good as the next one.
    func discard(_ authorization: Authorization) -> Bool {
        guard authorization.scope != Self.ownScope, authorization.token != nil else { return false }
        if let owner = tokens.first(where: { $0.value.token == authorization.token })?.key {
            tokens[owner] = nil
            // Who removes the App and installs it again has another installation.
            installations[owner] = nil
        }
        return true
    }

    private static let ownScope = "app"

    private var ownAuthorization: Authorization {
        let now = app.now()
        if let own, own.expires.timeIntervalSince(now) > Self.drift {
            return Authorization(token: own.token, scope: Self.ownScope)
        }
        let seconds = Int64(now.timeIntervalSince1970)
        let claims = JSONWebToken.Claims(
            iss: app.id, iat: seconds - Int64(Self.drift), exp: seconds + Int64(Self.ownLife))
        let token = JSONWebToken.sign(claims, with: app.key)
        own = (token, now.addingTimeInterval(Self.ownLife))
        return Authorization(token: token, scope: Self.ownScope)
    }

    private func token(for owner: String) async throws(Refusal) -> String {
        if let known = tokens[owner], known.expiresAt.date.timeIntervalSince(app.now()) > Self.margin {
            return known.token
        }
        if let gone = absent[owner], gone.until > app.now() { throw gone.refusal }
        let task =
            fetching[owner]
            ?? Task { () -> Result<Token, Refusal> in
                do throws(Refusal) {
                    return .success(try await fetch(owner))
                } catch {
                    return .failure(error)
                }
            }
        fetching[owner] = task
        let outcome = await task.value
        if fetching[owner] == task { fetching[owner] = nil }
        switch outcome {
        case .success(let token): return token.token
        case .failure(let refusal): throw refusal
        }
    }

    private func fetch(_ owner: String) async throws(Refusal) -> Token {
        if let installation = installations[owner] {
            do throws(Refusal) {
                return try await token(of: installation, owner)
            } catch {
                // Removed, and perhaps installed anew under another id.
                guard error.error.isNotFound else { throw error }
                installations[owner] = nil
            }
        }
        let installation = try await installation(of: owner)
        installations[owner] = installation
        return try await token(of: installation, owner)
    }

    private func token(of installation: Int64, _ owner: String) async throws(Refusal) -> Token {
        let call = ForgeCall(
            method: .POST, path: "/app/installations/\(installation)/access_tokens", idempotent: true)
        let token: Token = try await ask(call)
        tokens[owner] = token
        absent[owner] = nil
        return token
    }

    private func installation(of owner: String) async throws(Refusal) -> Int64 {
        struct Installation: Decodable {
            var id: Int64
        }
        for kind in ["orgs", "users"] {
            let call = ForgeCall(method: .GET, path: "/\(kind)/\(segment(owner))/installation", idempotent: true)
            do throws(Refusal) {
                let found: Installation = try await ask(call)
                return found.id
            } catch {
                guard error.error.isNotFound else { throw error }
            }
        }
        let refusal = Refusal(
            error: ForgeError(
                kind: .notInstalled, method: "GET", path: "/orgs/\(segment(owner))/installation",
                message: "the App \(app.id) is not installed in '\(owner)', or was removed from it; an owner of "
                    + "'\(owner)' installs it on the App's page"))
        absent[owner] = (app.now().addingTimeInterval(Self.absence), refusal)
        throw refusal
    }

    private func someOwner(_ call: ForgeCall) async throws(Refusal) -> String {
        struct Installation: Decodable {
            var account: Account
        }
        if let anyOwner { return anyOwner }
        let found: [Installation] = try await ask(
            ForgeCall(method: .GET, path: "/app/installations?per_page=1", idempotent: true))
        guard let owner = found.first?.account.login.lowercased() else {
            throw Refusal(
                error: call.failure(
                    .notInstalled, "the App \(app.id) is installed nowhere; an owner of an organization installs it"))
        }
        anyOwner = owner
        return owner
    }

    /// A call as the App itself.
    private func ask<Answer: Decodable>(_ call: ForgeCall) async throws(Refusal) -> Answer {
        let answer = try await exchange.perform(call, ownAuthorization, timeout: Self.timeout)
        do {
            return try JSONDecoder().decode(Answer.self, from: Data(answer.body))
        } catch {
            let reason = (error as? DecodingError)?.clause ?? "it is not a JSON document"
            throw Refusal(error: call.failure(.unreadable, reason))
        }
    }
}
