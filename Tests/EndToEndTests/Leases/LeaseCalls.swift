import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// Calls of both interfaces at several gateways: whoever gets no answer from one asks another next.
struct LeaseCalls: Sendable {
    struct Answer: Sendable {
        var status: Int
        var body: Data

        var text: String { String(decoding: body.prefix(300), as: UTF8.self) }
    }

    struct Lease: Decodable, Sendable {
        struct Resource: Decodable, Sendable {
            var name: String
            var token: Int64
        }

        var id: String
        var state: String
        var resources: [Resource]
        var token: Int64?
    }

    private struct Named: Decodable {
        var name: String
    }

    let http: HTTPClient
    /// Addresses of the gateways, and those of their listeners for Boskos's clients.
    let gateways: [(native: String, boskos: String)]

    /// - Returns: nil where nobody says what became of the call: no answer, or that the database is away.
    func native(_ gateway: Int, _ path: String, token: String, body: String = "") async throws -> Answer? {
        try await call(
            gateways[gateway % gateways.count].native + path,
            ["Authorization": "Bearer \(token)", "Accept": "application/json"], body)
    }

    func boskos(_ gateway: Int, _ path: String, body: String = "") async throws -> Answer? {
        try await call(gateways[gateway % gateways.count].boskos + path, [:], body)
    }

    private func call(_ url: String, _ headers: HTTPHeaders, _ body: String) async throws -> Answer? {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers = headers
        request.body = .bytes(ByteBuffer(string: body))
        do {
            let response = try await http.execute(request, timeout: .seconds(30))
            let bytes = try await response.body.collect(upTo: 1 << 20)
            if response.status == .serviceUnavailable { return nil }
            return Answer(status: Int(response.status.code), body: Data(bytes.readableBytesView))
        } catch {
            try Task.checkCancellation()
            return nil
        }
    }

    static func lease(_ answer: Answer) throws -> Lease { try JSONDecoder().decode(Lease.self, from: answer.body) }

    static func name(_ answer: Answer) throws -> String {
        try JSONDecoder().decode(Named.self, from: answer.body).name
    }
}
