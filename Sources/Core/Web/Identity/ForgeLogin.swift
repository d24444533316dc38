package import FoundationEssentials
import HTTPTypes
import Hummingbird
import Signatures

/// Where people prove who they are: the forge that Slipway serves.
package protocol LoginProvider: Sendable {
    /// What people call it, e.g. `github.com`.
    var name: String { get }

    /// Where a browser is sent, to come back to `callback` with a code and the same state.
    ///
    /// - Parameter challenge: PKCE (RFC 7636, S256).
    func authorizationURL(callback: String, state: String, challenge: String) -> String

    /// Exchanges a code for the login of whoever agreed to it.
    ///
    /// - Throws: an error that says in a sentence why not.
    func login(code: String, callback: String, verifier: String) async throws -> String
}

/// Signing in by the forge: what is needed for it, and the sessions it leads to.
///
/// Nothing of it is kept on the server. A session is a signed cookie of twelve hours; what somebody may do is asked of
/// the forge whenever he does it. Another secret ends all sessions at once.
package struct ForgeLogin: Sendable {
    let provider: any LoginProvider
    /// The address that the forge sends browsers back to.
    let callback: String
    private let sessions: SignedText<Session>
    private let states: SignedText<State>
    private let secret: String
    private let now: @Sendable () -> Date

    static let sessionSeconds = 12 * 3600
    /// How long somebody may take at the forge.
    static let stateSeconds = 600
    static let callbackPath = "/login/forge/callback"

    private struct Session: Codable, Sendable {
        var login: String
        var expires: Int64
    }

    private struct State: Codable, Sendable {
        /// The hash of what the cookie holds: a state is worth nothing in another browser, nor a second time.
        var nonce: String
        var next: String
        var expires: Int64
    }

    /// - Parameters:
    ///   - publicURL: How browsers reach the gateway, without a trailing slash.
    ///   - secret: Signs sessions and states; the same in every gateway.
    package init(
        provider: any LoginProvider, publicURL: String, secret: String,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.provider = provider
        self.secret = secret
        self.now = now
        callback = publicURL + Self.callbackPath
        sessions = SignedText(secret: secret, purpose: "session")
        states = SignedText(secret: secret, purpose: "login state")
    }

    // MARK: Sessions

    /// The cookie's value for whoever has signed in.
    func session(of login: String) throws -> String {
        try sessions.sign(Session(login: login, expires: seconds + Int64(Self.sessionSeconds)))
    }

    /// Who a cookie's value speaks for; nil for one that is forged or over.
    func identity(for text: String) -> Identity? {
        guard let session = sessions.open(text), session.expires > seconds else { return nil }
        return Identity(forgeLogin: session.login)
    }

    // MARK: States

    func state(nonce: String, next: String) throws -> String {
        try states.sign(
            State(nonce: SHA256.hexadecimal(nonce), next: next, expires: seconds + Int64(Self.stateSeconds)))
    }

    /// Where to go on; nil for a state that was forged, made for another browser, used before or is too old.
    func next(_ state: String, nonce: String) -> String? {
        guard let opened = states.open(state), opened.expires > seconds,
            constantTimeEquals(opened.nonce, SHA256.hexadecimal(nonce))
        else { return nil }
        return Link.local(opened.next) ?? "/"
    }

    /// The verifier of PKCE that goes with a nonce; its hash is the challenge.
    func verifier(nonce: String) -> String {
        Base64URL.encode(HMAC.sha256(key: secret, message: Array("slipway/verifier/\(nonce)".utf8)))
    }

    private var seconds: Int64 { Int64(now().timeIntervalSince1970) }
}
