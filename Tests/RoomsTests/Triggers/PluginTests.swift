import Fleet
import Forge
import Foundation
import Hummingbird
import HummingbirdTesting
import JobConfig
import Postgres
import RoomKit
import SlipwayModel
import SlipwayTesting
import Synchronization
import Testing
import Triggers
import Web

@Suite("Deliveries for external plugins")
struct PluginTests {
    @Test("a plugin gets the forge's own bytes, headers and signature, and only what it asked for")
    func forwarded() async throws {
        try await PluginHarness.run { harness in
            try await harness.configure(
                "harbor/crane: [{name: cherrypicker, endpoint: '\(harness.url("a"))', events: [issue_comment]}]",
                "harbor: [{name: everything, endpoint: '\(harness.url("b"))'}]",
                "shipyard: [{name: others, endpoint: '\(harness.url("c"))'}]")
            let comment =
                #"{ "action":"created",  "text":"späth \u0041", "repository":{"name":"crane","full_name":"harbor/crane","owner":{"login":"harbor"}},"issue":{"number":1,"state":"open","title":"T"},"comment":{"id":1,"body":"x"}}"#
            try await harness.deliver("issue_comment", comment, id: "one")
            try await harness.deliver("label", PluginHarness.label, id: "two")
            try await harness.sending {
                try await eventually("three forwards are settled") { try await harness.settled() == 3 }
            }
            let first = try #require(harness.received("a").first)
            #expect(harness.received("a").count == 1)
            #expect(first.body == Array(comment.utf8))
            #expect(first.headers["x-github-event"] == "issue_comment" && first.headers["x-github-delivery"] == "one")
            #expect(first.headers["user-agent"] == "GitHub-Hookshot/test" && first.headers["content-type"] != nil)
            #expect(first.headers["x-hub-signature"]?.hasPrefix("sha1=") == true)
            #expect(first.headers["cookie"] == nil && first.headers["authorization"] == nil)
            #expect(
                WebhookSignature.verify(
                    header: first.headers["x-hub-signature-256"], body: first.body,
                    secrets: [PluginHarness.secret]))
            #expect(Set(harness.received("b").compactMap { $0.headers["x-github-delivery"] }) == ["one", "two"])
            #expect(harness.received("c").isEmpty)
        }
    }

    @Test("a plugin of a supplemental file gets its deliveries too")
    func supplemented() async throws {
        try await PluginHarness.run(isSupplemented: true) { harness in
            try await harness.configure("harbor: [{name: a, endpoint: '\(harness.url("a"))'}]")
            try await harness.configure(
                "harbor/crane: [{name: b, endpoint: '\(harness.url("b"))'}]", in: "harbor/crane/_pluginconfig.yaml")
            try await harness.deliver("label", PluginHarness.label, id: "one")
            try await harness.sending {
                try await eventually("both are settled") { try await harness.settled() == 2 }
            }
            #expect(harness.received("a").count == 1 && harness.received("b").count == 1)
        }
    }

    @Test("a delivery with a character that PostgreSQL has not is signed anew")
    func resigned() async throws {
        try await PluginHarness.run { harness in
            try await harness.configure("harbor: [{name: p, endpoint: '\(harness.url("a"))'}]")
            let body = PluginHarness.label.replacing("\"edited\"", with: #""edited","odd":"\u0000""#)
            try await harness.deliver("label", body, id: "one")
            try await harness.sending {
                try await eventually("it is settled") { try await harness.settled() == 1 }
            }
            let first = try #require(harness.received("a").first)
            // Whoever still reads the signature of old is not told a wrong one.
            #expect(first.headers["x-hub-signature"] == nil)
            #expect(
                WebhookSignature.verify(
                    header: first.headers["x-hub-signature-256"], body: first.body,
                    secrets: [PluginHarness.secret]))
        }
    }

    @Test("a plugin that fails is tried again, and gets everything, also after a restart")
    func retried() async throws {
        try await PluginHarness.run { harness in
            try await harness.configure("harbor: [{name: p, endpoint: '\(harness.url("a"))'}]")
            harness.answer("a", 503, 500)
            try await harness.deliver("label", PluginHarness.label, id: "one")
            try await harness.sending {
                try await eventually("the first attempt has failed") { harness.received("a").count == 1 }
            }
            // Another process, later.
            for attempt in 2...3 {
                try await harness.passTime()
                try await harness.sending {
                    try await eventually("attempt \(attempt)") { harness.received("a").count == attempt }
                    if attempt == 3 { try await eventually("it is settled") { try await harness.settled() == 1 } }
                }
            }
            #expect(Set(harness.received("a").compactMap { $0.headers["x-github-delivery"] }) == ["one"])
        }
    }

    @Test("a plugin that refuses is not asked again, and says why")
    func refused() async throws {
        try await PluginHarness.run { harness in
            try await harness.configure("harbor: [{name: p, endpoint: '\(harness.url("a"))'}]")
            harness.answer("a", 400)
            try await harness.deliver("label", PluginHarness.label, id: "one")
            try await harness.sending {
                try await eventually("it is settled") { try await harness.settled() == 1 }
            }
            let error = try await harness.bus.database.query(
                "select last_error from triggers.forwards_v1 where given_up"
            ).one().decode(String.self)
            #expect(error.hasPrefix("answered 400"))
        }
    }

    @Test("a plugin that hangs keeps no other waiting")
    func isolation() async throws {
        try await PluginHarness.run { harness in
            try await harness.configure(
                "harbor: [{name: slow, endpoint: '\(harness.url("hang"))'}, {name: p, endpoint: '\(harness.url("a"))'}]"
            )
            for number in 1...30 {
                try await harness.deliver("label", PluginHarness.label, id: "\(number)")
            }
            try await harness.sending {
                try await eventually("the slow one is being waited for") { !harness.received("hang").isEmpty }
                try await eventually("the other has everything") { harness.received("a").count == 30 }
                harness.release()
            }
        }
    }

    @Test("nothing is lost while plugins.yaml is broken")
    func broken() async throws {
        try await PluginHarness.run { harness in
            try await harness.configure("harbor: [{endpoint: 'ftp://x'}]")
            await #expect(throws: RetryLater.self) {
                try await harness.deliver("label", PluginHarness.label, id: "one")
            }
            try await harness.configure("harbor: [{name: p, endpoint: '\(harness.url("a"))'}]")
            try await harness.deliver("label", PluginHarness.label, id: "two")
            // Good once, it stays as it was.
            try await harness.configure("harbor: [")
            try await harness.deliver("label", PluginHarness.label, id: "three")
            try await harness.sending {
                try await eventually("both are settled") { try await harness.settled() == 2 }
            }
        }
    }

    // MARK: Decisions

    @Test(
        "what becomes of an attempt",
        arguments: [
            (200, 1, 0, .done), (204, 9, 90_000, .done), (nil, 1, 0, .again(after: 1)), (500, 2, 0, .again(after: 2)),
            (503, 5, 100, .again(after: 16)), (429, 3, 0, .again(after: 4)), (408, 1, 0, .again(after: 1)),
            (502, 40, 86_399, .again(after: 300)), (nil, 40, 86_400, .givenUp), (400, 1, 0, .givenUp),
            (404, 1, 0, .givenUp), (301, 1, 0, .givenUp),
        ] as [(Int?, Int, Double, ForwardVerdict)])
    func verdicts(status: Int?, attempts: Int, age: Double, expected: ForwardVerdict) {
        #expect(ForwardVerdict(status: status, attempts: attempts, age: age, chance: 0.5) == expected)
    }

    @Test("Prow's external_plugins")
    func configuration() {
        let text = """
            plugins: {kubernetes: {plugins: [trigger]}}
            external_plugins:
              kubernetes:
              - name: refresh
                endpoint: http://refresh.ci
                events: [issue_comment]
              kubernetes/test-infra:
              - name: picker
            """
        let (plugins, problems) = ExternalPlugin.read(SourceFile(path: "plugins.yaml", bytes: Array(text.utf8)))
        #expect(problems.isEmpty)
        #expect(plugins.map(\.endpoint) == ["http://refresh.ci", "http://picker"])
        let testInfra = RepositoryName(org: "kubernetes", repo: "test-infra")
        let other = RepositoryName(org: "kubernetes", repo: "website")
        #expect(plugins.map { $0.wants("issue_comment", of: testInfra) } == [true, true])
        #expect(plugins.map { $0.wants("push", of: testInfra) } == [false, true])
        #expect(plugins.map { $0.wants("issue_comment", of: other) } == [true, false])
    }

    @Test(
        "what is wrong is said with its line",
        arguments: [
            ("- a", "plugins.yaml is a list"), ("external_plugins: 3", "external_plugins is a number"),
            ("external_plugins:\n  a/b/c: []", "plugins.yaml:2: 'a/b/c' in external_plugins is neither"),
            ("external_plugins:\n  a:\n  - x", "plugins.yaml:3: a plugin of a is text"),
            ("external_plugins:\n  a:\n  - endpoint: http://x", "plugins.yaml:3: a plugin of a has no name"),
            ("external_plugins:\n  a:\n  - name: x\n    endpoint: file:///etc", "is not an address"),
        ])
    func badConfiguration(text: String, words: String) {
        let (_, problems) = ExternalPlugin.read(SourceFile(path: "plugins.yaml", bytes: Array(text.utf8)))
        #expect(problems.contains { $0.description.contains(words) }, "\(problems)")
    }
}

/// The triggers room with a plugins.yaml, and a server that the plugins are.
struct PluginHarness: Sendable {
    let bus: FleetBus
    private let settings: Settings
    private let plugins: FakePlugins
    private let address: String
    private let room: TriggersService

    static let secret = "a secret"
    static let label =
        #"{"action":"edited","label":{"name":"a"},"repository":{"name":"crane","full_name":"harbor/crane","owner":{"login":"harbor"}}}"#

    /// - Parameter isSupplemented: supplemental files below the folder of `plugins.yaml` are read.
    static func run(
        isSupplemented: Bool = false, _ body: @Sendable @escaping (PluginHarness) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "plugins-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var settings = Settings()
        settings.webhookSecrets = [Secret(secret)]
        settings.pluginsFile = "\(folder)/plugins.yaml"
        if isSupplemented { settings.supplementalPlugins = [folder] }
        try await withDatabase(migrations: try await RecoveryHarness.migrations(settings)) { pool in
            let (bus, _) = try await MessageRecorder.bus(over: pool)
            let plugins = FakePlugins()
            let (ports, listening) = AsyncStream<Int>.makeStream()
            let server = Application(
                router: plugins.router,
                configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
                onServerRunning: { listening.yield($0.localAddress?.port ?? 0) }, logger: quietLogger)
            let serving = Task { try await server.run() }
            for await port in ports {
                let harness = PluginHarness(
                    bus: bus, settings: settings, plugins: plugins, address: "http://127.0.0.1:\(port)",
                    room: TriggersService(bus: bus, settings: settings))
                do {
                    try await body(harness)
                } catch {
                    Issue.record(error)
                }
                break
            }
            plugins.release()
            serving.cancel()
            _ = await serving.result
        }
    }

    func url(_ name: String) -> String { "\(address)/\(name)" }
    func received(_ name: String) -> [FakePlugins.Received] { plugins.received(name) }
    func answer(_ name: String, _ statuses: Int...) { plugins.answer(name, statuses) }
    func release() { plugins.release() }

    /// - Parameter name: a supplemental file's, below the folder of `plugins.yaml`; itself where nil.
    func configure(_ lines: String..., in name: String? = nil) async throws {
        let text = "external_plugins:\n" + lines.map { "  \($0)\n" }.joined()
        let plugins = URL(filePath: try #require(settings.pluginsFile))
        let file = name.map { plugins.deletingLastPathComponent().appending(path: $0) } ?? plugins
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    /// Takes a delivery in as the gateway does, and hands its event to the worker.
    func deliver(_ event: String, _ body: String, id: String) async throws {
        let router = WebServer.router(tokens: nil)
        room.addRoutes(to: router)
        try await Application(router: router).test(.router) { client in
            var headers: HTTPFields = [
                .contentType: "application/json", .userAgent: "GitHub-Hookshot/test", .cookie: "a=b",
            ]
            for (name, value) in [
                ("X-GitHub-Event", event), ("X-GitHub-Delivery", id), ("X-GitHub-Hook-ID", "1"),
                ("X-Hub-Signature", "sha1=of the body as it came"),
                ("X-Hub-Signature-256", WebhookSignature.header(for: Array(body.utf8), secret: Self.secret)),
            ] {
                if let name = HTTPFields.Element.Name(name) { headers[name] = value }
            }
            try await client.execute(
                uri: "/hook", method: .post, headers: headers, body: ByteBuffer(string: body)
            ) { #expect($0.status == .accepted, "\(String(buffer: $0.body))") }
        }
        let worker = try #require(room.workers.first)
        let bodies = try await bus.database.query("delete from fleet.outbox returning body").map {
            try $0.decode([UInt8].self)
        }
        let messages = try bodies.flatMap(Message.all(in:)).filter { worker.topics.contains($0.envelope.type) }
        try await bus.commit(try await worker.plan(messages))
    }

    /// Sends while `body` runs, as a process of its own.
    func sending(_ body: @Sendable () async throws -> Void) async throws {
        let chore = try #require(TriggersService(bus: bus, settings: settings).chores.first)
        let task = Task { try await chore.run() }
        do {
            try await body()
        } catch {
            task.cancel()
            _ = await task.result
            throw error
        }
        task.cancel()
        _ = await task.result
    }

    func settled() async throws -> Int {
        try await bus.database.query("select count(*) from triggers.forwards_v1 where settled_at is not null").one()
            .decode(Int.self)
    }

    /// Makes what waits for its next try due now.
    func passTime() async throws {
        _ = try await bus.database.query(
            "update triggers.forwards set next_try = now(), claimed_until = '-infinity' where settled_at is null")
    }
}

/// Programs of somebody else's, told apart by the path they are reached by. `hang` answers when it is released.
final class FakePlugins: Sendable {
    struct Received: Sendable {
        var headers: [String: String]
        var body: [UInt8]
    }

    private struct State {
        var received: [String: [Received]] = [:]
        var answers: [String: [Int]] = [:]
        var hanging: [CheckedContinuation<Void, Never>] = []
        var isReleased = false
    }

    private let state = Mutex(State())

    var router: Router<BasicRequestContext> {
        let router = Router()
        router.post(":name") { request, context in
            let name = context.parameters.get("name") ?? ""
            let buffer = try await request.body.collect(upTo: 1 << 20)
            var headers: [String: String] = [:]
            for field in request.headers { headers[field.name.canonicalName] = field.value }
            let received = Received(headers: headers, body: Array(buffer.readableBytesView))
            let status = self.state.withLock { state in
                state.received[name, default: []].append(received)
                guard let answers = state.answers[name], !answers.isEmpty else { return 200 }
                return state.answers[name]?.removeFirst() ?? 200
            }
            if name == "hang" { await self.hang() }
            return Response(status: .init(code: status))
        }
        return router
    }

    private func hang() async {
        await withCheckedContinuation { continuation in
            let isReleased = state.withLock { state in
                if !state.isReleased { state.hanging.append(continuation) }
                return state.isReleased
            }
            if isReleased { continuation.resume() }
        }
    }

    func received(_ name: String) -> [Received] { state.withLock { $0.received[name] ?? [] } }
    func answer(_ name: String, _ statuses: [Int]) { state.withLock { $0.answers[name] = statuses } }

    func release() {
        let hanging = state.withLock { state in
            state.isReleased = true
            defer { state.hanging = [] }
            return state.hanging
        }
        for continuation in hanging { continuation.resume() }
    }
}
