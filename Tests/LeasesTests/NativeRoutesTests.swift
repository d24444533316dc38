import Fleet
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Leases
import NIOCore
import SlipwayTesting
import Testing
import Web

/// `/api/v1/leases`, call by call.
@Suite("The native interface")
struct NativeRoutesTests {
    struct Call: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// `METHOD path [body]`.
        var call: String
        var status: Int
        /// A part of the answer.
        var says: String
    }

    private static let id = "0192f0c1-2345-7abc-8def-0123456789ab"

    static let refusals: [Call] = [
        Call(
            testDescription: "no body", call: "POST /api/v1/leases", status: 400, says: "is not the JSON of a lease"),
        Call(
            testDescription: "no JSON", call: "POST /api/v1/leases board", status: 400,
            says: "is not the JSON of a lease"),
        Call(testDescription: "no type", call: "POST /api/v1/leases {}", status: 400, says: "Name what you need"),
        Call(
            testDescription: "no types", call: #"POST /api/v1/leases {"types": []}"#, status: 400,
            says: "Name what you need"),
        Call(
            testDescription: "no items", call: #"POST /api/v1/leases {"items": []}"#, status: 400,
            says: "1 to 20 items, not 0"),
        Call(
            testDescription: "an empty type", call: #"POST /api/v1/leases {"type": ""}"#, status: 400,
            says: "A type or state is empty"),
        Call(
            testDescription: "a type twice", call: #"POST /api/v1/leases {"types": ["board", "board"]}"#, status: 400,
            says: "names one twice"),
        Call(
            testDescription: "a type that nobody has", call: #"POST /api/v1/leases {"type": "car"}"#, status: 404,
            says: "There is no type 'car'"),
        Call(
            testDescription: "none of it", call: #"POST /api/v1/leases {"type": "board", "count": 0}"#, status: 400,
            says: "count is 0"),
        Call(
            testDescription: "a negative count", call: #"POST /api/v1/leases {"type": "board", "count": -1}"#,
            status: 400, says: "count is -1"),
        Call(
            testDescription: "too many", call: #"POST /api/v1/leases {"type": "board", "count": 101}"#, status: 400,
            says: "1 to 100 resources"),
        Call(
            testDescription: "counts that no number holds together",
            call:
                #"POST /api/v1/leases {"items": [{"type": "board", "count": 9223372036854775807}, {"type": "bench", "count": 1}]}"#,
            status: 400, says: "1 to 100 resources"),
        Call(
            testDescription: "too many together",
            call: #"POST /api/v1/leases {"items": [{"type": "board", "count": 60}, {"type": "bench", "count": 60}]}"#,
            status: 400, says: "not 120"),
        Call(
            testDescription: "a priority out of all bounds",
            call: #"POST /api/v1/leases {"type": "board", "priority": 100000}"#, status: 400, says: "-1000 to 1000"),
        Call(
            testDescription: "a negative time", call: #"POST /api/v1/leases {"type": "board", "lasts": -5}"#,
            status: 400, says: "1 to 86400 seconds"),
        Call(
            testDescription: "an enormous time", call: #"POST /api/v1/leases {"type": "board", "lasts": 1e300}"#,
            status: 400, says: "1 to 86400 seconds"),
        Call(
            testDescription: "a negative wait", call: #"POST /api/v1/leases {"type": "board", "wait": -1}"#,
            status: 400, says: "0 to 60 seconds"),
        Call(
            testDescription: "an enormous wait", call: #"POST /api/v1/leases {"type": "board", "wait": 1e300}"#,
            status: 400, says: "0 to 60 seconds"),
        Call(
            testDescription: "an id that is none", call: #"POST /api/v1/leases {"type": "board", "id": "7"}"#,
            status: 400, says: "'7' is no UUID"),
        Call(
            testDescription: "a NUL in the reason", call: #"POST /api/v1/leases {"type": "board", "reason": "\u0000"}"#,
            status: 400, says: "NUL"),
        Call(
            testDescription: "an unknown lease", call: "GET /api/v1/leases/\(id)", status: 404,
            says: "There is no lease '\(id)'"),
        Call(
            testDescription: "a lease's id that is none", call: "GET /api/v1/leases/7", status: 404,
            says: "There is no lease '7'"),
        Call(
            testDescription: "a follow that waits for ever", call: "GET /api/v1/leases/\(id)?wait=3600", status: 400,
            says: "wait"),
        Call(
            testDescription: "a renewal without a token", call: "POST /api/v1/leases/\(id)/renew", status: 400,
            says: "token=NUMBER"),
        Call(
            testDescription: "a renewal under a token that is none", call: "POST /api/v1/leases/\(id)/renew?token=x",
            status: 400, says: "token"),
        Call(
            testDescription: "a renewal of nothing", call: "POST /api/v1/leases/\(id)/renew?token=1", status: 404,
            says: "There is no lease"),
        Call(
            testDescription: "a renewal for no number of seconds",
            call: "POST /api/v1/leases/\(id)/renew?token=1&lasts=soon", status: 400, says: "lasts is 'soon'"),
        Call(
            testDescription: "a renewal for a time before now",
            call: "POST /api/v1/leases/\(id)/renew?token=1&lasts=-1", status: 400, says: "1 to 86400 seconds"),
        Call(
            testDescription: "a return of nothing", call: "POST /api/v1/leases/\(id)/release?token=1", status: 404,
            says: "There is no lease"),
        Call(
            testDescription: "a list of too many", call: "GET /api/v1/leases?limit=100000", status: 400,
            says: "limit"),
    ]

    @Test("what cannot be is refused with a sentence", arguments: refusals)
    func refusal(_ call: Call) async throws {
        try await serve { client, _ in
            let answer = try await client("maria", call.call)
            #expect(answer.status == call.status, "\(answer.body)")
            #expect(answer.body.contains(call.says), "\(answer.body)")
        }
    }

    @Test("without a token nothing is leased, and with one that may not neither")
    func strangers() async throws {
        try await serve { client, _ in
            let ask = #"POST /api/v1/leases {"type": "board"}"#
            let (stranger, reader) = (try await client(nil, ask), try await client("reader", ask))
            #expect(stranger.status == 401 && reader.status == 403)
        }
    }

    private struct Lease: Decodable {
        struct Resource: Decodable {
            var name: String
            var token: Int64
        }

        var id: String
        var state: String
        var resources: [Resource]
        var token: Int64?
        var before: Int?
        var reason: String?
    }

    private static func lease(_ answer: (status: Int, body: String)) throws -> Lease {
        try JSONDecoder().decode(Lease.self, from: Data(answer.body.utf8))
    }

    @Test("a lease is asked for, kept and given back by its owner alone, under its last token")
    func life() async throws {
        try await serve { client, room in
            let ask = #"POST /api/v1/leases {"type": "bench", "id": "\#(Self.id.uppercased())"}"#
            let lease = try Self.lease(try await client("maria", ask))
            #expect(lease.id == Self.id, "ids are written in lower case")
            #expect(lease.state == "granted" && lease.resources.map(\.name) == ["bench-1"] && lease.token == 1)
            #expect(try await client("maria", "GET /api/v1/leases").body.contains("\"lease\":\"\(Self.id)\""))
            // Asking again changes nothing.
            #expect(try Self.lease(try await client("maria", ask)).token == 1)
            for (call, status) in [("renew", 403), ("release", 403)] {
                #expect(try await client("noor", "POST /api/v1/leases/\(Self.id)/\(call)?token=1").status == status)
            }
            #expect(try await client("noor", ask).status == 403)
            #expect(try await client("maria", "POST /api/v1/leases/\(Self.id)/release?token=2").status == 409)
            #expect(try await client("maria", "POST /api/v1/leases/\(Self.id)/release").status == 400)
            #expect(try await client("maria", "POST /api/v1/leases/\(Self.id)/renew?token=1&lasts=60").status == 200)
            #expect(try await client("maria", "POST /api/v1/leases/\(Self.id)/release?token=1").status == 200)
            #expect(try await client("maria", "POST /api/v1/leases/\(Self.id)/release?token=1").status == 404)
            #expect(try await room.resources().contains("bench-1 free -"))
        }
    }

    @Test("whoever waits is told his place, and gives it up without a token")
    func place() async throws {
        try await serve { client, _ in
            _ = try await client("noor", #"POST /api/v1/leases {"type": "bench"}"#)
            let ask = #"POST /api/v1/leases {"type": "bench", "id": "\#(Self.id)"}"#
            let answer = try await client("maria", ask)
            #expect(answer.status == 202)
            let waiting = try Self.lease(answer)
            #expect(waiting.before == 0)
            #expect(waiting.reason?.hasPrefix("you are next; 1 of 1 in use; next expiry in ") == true, "\(answer.body)")
            let second = try Self.lease(try await client("maria", #"POST /api/v1/leases {"type": "bench"}"#))
            #expect(second.before == 1 && second.reason?.hasPrefix("1 before you; 1 of 1 in use") == true)
            #expect(try await client("noor", "DELETE /api/v1/leases/\(Self.id)").status == 404)
            #expect(try await client("maria", "DELETE /api/v1/leases/\(Self.id)").status == 200)
            #expect(try await client("maria", "GET /api/v1/leases/\(second.id)").body.contains("\"before\":0"))
        }
    }

    @Test("a lease of several is given back whole, whatever the order of its tokens")
    func several() async throws {
        try await serve { client, room in
            // A bench that was granted before has a greater token than the boards beside it.
            _ = try await room.claim("bench", owner: "a")
            _ = try await room.giveBack("bench-1", owner: "a")
            let ask =
                #"POST /api/v1/leases {"id": "\#(Self.id)", "items": [{"type": "bench"}, {"type": "board", "count": 2}]}"#
            let lease = try Self.lease(try await client("maria", ask))
            #expect(Set(lease.resources.map(\.token)) == [1, 2] && lease.token == 2)
            #expect(
                try await client("maria", "POST /api/v1/leases/\(Self.id)/release?token=2&dest=dirty").status == 200)
            #expect(try await room.resources().count { $0.hasSuffix(" dirty -") } == 5)
        }
    }

    private func serve(
        _ body:
            @escaping @Sendable (
                @Sendable (String?, String) async throws -> (status: Int, body: String), LeasesHarness
            ) async throws -> Void
    ) async throws {
        try await LeasesHarness.run { room in
            let tokens = TokenStore(room.bus.database)
            var known: [String: String] = [:]
            for owner in ["maria", "noor"] {
                known[owner] = try await tokens.create(owner: owner, scopes: [.leasesWrite]).text
            }
            known["reader"] = try await tokens.create(owner: "reader", scopes: [.runsWrite]).text
            let router = WebServer.router(tokens: tokens)
            room.room.addRoutes(to: router)
            let application = Application(router: router, logger: quietLogger)
            try await application.test(.router) { [known] client in
                try await body(
                    { owner, text in
                        let parts = text.split(separator: " ", maxSplits: 2).map(String.init)
                        var headers: HTTPFields = [.accept: "application/json"]
                        if let owner { headers[.authorization] = "Bearer \(known[owner] ?? "")" }
                        return try await client.execute(
                            uri: parts[1], method: try #require(HTTPRequest.Method(parts[0])), headers: headers,
                            body: ByteBuffer(string: parts.count > 2 ? parts[2] : "")
                        ) { (Int($0.status.code), String(buffer: $0.body)) }
                    }, room)
            }
        }
    }
}
