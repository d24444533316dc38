import Fleet
import Forge
import ForgeTesting
import Foundation
import Hummingbird
import JobConfig
import LocalForge
import Merging
import Postgres
import PullRequests
import RoomKit
import Scheduling
import SlipwayModel
import SlipwayTesting
import Synchronization
import Testing
import Triggers
import Web

/// A LocalForge whose hook leads to a gateway that can be down, with one configured repository, `harbor/crane`.
struct RecoveryHarness: Sendable {
    let bus: FleetBus
    let forge: ForgeFixture
    /// The room, with the chores of recovery.
    let room: TriggersService
    private let isDown: Switch
    private let scheduling: any Worker

    final class Switch: Sendable {
        private let value = Mutex(false)
        var isOn: Bool {
            get { value.withLock { $0 } }
            set { value.withLock { $0 = newValue } }
        }
    }

    /// Answers as a balancer does that has no gateway behind it.
    private struct DownMiddleware: RouterMiddleware {
        typealias Context = SlipwayContext
        let isDown: Switch

        func handle(
            _ request: Request, context: SlipwayContext,
            next: (Request, SlipwayContext) async throws -> Response
        ) async throws -> Response {
            isDown.isOn ? Response(status: .serviceUnavailable) : try await next(request, context)
        }
    }

    static func run(
        asApp: Bool = false, _ body: @Sendable @escaping (RecoveryHarness) async throws -> Void
    ) async throws {
        try await TestGate.forges.pass { try await serve(asApp, body) }
    }

    private static func serve(
        _ asApp: Bool, _ body: @Sendable @escaping (RecoveryHarness) async throws -> Void
    ) async throws {
        var settings = Settings()
        settings.webhookSecrets = [Secret(ForgeFixture.hookSecret)]
        let migrations = try await migrations(settings)
        try await withDatabase(migrations: migrations) { pool in
            let (bus, _) = try await MessageRecorder.bus(over: pool)
            let jobs = """
                presubmits:
                  harbor/crane: [{name: unit, always_run: true, spec: {containers: [{image: tools, command: [make]}]}}]
                """
            _ = try await ConfigurationStore(bus).apply(
                JobConfiguration.load(files: [SourceFile(path: "jobs.yaml", bytes: Array(jobs.utf8))]), by: "maria",
                source: "test")
            let isDown = Switch()
            let router = WebServer.router(tokens: nil)
            router.addMiddleware { DownMiddleware(isDown: isDown) }
            TriggersService(bus: bus, settings: settings).addRoutes(to: router)
            let (ports, listening) = AsyncStream<Int>.makeStream()
            let gateway = WebServer.application(router, host: "127.0.0.1", port: 0, logger: quietLogger) {
                listening.yield($0)
            }
            let serving = Task { try await gateway.run() }
            defer { serving.cancel() }
            for await port in ports {
                settings.publicURL = "http://127.0.0.1:\(port)"
                try await ForgeFixture.run(hookURL: "\(settings.pageURL)/hook") { [settings] forge in
                    let client = asApp ? try forge.app() : forge.bot
                    let room = TriggersService(
                        bus: bus, settings: settings, forge: client,
                        limits: RecoveryLimits(firstPause: .zero, confirmation: .zero))
                    let scheduling = SchedulingService(
                        bus: bus, forge: forge.bot, settings: settings,
                        trust: TrustBook(database: bus.database, forge: forge.bot, settings: settings))
                    let worker = try #require(scheduling.workers.first)
                    let harness = RecoveryHarness(
                        bus: bus, forge: forge, room: room, isDown: isDown, scheduling: worker)
                    try await harness.settle()
                    try await body(harness)
                }
                break
            }
            serving.cancel()
            _ = await serving.result
        }
    }

    static func migrations(_ settings: Settings) async throws -> [Migration] {
        let pool = PostgresPool(
            configuration: try PostgresConfiguration(url: "postgres://nobody@127.0.0.1:1/none"), logger: quietLogger)
        let nobody = FleetBus(database: pool, publisher: nil, logger: quietLogger)
        let migrations =
            FleetSchema.migrations + SchedulingService.migrations + PullRequestsService.migrations
            + MergingService.migrations + TriggersService(bus: nobody, settings: settings).migrations
        await pool.close()
        return migrations
    }

    func gateway(isDown: Bool) { self.isDown.isOn = isDown }

    /// One look at what was missed.
    func look() async throws {
        let chore = try #require(room.gatewayChores.first { $0.name == "missed-deliveries" })
        try await chore.run()
    }

    /// From now on nobody may read the forge's hooks, so that pull requests alone can tell what was missed.
    func hideHooks() {
        forge.server.faults.inject(.answer(404, message: "Not Found"), method: "GET", path: "/hooks", times: 1000)
    }

    // MARK: What was delivered

    func deliveries() async throws -> [HookDelivery] {
        let hook = try #require(try await forge.bot.hooks(ForgeFixture.repository).first)
        return try await forge.bot.deliveries(ForgeFixture.repository, hook: hook.id)
    }

    /// Waits until the forge has attempted everything it has to deliver.
    func settle() async throws {
        try await eventually("the forge has nothing left to send") {
            try await deliveries().allSatisfy { $0.deliveredAt != nil }
        }
    }

    func stored() async throws -> Set<String> {
        Set(
            try await bus.database.query("select delivery_id from triggers.deliveries_v1").map {
                try $0.decode(String.self)
            })
    }

    /// The events of a type that wait to be handled.
    func emitted<E: Event>(_ type: E.Type) async throws -> [E] {
        let bodies = try await bus.database.query(
            "select body from fleet.outbox where type = \(E.type) order by message_id")
        return try bodies.flatMap { try Message.all(in: $0.decode([UInt8].self)) }.map { try $0.decode(E.self) }
    }

    /// Has scheduling handle what was emitted.
    func schedule() async throws {
        let bodies = try await bus.database.query("delete from fleet.outbox returning body").map {
            try $0.decode([UInt8].self)
        }
        let messages = try bodies.flatMap(Message.all(in:)).filter { scheduling.topics.contains($0.envelope.type) }
        guard !messages.isEmpty else { return }
        try await bus.commit(try await scheduling.plan(messages))
    }

    func runs() async throws -> Int {
        try await bus.database.query("select count(*) from scheduling.runs_v1").one().decode(Int.self)
    }
}
