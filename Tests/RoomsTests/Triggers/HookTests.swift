import Fleet
import Forge
import Foundation
import Hummingbird
import Postgres
import SlipwayModel
import Testing
import Triggers

@Suite("POST /hook")
struct HookTests {
    private static let ping = #"{"zen":"Keep it logically awesome.","hook_id":1}"#

    @Test("a signed delivery is stored and announced before it is answered")
    func stored() async throws {
        try await TriggersHarness.run { hook in
            let answer = try await hook.send("ping", Self.ping, id: "delivery-1")
            #expect(answer.status == 202 && answer.text == "stored\n")
            #expect(try await hook.deliveries() == 1)
            #expect(try await hook.emitted(DeliveryReceived.self).map(\.deliveryID) == ["delivery-1"])
        }
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var event: String? = "ping"
        var body = HookTests.ping
        var id: String? = "delivery-1"
        var secret = "the-new-secret"
        var signature: String??
        var type: String? = "application/json"
        var status: Int
        var words: String
    }

    @Test(
        "what is not a delivery is refused with a sentence, and nothing is stored",
        arguments: [
            Refusal(
                testDescription: "unsigned", signature: .some(nil), status: 403,
                words: "X-Hub-Signature-256 is missing"),
            Refusal(
                testDescription: "signed with another secret", secret: "guess", status: 403,
                words: "the signature does not match"),
            Refusal(
                testDescription: "signed with SHA-1", signature: "sha1=da39a3ee5e6b4b0d3255bfef95601890afd80709",
                status: 403, words: "the signature does not match"),
            Refusal(
                testDescription: "a broken signature", signature: "sha256=zz", status: 403, words: "does not match"),
            Refusal(testDescription: "no event", event: nil, status: 400, words: "X-GitHub-Event is missing"),
            Refusal(testDescription: "no id", id: nil, status: 400, words: "X-GitHub-Delivery is missing"),
            Refusal(
                testDescription: "an endless id", id: String(repeating: "x", count: 101), status: 400,
                words: "X-GitHub-Delivery is missing or too long"),
            Refusal(
                testDescription: "a form", type: "application/x-www-form-urlencoded", status: 415,
                words: "only application/json"),
            Refusal(testDescription: "no type", type: nil, status: 415, words: "only application/json"),
            Refusal(testDescription: "no JSON", body: "payload=1", status: 400, words: "it is not a JSON document"),
            Refusal(testDescription: "nothing", body: "", status: 400, words: "it is not a JSON document"),
            Refusal(testDescription: "cut JSON", body: #"{"zen":"#, status: 400, words: "it is not a JSON document"),
            Refusal(
                testDescription: "another event's payload", event: "pull_request", status: 400,
                words: "the payload of the pull_request delivery cannot be read: 'action' is missing"),
        ])
    func refused(row: Refusal) async throws {
        try await TriggersHarness.run { hook in
            let answer = try await hook.send(
                row.event, row.body, id: row.id, secret: row.secret, signature: row.signature, type: row.type)
            #expect(answer.status == row.status)
            #expect(answer.text.contains(row.words), "\(answer.text)")
            #expect(try await hook.deliveries() == 0)
        }
    }

    @Test("other methods are told which one", arguments: [HTTPRequest.Method.get, .put, .delete, .patch])
    func methods(method: HTTPRequest.Method) async throws {
        try await TriggersHarness.run { hook in
            let answer = try await hook.send("ping", Self.ping, method: method)
            #expect(answer.status == 405)
            #expect(answer.headers.first { $0.name.canonicalName == "allow" }?.value == "POST")
        }
    }

    @Test("without a secret nothing is taken, whatever signs it")
    func noSecrets() async throws {
        try await TriggersHarness.run(secrets: []) { hook in
            let answer = try await hook.send("ping", Self.ping, secret: "")
            #expect(answer.status == 403 && answer.text.contains("set webhook.secrets"))
        }
    }

    @Test("while secrets change, each of them signs", arguments: TriggersHarness.secrets)
    func rotation(secret: String) async throws {
        try await TriggersHarness.run { hook in
            let answer = try await hook.send("ping", Self.ping, secret: secret)
            #expect(answer.status == 202)
        }
    }

    @Test("a delivery that comes again is answered and changes nothing")
    func replayed() async throws {
        try await TriggersHarness.run { hook in
            #expect(try await hook.send("ping", Self.ping, id: "delivery-1").status == 202)
            let again = try await hook.send("ping", Self.ping, id: "delivery-1")
            #expect(again.status == 200 && again.text.contains("already received"))
            #expect(try await hook.deliveries() == 1)
            #expect(try await hook.emitted(DeliveryReceived.self).count == 1)
        }
    }

    @Test("a payload over 25 MB is refused")
    func oversized() async throws {
        try await TriggersHarness.run { hook in
            let body = #"{"zen":""# + String(repeating: "x", count: 25 << 20) + #""}"#
            let answer = try await hook.send("ping", body)
            #expect(answer.status == 413 && answer.text.contains("over 25 MB"))
            #expect(try await hook.deliveries() == 0)
        }
    }

    @Test("an event that nothing here reads is stored")
    func unknownEvent() async throws {
        try await TriggersHarness.run { hook in
            let body =
                #"{"action":"created","repository":{"name":"crane","full_name":"harbor/crane","owner":{"login":"harbor"}}}"#
            #expect(try await hook.send("sponsorship", body).status == 202)
            let received = try await hook.emitted(DeliveryReceived.self)
            #expect(received.map(\.event) == ["sponsorship"])
            #expect(received.first?.repository == RepositoryName(org: "harbor", repo: "crane"))
        }
    }

    @Test("a NUL in a payload is left out, and only it")
    func nul() async throws {
        try await TriggersHarness.run { hook in
            let body = #"{"zen":"a\u0000b \\u0000 \"\\\u0000","hook_id":1}"#
            #expect(try await hook.send("ping", body).status == 202)
            let stored = try await hook.bus.database.query("select payload ->> 'zen' from triggers.deliveries")
                .one().decode(String.self)
            #expect(stored == #"ab \u0000 "\"#)
        }
    }

    @Test("a hundred deliveries, three times each and all at once: stored once, announced once")
    func concurrent() async throws {
        try await TriggersHarness.run { hook in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<300 {
                    group.addTask { try await hook.send("ping", Self.ping, id: "delivery-\(number % 100)").status }
                }
                return try await group.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
            }
            #expect(statuses == [202: 100, 200: 200])
            #expect(try await hook.deliveries() == 100)
            #expect(try await Set(hook.emitted(DeliveryReceived.self).map(\.deliveryID)).count == 100)
        }
    }

    struct Push: Sendable, CustomTestStringConvertible {
        var branch: String
        var isHeard: Bool
        var testDescription: String { branch }
    }

    @Test(
        "only of a branch that pull requests are merged into, the push is told to whoever merges them",
        arguments: [
            Push(branch: "main", isHeard: true), Push(branch: "release-1", isHeard: true),
            Push(branch: "topic", isHeard: false),
        ])
    func movedBase(row: Push) async throws {
        try await TriggersHarness.run { hook in
            _ = try await hook.bus.database.query(
                "insert into merging.pools (org, repo, branch) values ('harbor', 'crane', 'main')")
            _ = try await hook.bus.database.query(
                """
                insert into pull_requests.pulls (
                    org, repo, number, version, title, author, head_ref, head_sha, base_ref, base_sha, is_open, is_draft,
                    is_merged)
                values ('harbor', 'crane', 7, 1, 'Oil', 'noor', 'oil', 'a', 'release-1', 'b', true, false, false),
                       ('harbor', 'crane', 8, 1, 'Tar', 'noor', 'tar', 'a', 'topic', 'b', false, false, false)
                """)
            let sha = String(repeating: "a", count: 40)
            let body = """
                {"ref":"refs/heads/\(row.branch)","before":"\(sha)","after":"\(sha)","created":false,"deleted":false,\
                "forced":false,"commits":[],"repository":{"id":1,"name":"crane","full_name":"harbor/crane",\
                "private":false,"owner":{"login":"harbor","id":2},"default_branch":"main"},\
                "sender":{"login":"noor","id":3}}
                """
            #expect(try await hook.send("push", body, id: "delivery-1").status == 202)
            #expect(try await hook.emitted(RefPushed.self).map(\.ref) == [row.branch])
            #expect(try await hook.emitted(BaseMoved.self).map(\.branch) == (row.isHeard ? [row.branch] : []))
        }
    }

    @Test("one delivery that cannot be stored fails none of its neighbours")
    func neighbours() async throws {
        try await TriggersHarness.run { hook in
            // Legal JSON, whose sender no text column can hold.
            let poison = #"{"zen":"x","hook_id":1,"sender":{"login":"a\u0000b"}}"#
            let statuses = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
                for number in 0..<60 {
                    group.addTask {
                        (number, try await hook.send("ping", number == 30 ? poison : Self.ping).status)
                    }
                }
                return try await group.reduce(into: [Int: Int]()) { $0[$1.0] = $1.1 }
            }
            for (number, status) in statuses where number != 30 { #expect(status == 202) }
            #expect(try await hook.deliveries() == 59)
        }
    }

    /// GitHub's own example deliveries, where they lie beside the project.
    private static let examples: String? = {
        let environment = ProcessInfo.processInfo.environment["SLIPWAY_SHARED_DATA"]
        let folder = (environment ?? "../shared/data") + "/github-webhooks"
        return FileManager.default.fileExists(atPath: folder) ? folder : nil
    }()

    @Test("every example delivery of GitHub is taken", .enabled(if: examples != nil, "no github-webhooks found"))
    func conformance() async throws {
        let folder = try #require(Self.examples)
        try await TriggersHarness.run { hook in
            var sent = 0
            for event in try FileManager.default.contentsOfDirectory(atPath: folder) {
                let files = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(event)")) ?? []
                for file in files where file.hasSuffix(".json") {
                    let body = try String(contentsOf: URL(filePath: "\(folder)/\(event)/\(file)"), encoding: .utf8)
                    let answer = try await hook.send(event, body)
                    #expect(answer.status == 202, "\(event)/\(file): \(answer.text)")
                    sent += 1
                }
            }
            #expect(sent > 50)
            #expect(try await hook.deliveries() == sent)
            #expect(try await hook.emitted(PullChanged.self).count == 14)
        }
    }
}
