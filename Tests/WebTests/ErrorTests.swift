import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Postgres
import SlipwayTesting
import Testing
import Web

@Suite("What goes wrong")
struct ErrorTests {
    private struct Body: Decodable {
        var error: String
        var trace: String?
    }

    private struct Trouble: Error {}

    private static func letters(_ count: Int) -> String { String(repeating: "x", count: count) }

    private static let questions: [(uri: String, status: Int)] = [
        ("/q?a=" + letters(9000), 414), ("/q?a=" + letters(20_000), 414),
        ("/q?" + (0..<200).map { "a\($0)=1" }.joined(separator: "&"), 414), ("/q?text=" + letters(201), 400),
        ("/q?a=%ff%fe", 400), ("/q?a=%0", 400), ("/q?a=%00", 400), ("/q?text=a%0Ab", 400), ("/q?number=ten", 400),
        ("/q?number=11", 400), ("/q?number=99999999999999999999", 400),
        ("/q?text=%E2%9C%93+%C3%A4&number=10", 200),
    ]

    @Test("browsers get a page with a sentence, programs get JSON")
    func twoFaces() async throws {
        try await WebHarness.run(routes: { router in
            router.get("refused") { _, _ -> Response in throw WebError(.conflict, "Too late for <that>.") }
        }) { web in
            let page = try await web.get("/refused", .browser)
            #expect(page.status == .conflict)
            #expect(page.headers[.contentType] == "text/html; charset=utf-8")
            #expect(page.text.contains("Too late for &lt;that&gt;."))
            #expect(page.text.contains("<title>Too late · Slipway</title>"))
            let json = try await web.get("/refused")
            #expect(json.status == .conflict)
            #expect(try JSONDecoder().decode(Body.self, from: Data(json.text.utf8)).error == "Too late for <that>.")
            #expect(json.headers[.cacheControl] == "no-store")
        }
    }

    @Test("an unknown address, and a method that it does not take")
    func unknown() async throws {
        try await WebHarness.run { web in
            let page = try await web.get("/no/such/<page>", .browser)
            #expect(page.status == .notFound)
            #expect(!page.text.contains("<page>"))
            #expect(try await web.client.execute(uri: "/hello", method: .delete).status == .notFound)
        }
    }

    @Test("a fault of ours tells a trace and nothing of its insides")
    func fault() async throws {
        try await WebHarness.run(routes: { router in
            router.get("fault") { _, _ -> Response in throw Trouble() }
        }) { web in
            let response = try await web.get("/fault")
            #expect(response.status == .internalServerError)
            #expect(!response.text.contains("Trouble"))
            let body = try JSONDecoder().decode(Body.self, from: Data(response.text.utf8))
            #expect(body.trace.map { body.error.contains($0) } == true)
        }
    }

    @Test("a database that is away is a matter of trying again, also for who has only a token")
    func databaseAway() async throws {
        var configuration = try PostgresConfiguration(url: "postgres://nobody@127.0.0.1:1/none")
        configuration.acquireTimeout = .milliseconds(200)
        let pool = PostgresPool(configuration: configuration, logger: quietLogger)
        let router = WebServer.router(tokens: TokenStore(pool))
        let application = Application(router: router, logger: quietLogger)
        try await application.test(.router) { client in
            let response = try await client.execute(
                uri: "/login", method: .get,
                headers: .bearer("slw_000000000000_\(String(repeating: "0", count: 64))"))
            #expect(response.status == .serviceUnavailable)
            #expect(response.headers[.retryAfter] == "5")
        }
        await pool.close()
    }

    @Test("unauthorized leads a browser to sign in and back")
    func signInLink() async throws {
        try await WebHarness.run(routes: { router in
            router.get("secret") { _, context -> Response in
                try context.require(.admin)
                return .text("secret")
            }
        }) { web in
            let page = try await web.get("/secret?a=1&b=2", .browser)
            #expect(page.status == .unauthorized)
            #expect(page.text.contains("href=\"/login?next=%2Fsecret%3Fa%3D1%26b%3D2\""))
        }
    }

    @Test(
        "questions that are too long or malformed are refused before anything reads them",
        arguments: questions)
    func bounds(uri: String, status: Int) async throws {
        try await WebHarness.run(routes: { router in
            router.get("q") { request, _ in
                let query = try request.query()
                let number = try query.integer("number", in: 1...10)
                return Response.text("\(try query.text("text") ?? "") \(number ?? 0)")
            }
        }) { web in
            let response = try await web.get(uri)
            #expect(response.status.code == status)
            if status == 200 { #expect(response.text == "✓ ä 10") }
        }
    }

    @Test("a form may have 8 KB, a body 1 MB")
    func bodies() async throws {
        try await WebHarness.run(routes: { router in
            router.post("form") { request, _ in Response.text(try await request.form()["a"] ?? "") }
            router.post("body") { request, context in
                let bytes = try await request.body.collect(upTo: context.maxUploadSize)
                return Response.text("\(bytes.readableBytes)")
            }
        }) { web in
            for (uri, body, status) in [
                ("/form", "a=" + Self.letters(8000), 200), ("/form", "a=" + Self.letters(9000), 413),
                ("/body", Self.letters(1 << 20), 200), ("/body", Self.letters(1 << 20 + 1), 413),
            ] {
                let response = try await web.post(uri, body: body)
                #expect(response.status.code == status)
            }
        }
    }
}
