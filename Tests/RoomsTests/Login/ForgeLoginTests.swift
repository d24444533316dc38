import AsyncHTTPClient
import Fleet
import Forge
import ForgeTesting
import Foundation
import Hummingbird
import HummingbirdTesting
import JobConfig
import LocalForge
import NIOCore
import NIOHTTP1
import Postgres
import PullRequests
import RoomKit
import Scheduling
import SlipwayModel
import SlipwayTesting
import Testing
import Web

@Suite("People of the forge on Slipway's pages")
struct ForgeLoginTests {
    @Test("members of a run's organisation may abort it; strangers and anonymous people may not")
    func authority() async throws {
        try await Gateway.run { gateway in
            let run = try await gateway.storeRun(org: "harbor")
            let noor = try await gateway.signIn("noor")
            let sam = try await gateway.signIn("sam")
            let anonymous = try await gateway.abort(run, session: nil)
            #expect(anonymous.status == .unauthorized)
            let stranger = try await gateway.abort(run, session: sam)
            #expect(stranger.status == .forbidden)
            #expect(String(buffer: stranger.body).contains("sam is not a member of harbor"))
            let elsewhere = try await gateway.abort(run, session: noor, site: "cross-site")
            #expect(elsewhere.status == .forbidden)
            let member = try await gateway.abort(run, session: noor)
            #expect(member.status == .ok, "\(String(buffer: member.body))")
            let by = try await gateway.bus.database.query(
                "select cancelled_by from scheduling.runs_v1 where run_id = \(run.uuid)"
            ).one().decode(String?.self)
            #expect(by == "noor")
        }
    }

    @Test("whom the job names may, though they are no members")
    func named() async throws {
        try await Gateway.run { gateway in
            let rule = { (rule: String) in
                """
                postsubmits:
                  harbor/crane:
                  - name: unit
                    rerun_auth_config: \(rule)
                    spec: {containers: [{image: tools, command: [make]}]}
                """
            }
            let store = ConfigurationStore(gateway.bus)
            for (text, status) in [
                (rule("{github_orgs: [lantern]}"), HTTPResponse.Status.forbidden),
                (rule("{github_users: [Sam]}"), .ok),
            ] {
                _ = try await store.apply(
                    JobConfiguration.load(files: [SourceFile(path: "jobs.yaml", bytes: Array(text.utf8))]),
                    by: "maria", source: "test")
                let run = try await gateway.storeRun(org: "harbor")
                let answer = try await gateway.abort(run, session: try await gateway.signIn("sam"))
                #expect(answer.status == status, "\(String(buffer: answer.body))")
            }
        }
    }

    @Test("a run of no organisation takes more than a login")
    func periodic() async throws {
        try await Gateway.run { gateway in
            let run = try await gateway.storeRun(org: nil)
            let answer = try await gateway.abort(run, session: try await gateway.signIn("maria"))
            #expect(answer.status == .forbidden)
            #expect(String(buffer: answer.body).contains("belongs to no organization"))
        }
    }

    @Test("a code serves once, and only with the client's secret and the verifier of its challenge")
    func codes() async throws {
        try await Gateway.run { gateway in
            let oauth = gateway.oauth
            func code(_ challenge: String) async throws -> String {
                try await gateway.agree(
                    oauth.authorizationURL(callback: "http://127.0.0.1/cb", state: "s", challenge: challenge), "noor"
                ).code
            }
            let used = try await code("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
            // RFC 7636, appendix B.
            let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
            #expect(try await oauth.login(code: used, callback: "http://127.0.0.1/cb", verifier: verifier) == "noor")
            await #expect(throws: ForgeOAuthError.self) {
                try await oauth.login(code: used, callback: "http://127.0.0.1/cb", verifier: verifier)
            }
            let other = try await code("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
            await #expect(throws: ForgeOAuthError.self) {
                try await oauth.login(code: other, callback: "http://127.0.0.1/cb", verifier: "guess")
            }
            let stolen = ForgeOAuth(address: oauth.address, clientID: oauth.clientID, clientSecret: "guess")
            let error = await #expect(throws: ForgeOAuthError.self) {
                try await stolen.login(code: "x", callback: "http://127.0.0.1/cb", verifier: verifier)
            }
            #expect(error?.description.contains("incorrect_client_credentials") == true)
        }
    }
}

/// A gateway whose people sign in at a LocalForge. `maria` and `noor` are members of `harbor`, `sam` is nobody there.
private struct Gateway: Sendable {
    let bus: FleetBus
    let forge: ForgeFixture
    let oauth: ForgeOAuth
    let client: any TestClientProtocol

    static func run(_ body: @Sendable @escaping (Gateway) async throws -> Void) async throws {
        try await ForgeFixture.run { forge in
            let admin = ForgeClient(address: forge.address, token: ForgeFixture.adminToken)
            try await admin.createUser("sam")
            let settings = Settings()
            let migrations = try await RecoveryHarness.migrations(settings)
            try await withDatabase(migrations: migrations) { pool in
                let bus = FleetBus(database: pool, publisher: nil, logger: quietLogger)
                let oauth = ForgeOAuth(
                    address: forge.address, clientID: ForgeFixture.oauth.id, clientSecret: ForgeFixture.oauth.secret)
                let login = ForgeLogin(
                    provider: Provider(oauth: oauth), publicURL: "http://127.0.0.1:8080", secret: "secret")
                let router = WebServer.router(tokens: nil, login: login)
                SchedulingService(
                    bus: bus, forge: forge.bot, settings: settings,
                    trust: TrustBook(database: bus.database, forge: forge.bot, settings: settings)
                ).addRoutes(to: router)
                try await Application(router: router).test(.router) { client in
                    try await body(Gateway(bus: bus, forge: forge, oauth: oauth, client: client))
                }
            }
        }
    }

    /// As the shell wires it.
    private struct Provider: LoginProvider {
        let oauth: ForgeOAuth
        var name: String { oauth.name }

        func authorizationURL(callback: String, state: String, challenge: String) -> String {
            oauth.authorizationURL(callback: callback, state: state, challenge: challenge)
        }

        func login(code: String, callback: String, verifier: String) async throws -> String {
            try await oauth.login(code: code, callback: callback, verifier: verifier)
        }
    }

    /// Goes the whole way as a browser does; the session's cookie.
    func signIn(_ user: String) async throws -> String {
        let begun = try await client.execute(uri: "/login/forge", method: .get) { $0 }
        let nonce = try #require(begun.headers[.setCookie]?.prefix { $0 != ";" })
        let (code, state) = try await agree(try #require(begun.headers[.location]), user)
        let back = try await client.execute(
            uri: "/login/forge/callback?code=\(code)&state=\(state)", method: .get, headers: [.cookie: String(nonce)]
        ) { $0 }
        #expect(back.status == .seeOther, "\(String(buffer: back.body))")
        let session = back.headers[values: .setCookie].first { $0.hasPrefix("slipway_session=") }
        return String(try #require(session).prefix { $0 != ";" })
    }

    /// Chooses a user on the forge's page; what the browser brings back.
    func agree(_ url: String, _ user: String) async throws -> (code: String, state: String) {
        let page = try await ForgeHTTP.client.execute(HTTPClientRequest(url: url), timeout: .seconds(20))
        let html = String(buffer: try await page.body.collect(upTo: 1 << 20))
        #expect(html.contains("value=\"\(user)\""))
        let query = try #require(URLComponents(string: url)?.percentEncodedQuery)
        var request = HTTPClientRequest(url: "\(forge.address.web)/login/oauth/authorize")
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
        request.body = .bytes(Array("\(query)&login=\(user)".utf8))
        let answer = try await ForgeHTTP.client.execute(request, timeout: .seconds(20))
        let location = try #require(answer.headers.first(name: "Location"))
        let items = try #require(URLComponents(string: location)?.queryItems)
        return (
            try #require(items.first { $0.name == "code" }?.value),
            try #require(items.first { $0.name == "state" }?.value)
        )
    }

    func abort(_ run: RunID, session: String?, site: String = "same-origin") async throws -> TestResponse {
        var headers: HTTPFields = [:]
        headers[.cookie] = session
        if let name = HTTPFields.Element.Name("Sec-Fetch-Site") { headers[name] = site }
        return try await client.execute(uri: "/abort?run=\(run)", method: .post, headers: headers) { $0 }
    }

    /// A run that waits.
    func storeRun(org: String?) async throws -> RunID {
        let run = RunID()
        let refs = org.map { JSON(Refs(repository: RepositoryName(org: $0, repo: "crane"), baseRef: "main")) }
        let kind: JobKind = org == nil ? .periodic : .postsubmit
        let statement = Statement(
            "tests_store_run",
            """
            insert into scheduling.runs (
                run_id, request_id, origin, kind, job, job_hash, cluster, context, org, repo, base_ref, refs, state,
                artifact_folder)
            values ($1, $2, 'trigger', $3, 'unit', 'hash', 'default', $4, $5, $6, $7, $8, 'waiting',
                'logs/unit')
            """)
        try await bus.database.execute(
            statement, run.uuid, UUID(), kind.rawValue, org.map { _ in "ci/unit" }, org, org.map { _ in "crane" },
            org.map { _ in "main" }, refs)
        return run
    }
}
