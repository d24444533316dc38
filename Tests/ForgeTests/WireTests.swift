import Forge
import Foundation
import Signatures
import SlipwayModel
import Testing

@Suite("Deliveries and their signatures")
struct WireTests {
    /// GitHub's own example deliveries, where a checkout of them is at hand.
    static let examples: String? = {
        let environment = ProcessInfo.processInfo.environment["SLIPWAY_SHARED_DATA"]
        let folder = (environment ?? "../shared/data") + "/github-webhooks"
        return FileManager.default.fileExists(atPath: folder) ? folder : nil
    }()

    @Test(
        "every example delivery of GitHub is read",
        .enabled(if: examples != nil, "set SLIPWAY_SHARED_DATA to a folder that holds github-webhooks/"))
    func conformance() throws {
        let folder = try #require(Self.examples)
        var read = 0
        for event in try FileManager.default.contentsOfDirectory(atPath: folder) {
            let files = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(event)")) ?? []
            for file in files where file.hasSuffix(".json") {
                let payload = Array(try Data(contentsOf: URL(filePath: "\(folder)/\(event)/\(file)")))
                let delivery = try WebhookDelivery(event: event, payload: payload)
                if case .other = delivery { Issue.record("\(event) is read as an unknown event") }
                #expect(delivery.event == event)
                #expect(delivery.repository != nil, "\(event)/\(file)")
                #expect(delivery.sender != nil, "\(event)/\(file)")
                read += 1
            }
        }
        #expect(read > 50)
    }

    @Test(
        "a signature",
        arguments: [
            // RFC 4231's key and message, so that the code is not ours.
            ("sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", ["Jefe"], true),
            ("sha256=5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843", ["Jefe"], true),
            ("sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", ["old", "Jefe"], true),
            ("sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", ["jefe"], false),
            ("sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", [], false),
            ("sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec384", ["Jefe"], false),
            ("sha1=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", ["Jefe"], false),
            ("sha256=", ["Jefe"], false),
            ("", [""], false),
            (nil, ["Jefe"], false),
        ] as [(String?, [String], Bool)])
    func signature(header: String?, secrets: [String], valid: Bool) {
        let body = Array("what do ya want for nothing?".utf8)
        #expect(WebhookSignature.verify(header: header, body: body, secrets: secrets) == valid)
    }

    @Test("an empty secret signs nothing")
    func emptySecret() {
        let header = WebhookSignature.header(for: [1, 2], secret: "")
        #expect(!WebhookSignature.verify(header: header, body: [1, 2], secrets: [""]))
    }

    @Test("what a payload leaves out or adds does no harm")
    func tolerance() throws {
        let payload = """
            {"action":"opened","number":7,"surprise":{"a":[1]},"pull_request":{"number":7,"state":"open","title":"T",
            "user":null,"head":{"ref":"f","sha":"1","repo":null},"base":{"ref":"main","sha":"2"}},
            "repository":{"name":"crane","full_name":"harbor/crane","owner":{"login":"harbor"}}}
            """
        let delivery = try WebhookDelivery(event: "pull_request", payload: Array(payload.utf8))
        guard case .pullRequest(let event) = delivery else { throw CancellationError() }
        #expect(event.pullRequest.author == "ghost")
        #expect(event.pullRequest.labelNames.isEmpty)
        #expect(event.pullRequest.mergeable == nil)
        #expect(delivery.repository == RepositoryName(org: "harbor", repo: "crane"))
        #expect(delivery.sender == nil)
    }

    @Test(
        "what cannot be read says which field",
        arguments: [
            ("push", "{", "it is not a JSON document"),
            ("push", "[]", "is not of type"),
            ("push", #"{"ref":"refs/heads/main"}"#, "'before' is missing"),
            ("pull_request", #"{"action":"opened","number":"seven"}"#, "'number' is not of type Int"),
        ])
    func unreadable(event: String, payload: String, reason: String) throws {
        let error = try #require(throws: WebhookError.self) {
            try WebhookDelivery(event: event, payload: Array(payload.utf8))
        }
        #expect(error.description.contains(reason))
        #expect(error.description.contains(event))
    }

    @Test("an event that nothing reads keeps its envelope")
    func unknown() throws {
        let payload = #"{"action":"added","repository":{"name":"c","full_name":"h/c","owner":{"login":"h"}}}"#
        let delivery = try WebhookDelivery(event: "marketplace_purchase", payload: Array(payload.utf8))
        #expect(delivery.event == "marketplace_purchase")
        #expect(delivery.action == "added")
        #expect(delivery.repository == RepositoryName(org: "h", repo: "c"))
    }

    @Test(
        "times as forges write them",
        arguments: [
            ("\"2019-05-15T15:20:55Z\"", 1_557_933_655.0),
            ("\"2019-05-15T15:20:55+00:00\"", 1_557_933_655.0),
            ("\"2019-05-15T08:20:55-07:00\"", 1_557_933_655.0),
            ("\"2019-05-15T15:20:55.250Z\"", 1_557_933_655.25),
            ("1557933655", 1_557_933_655.0),
        ])
    func times(json: String, expected: Double) throws {
        let time = try JSONDecoder().decode(Timestamp.self, from: Data(json.utf8))
        #expect(abs(time.date.timeIntervalSince1970 - expected) < 0.001)
    }

    @Test(
        "an address and its API",
        arguments: [
            ("https://github.com", "https://github.com", "https://api.github.com"),
            ("https://api.github.com/", "https://github.com", "https://api.github.com"),
            ("http://127.0.0.1:8081", "http://127.0.0.1:8081", "http://127.0.0.1:8081/api/v3"),
            ("http://127.0.0.1:8081/api/v3/", "http://127.0.0.1:8081", "http://127.0.0.1:8081/api/v3"),
        ])
    func addresses(url: String, web: String, api: String) throws {
        let address = try ForgeAddress(url: url)
        #expect(address.web == web)
        #expect(address.api == api)
    }

    @Test("what is no address", arguments: ["", "github.com", "ftp://x", "http://", "http://u:p@h", "http://h/?q"])
    func badAddresses(url: String) {
        #expect(throws: ForgeAddressError.self) { try ForgeAddress(url: url) }
    }

    @Test("a push names each path once, and its short ref")
    func push() {
        let commits = [
            PushEvent.Commit(
                id: "1", message: nil, timestamp: nil, added: ["a"], modified: ["b"], removed: []),
            PushEvent.Commit(
                id: "2", message: nil, timestamp: nil, added: [], modified: ["a"], removed: ["c"]),
        ]
        let repository = Repository(name: "c", fullName: "h/c", owner: Account(login: "h"))
        let event = PushEvent(
            ref: "refs/heads/release/1", before: PushEvent.zeroSHA, after: "1", forced: false, commits: commits,
            repository: repository, pusher: "noor", sender: nil)
        #expect(event.changedFiles == ["a", "b", "c"])
        #expect(event.shortRef == "release/1")
        #expect(event.created == true && event.deleted == false && event.isBranch && !event.isTag)
    }
}
