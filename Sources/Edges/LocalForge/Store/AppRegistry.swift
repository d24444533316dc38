import Forge
import FoundationEssentials
import Signatures
import Synchronization

/// The App that this forge knows: where it is installed, and the tokens it and its users were given. Tokens live in
/// memory, so that a forge that is started again refuses all of them, as a revocation would.
final class AppRegistry: Sendable {
    /// Whoever shows a token.
    enum Holder: Sendable {
        case app
        case installation(org: String)
        case user(String)
    }

    struct Installation: Sendable {
        var id: Int64
        var org: String
    }

    struct IssuedToken: Sendable {
        var text: String
        var expiresAt: Date
    }

    private struct Content {
        var tokens: [String: (holder: Holder, expires: Date)] = [:]
        /// How often the App was removed from an organisation; it is installed everywhere else.
        var removals: [String: Int] = [:]
        var removed: Set<String> = []
        /// One-time codes of the web flow.
        var codes: [String: (code: AuthorizationCode, expires: Date)] = [:]
    }

    /// What a user agreed to.
    struct AuthorizationCode: Sendable {
        var login: String
        var redirectURL: String
        /// PKCE (RFC 7636, S256); nil where the client sent none.
        var challenge: String?
    }

    private let app: LocalForgeConfiguration.App?
    private let accounts: Accounts
    let now: @Sendable () -> Date
    private let content = Mutex(Content())

    /// GitHub's lives of tokens and of codes, in seconds.
    private static let tokenLife: TimeInterval = 3600
    private static let userTokenLife: TimeInterval = 8 * 3600
    private static let codeLife: TimeInterval = 600
    /// Most tokens and codes remembered; a loop of some client must not fill the memory.
    private static let limit = 10_000

    init(app: LocalForgeConfiguration.App?, accounts: Accounts, now: @escaping @Sendable () -> Date) {
        self.app = app
        self.accounts = accounts
        self.now = now
    }

    // MARK: Tokens

    /// Whose token this is.
    ///
    /// - Throws: a refusal in GitHub's words for a token of the App itself that is not acceptable.
    func holder(of token: String) throws -> Holder? {
        if token.count(where: { $0 == "." }) == 2 { return try holder(ofOwnToken: token) }
        return content.withLock { content in
            guard let known = content.tokens[token], known.expires > now() else { return nil }
            return known.holder
        }
    }

    private func holder(ofOwnToken token: String) throws -> Holder {
        guard let app, let claims = JSONWebToken.verify(token, with: app.publicKey), claims.iss == app.id else {
            throw ForgeRefusal(status: 401, message: "A JSON web token could not be decoded")
        }
        let seconds = Int64(now().timeIntervalSince1970)
        guard claims.exp > seconds else {
            throw ForgeRefusal(
                status: 401,
                message: "'Expiration time' claim ('exp') must be a numeric value representing the future time")
        }
        guard claims.exp <= seconds + 600 else {
            throw ForgeRefusal(
                status: 401, message: "'Expiration time' claim ('exp') is too far in the future")
        }
        guard claims.iat <= seconds else {
            throw ForgeRefusal(
                status: 401,
                message: "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was "
                    + "issued")
        }
        return .app
    }

    private func issue(_ holder: Holder, prefix: String, life: TimeInterval) -> IssuedToken {
        let token = IssuedToken(
            text: prefix + Hexadecimal.encode(secureRandomBytes(20)), expiresAt: now().addingTimeInterval(life))
        content.withLock { content in
            if content.tokens.count >= Self.limit {
                content.tokens = content.tokens.filter { $0.value.expires > now() }
            }
            content.tokens[token.text] = (holder, token.expiresAt)
        }
        return token
    }

    func revoke(_ token: String) { content.withLock { $0.tokens[token] = nil } }

    // MARK: Installations

    var installations: [Installation] {
        guard app != nil else { return [] }
        return content.withLock { content in
            accounts.snapshot.organizations.sorted { $0.key < $1.key }.compactMap { org, record in
                content.removed.contains(org)
                    ? nil : Installation(id: record.id * 1000 + Int64(content.removals[org] ?? 0), org: org)
            }
        }
    }

    func issueToken(installation: Int64) throws -> IssuedToken {
        guard let found = installations.first(where: { $0.id == installation }) else { throw ForgeRefusal.notFound }
        return issue(.installation(org: found.org), prefix: "ghs_", life: Self.tokenLife)
    }

    /// Removes the App from an organisation; its tokens there end at once.
    func remove(installation: Int64) throws {
        guard let found = installations.first(where: { $0.id == installation }) else { throw ForgeRefusal.notFound }
        content.withLock { content in
            content.removed.insert(found.org)
            content.removals[found.org, default: 0] += 1
            content.tokens = content.tokens.filter {
                if case .installation(found.org) = $0.value.holder { false } else { true }
            }
        }
    }

    /// Installs the App in an organisation that had removed it.
    func install(in org: String) { _ = content.withLock { $0.removed.remove(org) } }

    // MARK: Web flow

    func issueCode(_ code: AuthorizationCode) -> String {
        let text = Hexadecimal.encode(secureRandomBytes(10))
        content.withLock { content in
            if content.codes.count >= Self.limit { content.codes = content.codes.filter { $0.value.expires > now() } }
            content.codes[text] = (code, now().addingTimeInterval(Self.codeLife))
        }
        return text
    }

    /// Takes a code, once.
    func takeCode(_ text: String) -> AuthorizationCode? {
        content.withLock { content in
            guard let known = content.codes.removeValue(forKey: text), known.expires > now() else { return nil }
            return known.code
        }
    }

    func issueToken(user: String) -> IssuedToken { issue(.user(user), prefix: "ghu_", life: Self.userTokenLife) }
}
