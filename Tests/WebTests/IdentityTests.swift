import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Postgres
import SlipwayTesting
import Testing
import Web

@Suite("Who asks")
struct IdentityTests {
    @Test("a bearer token names its owner, and allows what its scopes say")
    func bearer() async throws {
        try await WebHarness.run { web in
            let writer = try await web.token([.runsWrite])
            let reader = try await web.token([.configWrite], owner: "grace")
            let admin = try await web.token([.admin], owner: "root")
            #expect(try await web.get("/hello", .bearer(writer)).text == "hello ada")
            #expect(try await web.post("/write", .bearer(writer)).text == "written by ada")
            #expect(try await web.post("/write", .bearer(admin)).text == "written by root")
            let refused = try await web.post("/write", .bearer(reader))
            #expect(refused.status == .forbidden)
            #expect(refused.text.contains("lacks the scope 'runs:write'"))
            #expect(try await web.get("/hello").text == "hello stranger")
            #expect(try await web.post("/write").status == .unauthorized)
        }
    }

    @Test(
        "an Authorization header that cannot be believed is refused, not overlooked",
        arguments: [
            "Bearer slw_000000000000_\(String(repeating: "0", count: 64))", "Bearer nonsense", "Basic YTpi", "Bearer",
            "Bearer a b",
        ])
    func refusedHeader(header: String) async throws {
        try await WebHarness.run { web in
            let response = try await web.get("/hello", [.authorization: header])
            #expect(response.status == .unauthorized)
            #expect(response.headers[.wwwAuthenticate]?.hasPrefix("Bearer") == true)
        }
    }

    @Test("an expired token and a revoked one speak for nobody")
    func ended() async throws {
        try await WebHarness.run { web in
            let text = try await web.token([.admin])
            let old = try await web.tokens.create(owner: "old", scopes: [.admin], expiresAt: Date() - 1).text
            #expect(try await web.get("/hello", .bearer(old)).status == .unauthorized)
            let id = try #require(text.split(separator: "_").dropFirst().first)
            #expect(try await web.tokens.revoke(String(id))?.revokedAt != nil)
            #expect(try await web.get("/hello", .bearer(text)).status == .unauthorized)
            // A cookie that no longer counts leaves its bearer anonymous.
            #expect(try await web.get("/hello", .cookie(text)).text == "hello stranger")
        }
    }

    @Test("the database holds no secret")
    func hashed() async throws {
        try await WebHarness.run { web in
            let text = try await web.token([.admin])
            let secret = try #require(text.split(separator: "_").last)
            let stored = try await web.database.query("select to_jsonb(tokens)::text from auth.tokens").one()
                .decode(String.self)
            #expect(!stored.contains(secret))
        }
    }

    @Test("tokens need an owner and scopes that exist")
    func badTokens() async throws {
        try await WebHarness.run { web in
            await #expect(throws: TokenError.badOwner) { try await web.tokens.create(owner: "", scopes: [.admin]) }
            await #expect(throws: TokenError.noScopes) { try await web.tokens.create(owner: "a", scopes: []) }
            await #expect(throws: TokenError.unknownScope("root")) {
                try await web.tokens.create(owner: "a", scopes: [Scope(rawValue: "root")])
            }
        }
    }

    /// What browsers send along, with and without the cookie, and whether the write goes through.
    @Test(
        "another site's page cannot write in a signed-in person's name",
        arguments: [
            (headers: ["Sec-Fetch-Site": "same-origin"], status: 200),
            (headers: ["Sec-Fetch-Site": "none"], status: 200),
            (headers: ["Sec-Fetch-Site": "cross-site"], status: 403),
            (headers: ["Sec-Fetch-Site": "same-site"], status: 403),
            (headers: ["Origin": "http://localhost"], status: 200),
            (headers: ["Origin": "https://ci.example.org"], status: 200),
            (headers: ["Origin": "https://evil.example"], status: 403),
            (headers: ["Origin": "https://ci.example.org.evil.example"], status: 403),
            (headers: ["Origin": "null"], status: 403),
            (headers: [:], status: 403),
        ])
    func sameOrigin(headers: [String: String], status: Int) async throws {
        try await WebHarness.run(site: Site(publicURL: "https://CI.example.org")) { web in
            let token = try await web.token([.runsWrite])
            var fields = HTTPFields.cookie(token)
            for (name, value) in headers { fields = fields.with(name, value) }
            #expect(try await web.post("/write", fields).status.code == status)
            // With a bearer token no browser decided to send anything by itself.
            fields[.cookie] = nil
            fields[.authorization] = "Bearer \(token)"
            #expect(try await web.post("/write", fields).status == .ok)
        }
    }

    @Test("signing in sets a cookie that no script reads and no other site sends; signing out takes it away")
    func signIn() async throws {
        try await WebHarness.run(site: Site(publicURL: "https://ci.example.org")) { web in
            let token = try await web.token([.runsWrite])
            let form = HTTPFields.browser.with("Sec-Fetch-Site", "same-origin")
            let response = try await web.post(
                "/login", form, body: "token=%20\(token)%0A&next=%2Fruns%3Fstate%3Dfailed")
            #expect(response.status == .seeOther)
            #expect(response.headers[.location] == "/runs?state=failed")
            let cookie = try #require(response.headers[.setCookie])
            for part in ["slipway_token=\(token)", "HttpOnly", "SameSite=Strict", "Secure", "Path=/"] {
                #expect(cookie.contains(part))
            }
            let page = try await web.get("/login", .cookie(token).with("Accept", "text/html"))
            #expect(page.text.contains("signed in as <strong>ada</strong> with runs:write"))
            let out = try await web.post("/logout", .cookie(token).with("Sec-Fetch-Site", "same-origin"))
            #expect(out.headers[.setCookie]?.contains("Max-Age=0") == true)
        }
    }

    @Test("a wrong token signs nobody in", arguments: ["token=", "token=slw_1_2", "nothing=1", ""])
    func wrongSignIn(body: String) async throws {
        try await WebHarness.run { web in
            let response = try await web.post("/login", .browser.with("Sec-Fetch-Site", "same-origin"), body: body)
            #expect(response.status.code == 400 || response.status.code == 401)
            #expect(response.headers[.setCookie] == nil)
            #expect(response.text.contains("role=\"alert\""))
        }
    }

    @Test(
        "signing in leads back to pages of this site only",
        arguments: ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "/a%0d%0ab"])
    func openRedirect(next: String) async throws {
        try await WebHarness.run { web in
            let token = try await web.token([.runsWrite])
            let response = try await web.post(
                "/login", .browser.with("Sec-Fetch-Site", "same-origin"),
                body: "token=\(token)&next=\(Link.encode(next))")
            #expect(["/", "/a%0d%0ab"].contains(response.headers[.location] ?? ""))
        }
    }

    @Test("every statement can be prepared")
    func statements() async throws {
        try await withDatabase(migrations: TokenStore.migrations) { pool in
            for (number, statement) in TokenStore.statements.enumerated() {
                try await pool.script("prepare s\(number) as \(statement.sql)")
            }
        }
    }
}
