import Foundation
import Hummingbird
import HummingbirdTesting
import Synchronization
import Testing
import Web

@Suite("Signing in by the forge")
struct ForgeLoginTests {
    @Test("somebody goes to the forge, comes back, and is known for twelve hours")
    func flow() async throws {
        let clock = Clock()
        try await LoginHarness.run(clock: clock) { site in
            let begun = try await site.begin(next: "/runs?job=unit")
            #expect(
                begun.location.hasPrefix("https://forge.example.org/authorize?callback=https%3A%2F%2Fci.example.org"))
            #expect(begun.challenge.count == 43)
            let back = try await site.get(
                "/login/forge/callback?code=good&state=\(begun.state)", cookie: begun.nonceCookie)
            #expect(back.status == .seeOther && back.headers[.location] == "/runs?job=unit")
            let session = try #require(site.cookie("slipway_session", in: back))
            #expect(
                back.headers[values: .setCookie].contains { $0.contains("slipway_login=") && $0.contains("Max-Age=0") })
            let attributes = try #require(back.headers[values: .setCookie].first { $0.hasPrefix("slipway_session") })
            #expect(
                attributes.contains("HttpOnly") && attributes.contains("SameSite=Lax") && attributes.contains("Secure"))
            #expect(try await site.who(session) == "maria")
            clock.pass(12 * 3600 - 5)
            #expect(try await site.who(session) == "maria")
            clock.pass(6)
            #expect(try await site.who(session) == "nobody")
        }
    }

    @Test("the code is exchanged with the verifier whose challenge the forge was shown")
    func verifier() async throws {
        try await LoginHarness.run { site in
            let begun = try await site.begin()
            _ = try await site.get("/login/forge/callback?code=good&state=\(begun.state)", cookie: begun.nonceCookie)
            let (verifier, callback) = try #require(site.provider.exchanged)
            #expect(verifier.count == 43 && verifier != begun.challenge)
            #expect(callback == "https://ci.example.org/login/forge/callback")
        }
    }

    @Test("a state that was not begun here is refused, whatever the code")
    func forgedStates() async throws {
        let clock = Clock()
        try await LoginHarness.run(clock: clock) { site in
            let begun = try await site.begin()
            let other = try await site.begin()
            let parts = begun.state.split(separator: ".")
            let session = try await site.signIn()
            for (state, cookie) in [
                (begun.state, nil), (begun.state, other.nonceCookie), (other.state, begun.nonceCookie),
                ("", begun.nonceCookie), ("x", begun.nonceCookie), ("\(parts[0]).", begun.nonceCookie),
                (".\(parts[1])", begun.nonceCookie), ("e30.\(parts[1])", begun.nonceCookie),
                (begun.state + "A", begun.nonceCookie), (session, begun.nonceCookie),
                (begun.state, "slipway_login="),
            ] as [(String, String?)] {
                let answer = try await site.get("/login/forge/callback?code=good&state=\(state)", cookie: cookie)
                #expect(answer.status == .forbidden, "\(state) \(cookie ?? "")")
                #expect(String(buffer: answer.body).contains("was not begun in this browser"))
                #expect(site.cookie("slipway_session", in: answer) == nil)
            }
            clock.pass(601)
            let late = try await site.get(
                "/login/forge/callback?code=good&state=\(begun.state)", cookie: begun.nonceCookie)
            #expect(late.status == .forbidden)
        }
    }

    @Test("a forge that refuses, or fails, is quoted and escaped")
    func refusals() async throws {
        try await LoginHarness.run { site in
            var begun = try await site.begin()
            let denied = try await site.get(
                "/login/forge/callback?error=access_denied&error_description=%3Cscript%3Eno&state=\(begun.state)",
                cookie: begun.nonceCookie)
            #expect(denied.status == .forbidden)
            let page = String(buffer: denied.body)
            #expect(page.contains("forge.example.org did not sign you in: &lt;script&gt;no."))
            begun = try await site.begin()
            let failed = try await site.get(
                "/login/forge/callback?code=bad&state=\(begun.state)", cookie: begun.nonceCookie)
            #expect(failed.status == .badGateway)
            #expect(String(buffer: failed.body).contains("could not sign you in: the code is used up."))
        }
    }

    @Test("a session that was not signed here speaks for nobody")
    func forgedSessions() async throws {
        try await LoginHarness.run { site in
            let session = try await site.signIn()
            let parts = session.split(separator: ".")
            let claims = #"{"expires":9999999999,"login":"admin"}"#
            let forged = Data(claims.utf8).base64EncodedString().replacing("=", with: "")
            let begun = try await site.begin()
            for text in [
                "\(forged).\(parts[1])", "\(parts[0]).", "\(parts[0])", session + "A", begun.state, "",
                String(repeating: "a", count: 5000),
            ] {
                #expect(try await site.who(text) == "nobody", "\(text.prefix(60))")
            }
            #expect(try await site.who(session) == "maria")
            let other = try await LoginHarness.run(secret: "another") { try await $0.signIn() }
            #expect(try await site.who(other) == "nobody")
        }
    }

    @Test("what another site makes a browser send is refused; a session is no token with scopes")
    func crossSite() async throws {
        try await LoginHarness.run { site in
            let session = "slipway_session=\(try await site.signIn())"
            for (headers, status) in [
                (["Sec-Fetch-Site": "cross-site"], 403), (["Sec-Fetch-Site": "same-site"], 403),
                (["Origin": "https://evil.example.org"], 403), ([:], 403), (["Sec-Fetch-Site": "same-origin"], 200),
                (["Origin": "https://ci.example.org"], 200),
            ] as [([String: String], Int)] {
                let answer = try await site.post("/act", cookie: session, headers)
                #expect(answer.status.code == status, "\(headers)")
            }
            let scoped = try await site.post("/scoped", cookie: session, ["Sec-Fetch-Site": "same-origin"])
            #expect(scoped.status == .forbidden)
        }
    }

    @Test(
        "after signing in one goes on in this site only",
        arguments: [
            ("//evil.example.org", "/"), ("https://evil.example.org/", "/"), ("/\\evil", "/"), ("", "/"),
            ("/runs/1?x=%2F", "/runs/1?x=%2F"),
        ])
    func next(asked: String, expected: String) async throws {
        try await LoginHarness.run { site in
            let begun = try await site.begin(next: asked)
            let back = try await site.get(
                "/login/forge/callback?code=good&state=\(begun.state)", cookie: begun.nonceCookie)
            #expect(back.headers[.location] == expected)
        }
    }

    @Test("the page of signing in offers the forge; signing out forgets the session")
    func page() async throws {
        try await LoginHarness.run { site in
            let page = String(buffer: try await site.get("/login?next=/runs", cookie: nil).body)
            #expect(page.contains("Sign in with forge.example.org"))
            #expect(page.contains("/login/forge?next=%2Fruns"))
            let session = "slipway_session=\(try await site.signIn())"
            let out = try await site.post("/logout", cookie: session, ["Sec-Fetch-Site": "same-origin"])
            #expect(out.headers[values: .setCookie].contains { $0.hasPrefix("slipway_session=;") })
        }
    }
}

/// A clock that the test moves.
private final class Clock: Sendable {
    private let offset = Mutex(TimeInterval(0))

    func pass(_ seconds: TimeInterval) { offset.withLock { $0 += seconds } }
    var now: Date { Date(timeIntervalSince1970: 1_700_000_000 + offset.withLock { $0 }) }
}

/// A forge that signs in whoever has the code `good`, as maria.
private final class FakeProvider: LoginProvider {
    struct Refused: Error, CustomStringConvertible {
        let description = "the code is used up"
    }

    let name = "forge.example.org"
    private let last = Mutex<(verifier: String, callback: String)?>(nil)
    var exchanged: (verifier: String, callback: String)? { last.withLock { $0 } }

    func authorizationURL(callback: String, state: String, challenge: String) -> String {
        "https://forge.example.org/authorize"
            + Link.query([("callback", callback), ("state", state), ("challenge", challenge)])
    }

    func login(code: String, callback: String, verifier: String) async throws -> String {
        last.withLock { $0 = (verifier, callback) }
        guard code == "good" else { throw Refused() }
        return "maria"
    }
}

/// A gateway with nothing but signing in, and routes that say who asks.
private struct LoginHarness: Sendable {
    let provider: FakeProvider
    let client: any TestClientProtocol

    static func run<Result: Sendable>(
        secret: String = "a secret of the tests", clock: Clock = Clock(),
        _ body: @Sendable @escaping (LoginHarness) async throws -> Result
    ) async throws -> Result {
        let provider = FakeProvider()
        let login = ForgeLogin(
            provider: provider, publicURL: "https://ci.example.org", secret: secret, now: { clock.now })
        let router = WebServer.router(
            site: Site(publicURL: "https://ci.example.org"), tokens: nil, login: login)
        router.get("/who") { _, context in context.identity?.forgeLogin ?? "nobody" }
        router.post("/act") { _, context in context.identity?.name ?? "nobody" }
        router.post("/scoped") { _, context in try context.require(.runsWrite).name }
        return try await Application(router: router).test(.router) { client in
            try await body(LoginHarness(provider: provider, client: client))
        }
    }

    struct Begun: Sendable {
        var location: String
        var state: String
        var challenge: String
        var nonceCookie: String
    }

    func begin(next: String = "/") async throws -> Begun {
        let answer = try await get("/login/forge" + Link.query([("next", next)]), cookie: nil)
        #expect(answer.status == .seeOther)
        let location = try #require(answer.headers[.location])
        let items = try #require(URLComponents(string: location)?.queryItems)
        func value(_ name: String) throws -> String { try #require(items.first { $0.name == name }?.value) }
        return Begun(
            location: location, state: try value("state"), challenge: try value("challenge"),
            nonceCookie: "slipway_login=\(try #require(cookie("slipway_login", in: answer)))")
    }

    /// A session's text.
    func signIn() async throws -> String {
        let begun = try await begin()
        let back = try await get("/login/forge/callback?code=good&state=\(begun.state)", cookie: begun.nonceCookie)
        return try #require(cookie("slipway_session", in: back))
    }

    func who(_ session: String) async throws -> String {
        String(buffer: try await get("/who", cookie: "slipway_session=\(session)").body)
    }

    func get(_ path: String, cookie: String?) async throws -> TestResponse {
        var headers: HTTPFields = [.accept: "text/html"]
        headers[.cookie] = cookie
        return try await client.execute(uri: path, method: .get, headers: headers) { $0 }
    }

    func post(_ path: String, cookie: String, _ extra: [String: String]) async throws -> TestResponse {
        var headers: HTTPFields = [.cookie: cookie]
        for (name, value) in extra {
            if let name = HTTPFields.Element.Name(name) { headers[name] = value }
        }
        return try await client.execute(uri: path, method: .post, headers: headers) { $0 }
    }

    /// The value that an answer gives a cookie; nil where it gives none or an empty one.
    func cookie(_ name: String, in answer: TestResponse) -> String? {
        for line in answer.headers[values: .setCookie] where line.hasPrefix("\(name)=") {
            let value = line.dropFirst(name.count + 1).prefix { $0 != ";" }
            return value.isEmpty ? nil : String(value)
        }
        return nil
    }
}
