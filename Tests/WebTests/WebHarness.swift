import CZlib
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Postgres
import SlipwayTesting
import Web

/// A router of Web's, with some routes of the test, on a database that holds only tokens.
struct WebHarness: Sendable {
    let client: any TestClientProtocol
    let tokens: TokenStore
    let database: PostgresPool

    static func run(
        site: Site = Site(), framework: TestingSetup = .router,
        observe: (@Sendable (RequestObservation) -> Void)? = nil,
        routes: (Router<SlipwayContext>) -> Void = { _ in },
        _ body: @escaping @Sendable (WebHarness) async throws -> Void
    ) async throws {
        try await withDatabase(migrations: TokenStore.migrations) { pool in
            let tokens = TokenStore(pool)
            let router = WebServer.router(site: site, tokens: tokens, observe: observe)
            router.get("hello") { _, context in
                Response.text("hello \(context.identity?.name ?? "stranger")")
            }
            router.post("write") { _, context in
                let identity = try context.require(.runsWrite)
                return Response.text("written by \(identity.name)")
            }
            routes(router)
            let application = Application(router: router, logger: quietLogger)
            try await application.test(framework) { client in
                try await body(WebHarness(client: client, tokens: tokens, database: pool))
            }
        }
    }

    func get(_ uri: String, _ headers: HTTPFields = [:]) async throws -> TestResponse {
        try await client.execute(uri: uri, method: .get, headers: headers)
    }

    func post(_ uri: String, _ headers: HTTPFields = [:], body: String = "") async throws -> TestResponse {
        try await client.execute(uri: uri, method: .post, headers: headers, body: ByteBuffer(string: body))
    }

    /// A token that is valid for the scopes.
    func token(_ scopes: [Scope], owner: String = "ada") async throws -> String {
        try await tokens.create(owner: owner, scopes: scopes).text
    }
}

extension TestResponse {
    var text: String { String(buffer: body) }
}

extension HTTPFields {
    static func bearer(_ token: String) -> HTTPFields { [.authorization: "Bearer \(token)"] }
    static func cookie(_ token: String) -> HTTPFields { [.cookie: "slipway_token=\(token)"] }
    static let browser: HTTPFields = [.accept: "text/html"]

    func with(_ name: String, _ value: String) -> HTTPFields {
        var fields = self
        if let name = HTTPField.Name(name) { fields[name] = value }
        return fields
    }
}

/// The content of a gzip stream; nil where it is none.
func inflated(_ buffer: ByteBuffer) -> [UInt8]? {
    var input = Array(buffer.readableBytesView)
    var stream = z_stream()
    guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { return nil }
    defer { inflateEnd(&stream) }
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    let count = UInt32(input.count)
    return input.withUnsafeMutableBufferPointer { input -> [UInt8]? in
        stream.next_in = input.baseAddress
        stream.avail_in = count
        while true {
            let (status, written) = chunk.withUnsafeMutableBufferPointer { chunk in
                stream.next_out = chunk.baseAddress
                stream.avail_out = UInt32(chunk.count)
                let status = CZlib.inflate(&stream, Z_NO_FLUSH)
                return (status, chunk.count - Int(stream.avail_out))
            }
            output += chunk.prefix(written)
            if status == Z_STREAM_END { return output }
            guard status == Z_OK, written > 0 || stream.avail_in > 0 else { return nil }
        }
    }
}
