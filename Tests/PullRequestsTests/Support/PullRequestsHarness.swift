import Fleet
import Forge
import ForgeTesting
import Foundation
import Git
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import JobConfig
import Merging
import NIOCore
import Postgres
import PullRequests
import Reporting
import RoomKit
import Scheduling
import SlipwayModel
import SlipwayTesting
import Synchronization
import Testing
import Triggers
import Web

/// The line from the forge's hook to the forge: a LocalForge delivers to a gateway, the deliveries are read, pull
/// requests are decided, and what follows is written to the forge. Messages are handed on by the test, in the broker's
/// place.
struct PullRequestsHarness: Sendable {
    let bus: FleetBus
    let forge: ForgeFixture
    let room: PullRequestsService
    private let workers: [any Worker]
    private let reporter: Chore
    private let inFlight = Pending()

    /// Messages that a worker wants to see again.
    private final class Pending: Sendable {
        let messages = Mutex<[Message]>([])
    }

    /// - Parameters:
    ///   - files: of the branch `main`, e.g. OWNERS files.
    ///   - plugins: what `plugins.yaml` says; nil where there is none.
    ///   - isApp: whether Slipway has signed in as a GitHub App.
    static func run(
        files: [String: String] = [:], plugins: PluginSettings? = nil, isApp: Bool = false,
        _ body: @Sendable @escaping (PullRequestsHarness) async throws -> Void
    ) async throws {
        try await TestGate.forges.pass { try await serve(files, plugins, isApp, body) }
    }

    private static func serve(
        _ files: [String: String], _ plugins: PluginSettings?, _ isApp: Bool,
        _ body: @Sendable @escaping (PullRequestsHarness) async throws -> Void
    ) async throws {
        var settings = Settings()
        settings.webhookSecrets = [Secret(ForgeFixture.hookSecret)]
        settings.forgeBot = "slipway-bot"
        let mirrors = FileManager.default.temporaryDirectory.appending(path: "mirrors-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: mirrors) }
        try await withDatabase(migrations: try await migrations(settings)) { [settings] pool in
            let (bus, _) = try await MessageRecorder.bus(over: pool)
            var loaded = JobConfiguration.load(files: [SourceFile(path: "jobs.yaml", bytes: Array(jobs.utf8))])
            loaded.settings.plugins = plugins
            _ = try await ConfigurationStore(bus).apply(loaded, by: "maria", source: "test")
            let router = WebServer.router(tokens: nil)
            TriggersService(bus: bus, settings: settings).addRoutes(to: router)
            let (ports, listening) = AsyncStream<Int>.makeStream()
            let gateway = WebServer.application(router, host: "127.0.0.1", port: 0, logger: quietLogger) {
                listening.yield($0)
            }
            let serving = Task { try await gateway.run() }
            defer { serving.cancel() }
            for await port in ports {
                let hook = "http://127.0.0.1:\(port)/hook"
                try await ForgeFixture.run(hookURL: hook, files: files) { [settings] forge in
                    let client = isApp ? try forge.app() : forge.bot
                    let rooms = rooms(bus, client, mirrors, settings)
                    let reporting = ReportingService(bus: bus, forge: client, settings: settings)
                    let triggers = TriggersService(bus: bus, settings: settings, forge: client)
                    let harness = PullRequestsHarness(
                        bus: bus, forge: forge, room: rooms,
                        workers: triggers.workers + rooms.workers + reporting.workers,
                        reporter: try #require(reporting.chores.first))
                    try await body(harness)
                }
                break
            }
            serving.cancel()
            _ = await serving.result
        }
    }

    private static let jobs = """
        presubmits:
          harbor/crane: [{name: unit, always_run: true, spec: {containers: [{image: tools, command: [make]}]}}]
          # A repository that the forge does not have.
          harbor/lost: [{name: unit, always_run: true, spec: {containers: [{image: tools, command: [make]}]}}]
        """

    private static func rooms(
        _ bus: FleetBus, _ forge: ForgeClient, _ folder: String, _ settings: Settings
    ) -> PullRequestsService {
        PullRequestsService(
            bus: bus, forge: forge, mirrors: GitMirrors(folder: folder, forge: forge), settings: settings)
    }

    private static func migrations(_ settings: Settings) async throws -> [Migration] {
        let pool = PostgresPool(
            configuration: try PostgresConfiguration(url: "postgres://nobody@127.0.0.1:1/none"), logger: quietLogger)
        let nobody = FleetBus(database: pool, publisher: nil, logger: quietLogger)
        let forge = ForgeClient(address: try ForgeAddress(url: "http://127.0.0.1:1"), token: nil)
        let migrations =
            FleetSchema.migrations + SchedulingService.migrations
            + TriggersService(bus: nobody, settings: settings).migrations + PullRequestsService.migrations
            + MergingService.migrations
            + ReportingService(bus: nobody, forge: forge, settings: settings).migrations
        await pool.close()
        return migrations
    }

    // MARK: Handing on

    /// Hands what waits to its workers once, and lets the reporter look.
    func pump() async throws {
        try await handOn(try await taken())
        try await reporter.run()
    }

    /// What waits, taken out of the outbox.
    func taken() async throws -> [Message] {
        let bodies = try await bus.database.query("delete from fleet.outbox returning body").map {
            try $0.decode([UInt8].self)
        }
        let again = inFlight.messages.withLock { messages in
            defer { messages = [] }
            return messages
        }
        return again + (try bodies.flatMap(Message.all(in:)))
    }

    /// Hands messages to the workers that hear them, in one batch each.
    func handOn(_ messages: [Message]) async throws {
        for worker in workers {
            let own = messages.filter { worker.topics.contains($0.envelope.type) }
            guard !own.isEmpty else { continue }
            do {
                try await bus.commit(try await worker.plan(own))
            } catch is RetryLater {
                // The whole batch again, as the fleet does it.
                inFlight.messages.withLock { $0 += own }
            }
        }
    }

    /// Waits until a condition holds, handing on what comes.
    func until(_ what: String, _ condition: () async throws -> Bool) async throws {
        try await eventually(what) {
            try await pump()
            return try await condition()
        }
    }

    /// Waits until nothing is left to deliver, to handle or to write.
    func quiet() async throws {
        var silences = 0
        try await until("nothing is left to do") {
            silences = try await isQuiet() ? silences + 1 : 0
            return silences >= 2
        }
    }

    private func isQuiet() async throws -> Bool {
        let hooks = try await forge.bot.hooks(ForgeFixture.repository)
        for hook in hooks {
            let deliveries = try await forge.bot.deliveries(ForgeFixture.repository, hook: hook.id)
            guard deliveries.allSatisfy({ $0.deliveredAt != nil }) else { return false }
            // Ten seconds without an answer, on a busy machine, and the forge gives a delivery up: it is asked for again.
            let latest = Dictionary(deliveries.map { ($0.guid, $0) }) { $0.id > $1.id ? $0 : $1 }
            let unanswered = latest.values.filter { $0.statusCode == 0 }
            for delivery in unanswered {
                try await forge.bot.redeliver(ForgeFixture.repository, hook: hook.id, delivery: delivery.id)
            }
            guard unanswered.isEmpty else { return false }
        }
        guard inFlight.messages.withLock(\.isEmpty) else { return false }
        let left = try await bus.database.query(
            """
            select (select count(*) from fleet.outbox)
                 + (select count(*) from reporting.desired
                     where done_version <> version and not given_up and next_try <= now() + interval '5 seconds')
            """
        ).one().decode(Int.self)
        return left == 0
    }

    /// Does what the room does by itself every few seconds: mergeability, and changes for other branches.
    func keep() async throws {
        // The forge's own clock cannot be turned; what is due in a second is due now.
        _ = try await bus.database.query(
            "update pull_requests.pulls set mergeability_due = now() where mergeability_due is not null")
        _ = try await bus.database.query("update pull_requests.cherry_picks set next_try = now()")
        try await room.chores.first?.run()
    }

    // MARK: What people do and see

    func say(_ text: String, on number: Int, by author: String) async throws {
        _ = try await forge.user(author).createComment(ForgeFixture.repository, number, body: text)
    }

    /// Sizes, which every pull request has, left out.
    func labels(_ number: Int) async throws -> Set<String> {
        Set(try await forge.bot.labels(ForgeFixture.repository, number).map(\.name).filter { !$0.hasPrefix("size/") })
    }

    /// The bot's comments.
    func words(_ number: Int) async throws -> [String] {
        try await forge.bot.comments(ForgeFixture.repository, number).filter { $0.author == "slipway-bot" }
            .compactMap(\.body)
    }

    /// The one comment about approvals.
    func approval(_ number: Int) async throws -> String? {
        let found = try await words(number).filter { $0.hasPrefix("[APPROVALNOTIFIER]") }
        #expect(found.count <= 1)
        return found.first
    }

    /// The text of a page of the room, and its status.
    func page(_ uri: String) async throws -> (status: Int, text: String) {
        let router = WebServer.router(tokens: nil)
        room.addRoutes(to: router)
        return try await Application(router: router, logger: quietLogger).test(.router) { client in
            try await client.execute(uri: uri, method: .get, headers: [.accept: "text/html"]) { response in
                (Int(response.status.code), String(buffer: response.body))
            }
        }
    }

    /// What the forge was asked for under keys that begin so.
    func desired(_ prefix: String) async throws -> [String] {
        try await bus.database.query(
            "select key from reporting.desired where key like \(prefix + "%") order by key"
        ).map { try $0.decode(String.self) }
    }
}
