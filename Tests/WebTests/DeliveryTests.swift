import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import SlipwayTesting
import Synchronization
import Testing
import Web

@Suite("How answers are delivered")
struct DeliveryTests {
    private static let long = String(repeating: "<p>a line that repeats itself</p>\n", count: 500)

    @Test(
        "text is compressed where the asker takes gzip",
        arguments: [
            (accepts: "gzip, deflate, br", compresses: true),
            (accepts: "br;q=1.0, GZIP;q=0.5", compresses: true),
            (accepts: "gzip;q=0", compresses: false),
            (accepts: "deflate", compresses: false),
            (accepts: "", compresses: false),
        ])
    func gzip(accepts: String, compresses: Bool) async throws {
        try await WebHarness.run(routes: { router in
            router.get("long") { _, _ in Response.text(Self.long) }
            router.get("stream") { _, _ in
                Response(
                    status: .ok, headers: [.contentType: "text/plain"],
                    body: ResponseBody { writer in
                        for _ in 0..<10 { try await writer.write(ByteBuffer(string: Self.long)) }
                        try await writer.finish(nil)
                    })
            }
        }) { web in
            for (uri, content) in [("/long", Self.long), ("/stream", String(repeating: Self.long, count: 10))] {
                let response = try await web.get(uri, [.acceptEncoding: accepts])
                #expect(response.headers[.vary] == "Accept-Encoding")
                #expect((response.headers[.contentEncoding] == "gzip") == compresses)
                guard compresses else {
                    #expect(response.text == content)
                    continue
                }
                #expect(response.body.readableBytes < content.utf8.count / 10)
                #expect(inflated(response.body).map { String(decoding: $0, as: UTF8.self) } == content)
            }
        }
    }

    @Test("what is small, no text, or compressed already stays as it is")
    func uncompressed() async throws {
        try await WebHarness.run(routes: { router in
            router.get("small") { _, _ in Response.text("short") }
            router.get("image") { _, _ in
                Response.content(ByteBuffer(repeating: 0, count: 5000), type: "image/png")
            }
        }) { web in
            for uri in ["/small", "/image"] {
                let response = try await web.get(uri, [.acceptEncoding: "gzip"])
                #expect(response.headers[.contentEncoding] == nil)
            }
        }
    }

    @Test("who has the page already is told so")
    func notModified() async throws {
        try await WebHarness.run(routes: { router in
            router.get("long") { _, _ in Response.text(Self.long) }
        }) { web in
            let tag = try #require(try await web.get("/long").headers[.eTag])
            for known in [tag, "\"other\", \(tag)", "*"] {
                let again = try await web.get("/long", [.ifNoneMatch: known])
                #expect(again.status == .notModified)
                #expect(again.body.readableBytes == 0)
                #expect(again.headers[.eTag] == tag)
            }
            #expect(try await web.get("/long", [.ifNoneMatch: "\"other\""]).status == .ok)
        }
    }

    @Test("assets stay for good under a name of their content, and are there in gzip")
    func assets() async throws {
        try await WebHarness.run { web in
            let page = try await web.get("/login", .browser).text
            let paths = page.matches(of: /(?:href|src)="(\/assets\/[^"]+)"/).map { String($0.output.1) }
            #expect(paths.contains { $0.hasSuffix(".css") } && paths.contains { $0.hasSuffix(".svg") })
            for path in Set(paths) {
                let asset = try await web.get(path)
                #expect(asset.status == .ok)
                #expect(asset.headers[.cacheControl] == "public, max-age=31536000, immutable")
                let tag = try #require(asset.headers[.eTag])
                #expect(try await web.get(path, [.ifNoneMatch: tag]).status == .notModified)
                let packed = try await web.get(path, [.acceptEncoding: "gzip"])
                guard packed.headers[.contentEncoding] == "gzip" else { continue }
                #expect(inflated(packed.body) == Array(asset.body.readableBytesView))
            }
            #expect(try await web.get("/assets/slipway-0000000000000000.css").status == .notFound)
        }
    }

    @Test("every answer carries the headers that keep a browser safe", arguments: ["/hello", "/login", "/missing"])
    func securityHeaders(uri: String) async throws {
        try await WebHarness.run(site: Site(publicURL: "https://ci.example.org")) { web in
            let headers = try await web.get(uri, .browser).headers
            let policy = try #require(headers[.contentSecurityPolicy])
            #expect(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"))
            #expect(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"))
            #expect(headers[.xContentTypeOptions] == "nosniff")
            #expect(headers[.strictTransportSecurity] != nil)
            for name in ["X-Frame-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy", "Slipway-Trace"] {
                #expect(HTTPField.Name(name).flatMap { headers[$0] } != nil)
            }
            #expect(headers[.cacheControl]?.contains("public") == false)
        }
    }

    @Test("a request joins the trace that it names, and metrics hear its route, not its address")
    func observation() async throws {
        let seen = Mutex<[RequestObservation]>([])
        try await WebHarness.run(
            observe: { observation in seen.withLock { $0.append(observation) } },
            routes: { router in router.get("things/:thing") { _, _ in Response.text("x") } }
        ) { web in
            let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            let response = try await web.get("/things/17", HTTPFields().with("traceparent", parent))
            #expect(
                HTTPField.Name("Slipway-Trace").flatMap { response.headers[$0] } == "0af7651916cd43dd8448eb211c80319c")
            _ = try await web.get("/nowhere/at/all")
        }
        let observations = seen.withLock { $0 }
        #expect(observations.count == 2)
        #expect(observations.first?.route.contains("17") == false)
        #expect(observations.map(\.status) == [200, 404])
    }
}

@Suite("Server-sent events")
struct EventStreamTests {
    @Test("events arrive as the standard writes them, several lines as several data fields, and never compressed")
    func format() async throws {
        try await WebHarness.run(
            framework: .live,
            routes: { router in
                router.get("events") { request, _ in
                    Response.events(to: request) { events in
                        try await events.send("one\ntwo", event: "lines", id: "7")
                        try await events.send("{}", event: "end")
                    }
                }
            }
        ) { web in
            let response = try await web.get("/events", [.acceptEncoding: "gzip"])
            #expect(response.headers[.contentType] == "text/event-stream; charset=utf-8")
            #expect(response.headers[.contentEncoding] == nil)
            #expect(
                response.text
                    == "retry: 2000\n\nevent: lines\nid: 7\ndata: one\ndata: two\n\nevent: end\ndata: {}\n\n")
        }
    }

    @Test("a line break in what is sent cannot end the event and begin another", arguments: ["\n", "\r\n", "\r"])
    func injection(separator: String) async throws {
        try await WebHarness.run(
            framework: .live,
            routes: { router in
                router.get("events") { request, _ in
                    Response.events(to: request) { events in
                        try await events.send("x\(separator)\(separator)event: state")
                    }
                }
            }
        ) { web in
            let text = try await web.get("/events").text
            #expect(text == "retry: 2000\n\ndata: x\ndata: \ndata: event: state\n\n")
        }
    }
}
