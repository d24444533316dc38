import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1
import RoomKit
import SlipwayModel
import Web

/// The native interface, seen from a client.
struct LeaseClient: Sendable {
    let gateway: String
    let token: String

    /// - Parameters:
    ///   - gateway: the gateway's address; that of the settings where nil.
    init(gateway: String?, options: CommandOptions) throws {
        self.gateway = try gateway ?? options.settings().pageURL
        guard let token = ProcessInfo.processInfo.environment["SLIPWAY_TOKEN"], !token.isEmpty else {
            throw LeaseClientError(
                "SLIPWAY_TOKEN is not set; 'slipway token create --owner NAME --scope leases:write' makes a token")
        }
        self.token = token
    }

    /// What is asked for.
    struct Ask: Encodable, Sendable {
        struct Item: Encodable, Sendable {
            var types: [String]
            var count: Int
            var state: String
        }

        var id: String
        var items: [Item]
        var priority: Int
        var lasts: Double
        var wait: Int
        var reason: String?
    }

    func acquire(_ ask: Ask) async throws -> NativeLeases.Lease {
        try await call(.POST, "/api/v1/leases", body: try JSONEncoder().encode(ask))
    }

    func follow(_ id: UUID, wait: Int) async throws -> NativeLeases.Lease {
        try await call(.GET, "/api/v1/leases/\(id.lowercased)?wait=\(wait)")
    }

    func renew(_ id: String, token: Int64, lasts: Double?) async throws -> NativeLeases.Lease {
        let time = lasts.map { "&lasts=\($0)" } ?? ""
        return try await call(.POST, "/api/v1/leases/\(id)/renew?token=\(token)\(time)")
    }

    struct Released: Codable, Sendable {
        var id: String
        var state: String
    }

    @discardableResult
    func release(_ id: String, token: Int64?, dest: String) async throws -> Released {
        let shown = token.map { "&token=\($0)" } ?? ""
        return try await call(.POST, "/api/v1/leases/\(id)/release?dest=\(dest)\(shown)")
    }

    func list(type: String?, owner: String?) async throws -> [HeldResource] {
        let query = [("type", type), ("owner", owner)].compactMap { name, value in
            value.map { "\(name)=\(Link.encode($0))" }
        }
        return try await call(.GET, "/api/v1/leases?" + query.joined(separator: "&"))
    }

    func pools() async throws -> [PoolSummary] { try await call(.GET, "/api/v1/leases/pools") }

    private struct Refusal: Decodable {
        var error: String
    }

    private func call<Answer: Decodable>(
        _ method: HTTPMethod, _ path: String, body: Data = Data()
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: gateway + path)
        request.method = method
        request.headers.add(name: "Authorization", value: "Bearer \(token)")
        if !body.isEmpty { request.body = .bytes(ByteBuffer(bytes: body)) }
        let response: HTTPClientResponse
        do {
            response = try await HTTPClient.shared.execute(request, timeout: .seconds(90))
        } catch {
            throw LeaseClientError("\(gateway) does not answer: \(error)", isPassing: true)
        }
        let answer = Data(buffer: try await response.body.collect(upTo: 16 << 20))
        guard (200..<300).contains(response.status.code) else {
            let text = (try? JSONDecoder().decode(Refusal.self, from: answer))?.error
            throw LeaseClientError(
                text ?? "\(gateway)\(path) answered \(response.status.code)", status: Int(response.status.code),
                isPassing: response.status.code >= 500)
        }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return try decoder.decode(Answer.self, from: answer)
    }
}

/// Why a call of a client came to nothing.
struct LeaseClientError: Error, CustomStringConvertible {
    let description: String
    var status = 0
    /// Whether the same call may work in a while.
    var isPassing = false

    init(_ description: String, status: Int = 0, isPassing: Bool = false) {
        self.description = description
        self.status = status
        self.isPassing = isPassing
    }
}

extension Data {
    fileprivate init(buffer: ByteBuffer) { self.init(buffer.readableBytesView) }
}
