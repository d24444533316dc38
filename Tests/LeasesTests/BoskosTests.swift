import Fleet
import Foundation
import Leases
import NIOHTTP1
import SlipwayTesting
import Testing
import Web

/// Boskos's request and answer pairs: what `handlers/handlers.go` and `ranch/ranch.go` answer, to the text.
@Suite("Boskos's HTTP API")
struct BoskosTests {
    struct Pair: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// `METHOD path [body]`, in order; the last one is looked at.
        var calls: [String]
        var status: Int
        /// The whole body; nil for any.
        var body: String?
    }

    static let pairs: [Pair] = [
        Pair(testDescription: "/ is always well", calls: ["GET /"], status: 200, body: ""),
        Pair(testDescription: "what is not served is well too", calls: ["GET /nothing/here"], status: 200, body: ""),
        Pair(
            testDescription: "acquire by GET", calls: ["GET /acquire?type=board&state=free&dest=busy&owner=a"],
            status: 405, body: "Method GET, /acquire only accepts POST.\n"),
        Pair(
            testDescription: "acquirebystate by GET", calls: ["GET /acquirebystate"], status: 405,
            body: "Method GET, /acquire only accepts POST.\n"),
        Pair(
            testDescription: "release by PUT", calls: ["PUT /release"], status: 405,
            body: "Method PUT, /release only accepts POST.\n"),
        Pair(
            testDescription: "reset by GET", calls: ["GET /reset"], status: 405,
            body: "Method GET, /reset only accepts POST.\n"),
        Pair(
            testDescription: "update by GET", calls: ["GET /update"], status: 405,
            body: "Method GET, /update only accepts POST.\n"),
        Pair(
            testDescription: "metric by POST", calls: ["POST /metric?type=board"], status: 405,
            body: "/metric only accepts GET\n"),
        Pair(
            testDescription: "acquire without a type", calls: ["POST /acquire?state=free&dest=busy&owner=a"],
            status: 400,
            body: "Bad request: Type: , state: free, dest: busy, owner: a, all of them must be set in the request.\n"),
        Pair(
            testDescription: "acquire without an owner", calls: ["POST /acquire?type=board&state=free&dest=busy"],
            status: 400,
            body:
                "Bad request: Type: board, state: free, dest: busy, owner: , all of them must be set in the request.\n"),
        Pair(
            testDescription: "acquire of an unknown type",
            calls: ["POST /acquire?type=car&state=free&dest=busy&owner=a"], status: 404,
            body: "Acquire failed: resource type \"car\" does not exist\n"),
        Pair(
            testDescription: "acquire in a state that none is in",
            calls: ["POST /acquire?type=board&state=dirty&dest=busy&owner=a"], status: 404,
            body: "Acquire failed: no available resource board, try again later.\n"),
        Pair(
            testDescription: "acquire of the last one twice",
            calls: [
                "POST /acquire?type=bench&state=free&dest=busy&owner=a",
                "POST /acquire?type=bench&state=free&dest=busy&owner=b",
            ], status: 404, body: "Acquire failed: no available resource bench, try again later.\n"),
        Pair(
            testDescription: "release without a name", calls: ["POST /release?dest=free&owner=a"], status: 400,
            body: "Name: , dest: free, owner: a, all of them must be set in the request.\n"),
        Pair(
            testDescription: "release of an unknown name", calls: ["POST /release?name=x&dest=free&owner=a"],
            status: 404, body: "Done failed: x - free (from a): no available resource x, try again later.\n"),
        Pair(
            testDescription: "release by somebody else",
            calls: [
                "POST /acquire?type=bench&state=free&dest=busy&owner=a",
                "POST /release?name=bench-1&dest=free&owner=b",
            ], status: 401,
            body: "Done failed: bench-1 - free (from b): owner mismatch request by b, currently owned by a\n"),
        Pair(
            testDescription: "release of what nobody holds", calls: ["POST /release?name=bench-1&dest=free&owner=b"],
            status: 401,
            body: "Done failed: bench-1 - free (from b): owner mismatch request by b, currently owned by \n"),
        Pair(
            testDescription: "release by the owner",
            calls: [
                "POST /acquire?type=bench&state=free&dest=busy&owner=a",
                "POST /release?name=bench-1&dest=dirty&owner=a",
            ], status: 200, body: ""),
        Pair(
            testDescription: "update without a state", calls: ["POST /update?name=x&owner=a"], status: 400,
            body: "Name: x, owner: a, state : , all of them must be set in the request.\n"),
        Pair(
            testDescription: "update of an unknown name", calls: ["POST /update?name=x&owner=a&state=busy"],
            status: 404, body: "Update failed: x - busy (a): no available resource x, try again later.\n"),
        Pair(
            testDescription: "update by somebody else",
            calls: [
                "POST /acquire?type=bench&state=free&dest=busy&owner=a",
                "POST /update?name=bench-1&owner=b&state=busy",
            ], status: 401,
            body: "Update failed: bench-1 - busy (b): owner mismatch request by b, currently owned by a\n"),
        Pair(
            testDescription: "update in another state",
            calls: [
                "POST /acquire?type=bench&state=free&dest=busy&owner=a",
                "POST /update?name=bench-1&owner=a&state=leased",
            ], status: 409,
            body: "Update failed: bench-1 - leased (a): state mismatch - expected busy, current leased\n"),
        Pair(
            testDescription: "update as a heartbeat",
            calls: [
                "POST /acquire?type=bench&state=free&dest=busy&owner=a",
                "POST /update?name=bench-1&owner=a&state=busy",
            ], status: 200, body: ""),
        Pair(
            testDescription: "update with notes that are no map of texts",
            calls: [
                "POST /acquire?type=bench&state=free&dest=busy&owner=a",
                "POST /update?name=bench-1&owner=a&state=busy {\"a\": 1}",
            ], status: 400, body: nil),
        Pair(
            testDescription: "reset without expire", calls: ["POST /reset?type=board&state=busy&dest=dirty"],
            status: 400,
            body: "Type: board, state: busy, expire: , dest: dirty, all of them must be set in the request.\n"),
        Pair(
            testDescription: "reset with a time that is none",
            calls: ["POST /reset?type=board&state=busy&dest=dirty&expire=soon"], status: 400,
            body: "time: invalid duration \"soon\"\n"),
        Pair(
            testDescription: "reset of nothing", calls: ["POST /reset?type=board&state=busy&dest=dirty&expire=1m"],
            status: 200, body: "{}"),
        Pair(
            testDescription: "reset of what has shown no life",
            calls: [
                "POST /acquire?type=bench&state=free&dest=busy&owner=a",
                "POST /reset?type=bench&state=busy&dest=dirty&expire=0s",
            ], status: 200, body: "{\"bench-1\":\"a\"}"),
        Pair(
            testDescription: "metric without a type", calls: ["GET /metric"], status: 400,
            body: "Type must be set in the request.\n"),
        Pair(
            testDescription: "metric of an unknown type", calls: ["GET /metric?type=car"], status: 404,
            body: "no available resource car, try again later.\n"),
        Pair(
            testDescription: "metric",
            calls: ["POST /acquire?type=board&state=free&dest=busy&owner=a", "GET /metric?type=board"], status: 200,
            body: "{\"type\":\"board\",\"current\":{\"busy\":1,\"free\":2},\"owner\":{\"\":2,\"a\":1}}"),
        Pair(
            testDescription: "acquirebystate without names",
            calls: ["POST /acquirebystate?state=free&dest=busy&owner=a"],
            status: 400,
            body: "state: free, dest: busy, owner: a, names:  - all of them must be set in the request.\n"),
        Pair(
            testDescription: "acquirebystate of names that are not all free",
            calls: [
                "POST /acquire?type=bench&state=free&dest=busy&owner=a",
                "POST /acquirebystate?state=free&dest=busy&owner=a&names=board-1,bench-1",
            ], status: 404, body: "AcquireByState: no available resource free, try again later.\n"),
        Pair(
            testDescription: "acquirebystate takes all or nothing",
            calls: [
                "POST /acquirebystate?state=free&dest=busy&owner=a&names=board-1,no-such",
                "GET /metric?type=board",
            ], status: 200, body: "{\"type\":\"board\",\"current\":{\"free\":3},\"owner\":{\"\":3}}"),
        Pair(
            testDescription: "a name of ten thousand letters",
            calls: ["POST /release?name=\(String(repeating: "x", count: 10_000))&dest=free&owner=a"], status: 400,
            body: nil),
    ]

    @Test("pairs", arguments: pairs)
    func pair(_ pair: Pair) async throws {
        try await LeasesHarness.run { room in
            try await room.boskos { call in
                var last: LeasesHarness.BoskosAnswer?
                for text in pair.calls {
                    let parts = text.split(separator: " ", maxSplits: 2).map(String.init)
                    let method = HTTPMethod(rawValue: parts[0])
                    last = try await call(parts[1], method, parts.count > 2 ? parts[2] : "", [:])
                }
                let answer = try #require(last)
                #expect(answer.status == pair.status, "\(answer.body)")
                if let body = pair.body { #expect(answer.body == body) }
                if answer.status >= 400 {
                    #expect(answer.headers.first(name: "content-type") == "text/plain; charset=utf-8")
                    #expect(answer.body.hasSuffix("\n"))
                }
            }
        }
    }

    @Test("a resource is shown with Go's fields")
    func resource() async throws {
        try await LeasesHarness.run { room in
            try await room.boskos { call in
                let path = "/acquire?type=bench&state=free&dest=busy&owner=a%20b&request_id=1"
                let body = try await call(path, .POST, "", [:]).body
                let shape =
                    #/\{"type":"bench","name":"bench-1","state":"busy","owner":"a b","lastupdate":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z","userdata":\{\}\}/#
                #expect(body.wholeMatch(of: shape) != nil, "\(body)")
            }
        }
    }

    @Test("notes are kept, added to and taken away, and stay with the resource")
    func notes() async throws {
        try await LeasesHarness.run { room in
            try await room.boskos { call in
                _ = try await call("/acquire?type=bench&state=free&dest=busy&owner=a", .POST, "", [:])
                let update = "/update?name=bench-1&owner=a&state=busy"
                _ = try await call(update, .POST, #"{"x":"1","y":"2"}"#, [:])
                _ = try await call(update, .POST, "", [:])
                _ = try await call(update, .POST, #"{"y":"","z":"3"}"#, [:])
                _ = try await call("/release?name=bench-1&owner=a&dest=free", .POST, "", [:])
                let again = try await call("/acquire?type=bench&state=free&dest=busy&owner=b", .POST, "", [:])
                #expect(again.body.contains(#""userdata":{"x": "1", "z": "3"}"#), "\(again.body)")
            }
        }
    }

    @Test("ten megabytes of notes are refused, and nothing is lost")
    func manyNotes() async throws {
        try await LeasesHarness.run { room in
            try await room.boskos { call in
                _ = try await call("/acquire?type=bench&state=free&dest=busy&owner=a", .POST, "", [:])
                let notes = #"{"x":"\#(String(repeating: "y", count: 10 << 20))"}"#
                #expect(try await call("/update?name=bench-1&owner=a&state=busy", .POST, notes, [:]).status == 413)
                #expect(try await call("/update?name=bench-1&owner=a&state=busy", .POST, "", [:]).status == 200)
            }
        }
    }

    @Test("whoever shows a token holds what he takes by his account as well")
    func accounts() async throws {
        try await LeasesHarness.run { room in
            let tokens = TokenStore(room.bus.database)
            let maria = try await tokens.create(owner: "maria", scopes: [.leasesWrite]).text
            let noor = try await tokens.create(owner: "noor", scopes: [.leasesWrite]).text
            let reader = try await tokens.create(owner: "reader", scopes: [.runsWrite]).text
            try await room.boskos(allowsAnybody: false) { call in
                let acquire = "/acquire?type=bench&state=free&dest=busy&owner=job"
                let release = "/release?name=bench-1&owner=job&dest=free"
                let anybody = try await call(acquire, .POST, "", [:])
                #expect(anybody.status == 401)
                #expect(try await call(acquire, .POST, "", basic("slw_000000000000_0")).status == 401)
                #expect(try await call(acquire, .POST, "", basic(reader)).status == 403)
                #expect(try await call(acquire, .POST, "", basic(maria)).status == 200)
                #expect(try await call(release, .POST, "", basic(noor)).status == 401)
                #expect(try await call(release, .POST, "", ["Authorization": "Bearer \(maria)"]).status == 200)
                #expect(try await call("/", .GET, "", [:]).status == 200)
            }
        }
    }

    private func basic(_ token: String) -> HTTPHeaders {
        ["Authorization": "Basic \(Data("anybody:\(token)\n".utf8).base64EncodedString())"]
    }
}
