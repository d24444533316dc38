import Fleet
import Forge
import ForgeTesting
import Foundation
import JobConfig
import Postgres
import PullRequests
import RoomKit
import Scheduling
import SlipwayModel
import SlipwayTesting
import Testing
import Web

/// The scheduling room on a database of its own; messages are handed to the worker by the test, and what it emits is
/// read from the outbox.
struct SchedulingHarness: Sendable {
    let bus: FleetBus
    private let recorder: MessageRecorder
    let room: SchedulingService
    private let worker: any Worker
    private let reaper: Chore

    static let repository = RepositoryName(org: "harbor", repo: "crane")
    static let limits = SchedulingLimits(agentLostAfter: 15)

    /// Without a forge: whatever asks it fails.
    static func run(_ body: @Sendable @escaping (SchedulingHarness) async throws -> Void) async throws {
        let nowhere = ForgeClient(address: try ForgeAddress(url: "http://127.0.0.1:1"), token: nil)
        try await run(nowhere, body)
    }

    /// With a LocalForge.
    static func run(
        _ body: @Sendable @escaping (SchedulingHarness, ForgeFixture) async throws -> Void
    ) async throws {
        try await ForgeFixture.run { forge in
            try await run(forge.bot) { try await body($0, forge) }
        }
    }

    private static func run(
        _ forge: ForgeClient, _ body: @Sendable @escaping (SchedulingHarness) async throws -> Void
    ) async throws {
        var settings = Settings()
        settings.forgeBot = "slipway-bot"
        settings.trustedUsers = ["trusty"]
        settings.gitFolder = FileManager.default.temporaryDirectory.path + "/slipway-git-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: settings.mirrors) }
        try await withDatabase(migrations: Self.migrations) { [settings] pool in
            let (bus, recorder) = try await MessageRecorder.bus(
                over: pool, hearing: [ConfigurationApplied.type, PullReconcile.type])
            let room = SchedulingService(
                bus: bus, forge: forge, settings: settings,
                trust: TrustBook(database: bus.database, forge: forge, settings: settings))
            let worker = try #require(room.workers.first)
            let reaper = try #require(room.chores.first)
            try await body(SchedulingHarness(bus: bus, recorder: recorder, room: room, worker: worker, reaper: reaper))
        }
    }

    private static let migrations =
        FleetSchema.migrations + TokenStore.migrations + SchedulingService.migrations + PullRequestsService.migrations

    // MARK: Configuration

    var configuration: ConfigurationStore { ConfigurationStore(bus) }

    @discardableResult
    func apply(_ files: (String, String)...) async throws -> ConfigurationStore.Applied {
        try await configuration.apply(
            JobConfiguration.load(files: files.map { SourceFile(path: $0.0, bytes: Array($0.1.utf8)) }), by: "maria",
            source: "test")
    }

    /// Puts presubmits of `harbor/crane` into force, each from its name and further keys.
    func apply(prowConfig: String? = nil, presubmits: (name: String, keys: String)...) async throws {
        let jobs = presubmits.map { job in
            "  - {name: \(job.name), \(job.keys.isEmpty ? "" : job.keys + ", ")\(Self.spec)}\n"
        }
        let text = "presubmits:\n  harbor/crane:\n" + jobs.joined()
        let settings = prowConfig.map {
            JobConfiguration.prowSettings(SourceFile(path: "config.yaml", bytes: Array($0.utf8)))
        }
        let loaded = JobConfiguration.load(
            files: [SourceFile(path: "jobs.yaml", bytes: Array(text.utf8))], prowSettings: settings)
        _ = try await configuration.apply(loaded, by: "maria", source: "test")
    }

    static let spec = "spec: {containers: [{image: tools, command: [make]}]}"

    static func periodic(_ name: String, _ keys: String = "interval: 1h") -> String {
        "periodics:\n- {name: \(name), \(keys), \(spec)}\n"
    }

    // MARK: Messages

    /// Hands events to the worker as one batch, the way the broker would, and answers the messages it emitted.
    @discardableResult
    func deliver(_ events: any Event...) async throws -> Emitted { try await deliver(events) }

    @discardableResult
    func deliver(_ events: [any Event]) async throws -> Emitted {
        _ = try recorder.take()
        try await bus.commit { effects in
            for event in events { effects.emit(event) }
        }
        let plan = try await worker.plan(try recorder.take())
        try await bus.commit(plan)
        return try emitted()
    }

    /// What was emitted and signalled since the last look.
    func emitted() throws -> Emitted { Emitted(messages: try recorder.take()) }

    struct Emitted: Sendable {
        let messages: [Message]

        func all<E: Event>(_ type: E.Type) throws -> [E] {
            try messages.filter { $0.envelope.type == E.type }.map { try $0.decode(E.self) }
        }
    }

    // MARK: Runs

    /// Asks for a periodic's run; its id.
    func request(_ job: String = "sweep", priority: Int = 0, deadline: Date? = nil) async throws -> RunID {
        let request = RunRequested(
            origin: .periodic, kind: .periodic, job: job, priority: priority, deadline: deadline)
        return try #require(try await deliver(request).all(RunAccepted.self).first?.runID)
    }

    /// Asks for a presubmit's run of pull request `number`; its id.
    func request(
        presubmit job: String, _ number: Int, sha: String = "abc", origin: RunOrigin = .trigger,
        reuse: ReusePolicy = .never
    ) async throws -> RunID {
        let request = RunRequested(
            origin: origin, kind: .presubmit, job: job,
            refs: Refs(
                repository: Self.repository, baseRef: "main", baseSHA: "base",
                pulls: [Pull(number: number, author: "noor", sha: sha)]), reuse: reuse)
        return try #require(try await deliver(request).all(RunAccepted.self).first?.runID)
    }

    func run(_ id: RunID) async throws -> RunSummary { try #require(try await room.runs.find(id.description)) }

    func state(_ id: RunID) async throws -> RunState { try await run(id).state }

    func runs() async throws -> [RunSummary] { try await room.runs.list(RunOperations.Filter(), limit: 10_000) }

    /// How many runs are in a state.
    func count(_ state: RunState) async throws -> Int { try await runs().count { $0.state == state } }

    // MARK: Agents

    func announce(_ agent: String = "agent", cluster: String = "default", capacity: Int = 1) async throws {
        try await room.ledger.announce(agent: agent, cluster: cluster, capacity: capacity)
    }

    func claim(_ id: RunID, _ agent: String = "agent") async throws -> ClaimedRun? {
        try await room.ledger.claim([run(id).buildID], agent: agent, atMost: 1).runs.first
    }

    /// Claims the run that was made last.
    func claimLatest(_ agent: String = "agent") async throws -> ClaimedRun {
        let latest = try #require(try await runs().first)
        return try #require(try await claim(latest.runID, agent))
    }

    /// A run that the agent executes.
    func started(_ job: String = "sweep", _ agent: String = "agent") async throws -> ClaimedRun {
        let id = try await request(job)
        return try #require(try await claim(id, agent))
    }

    func finish(
        _ run: ClaimedRun, _ state: RunState = .success, _ agent: String = "agent", tree: String? = nil
    ) async throws -> Bool {
        try await room.ledger.finish(
            run, outcome: RunOutcome(state: state, message: "done", tree: tree), agent: agent)
    }

    // MARK: Time

    func reap() async throws { try await reaper.run() }

    /// Lets heartbeats and announcements grow older, as if nobody had sent one, under a reaper that kept watching.
    func silence(seconds: Int) async throws {
        _ = try await bus.database.query(
            "update scheduling.runs set heartbeat_at = heartbeat_at - make_interval(secs => \(seconds))")
        _ = try await bus.database.query(
            "update scheduling.agents set seen_at = seen_at - make_interval(secs => \(seconds))")
        try await watch()
    }

    /// The reaper has looked without a pause for an hour.
    func watch() async throws {
        _ = try await bus.database.query(
            "update scheduling.reaper set watching_since = now() - interval '1 hour', last_round = now()")
    }

    func age(_ id: RunID, _ column: String, by interval: String) async throws {
        _ = try await bus.database.query(
            """
            update scheduling.runs set \(raw: column) = \(raw: column) - interval '\(raw: interval)'
             where run_id = \(id.uuid)
            """)
    }
}
