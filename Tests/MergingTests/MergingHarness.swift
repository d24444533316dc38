import ArtifactStore
import Fleet
import Forge
import Foundation
import Git
import JobConfig
import Merging
import Postgres
import PullRequests
import Reporting
import Results
import RoomKit
import Scheduling
import SlipwayModel
import SlipwayTesting
import Synchronization
import Testing
import Triggers
import Web

/// Merging with scheduling and reporting on a database and a LocalForge of their own. Messages go from room to room as
/// the broker would carry them; agents are played by the test, which merges each run's refs with git and judges the tree.
final class MergingHarness: Sendable {
    /// What a played agent makes of a job on a tree.
    struct Judgement: Sendable {
        var passes: Bool
        /// Nil where no report names one: the log alone tells.
        var test: String? = "suite.test"
        var output = ""
    }

    let bus: FleetBus
    let forge: MergingForge
    let room: MergingService
    let recorder: MessageRecorder
    let settings: Settings
    private let scheduling: SchedulingService
    private let workers: [any Worker]
    private let driver: Chore
    private let survey: Chore
    private let reporter: Chore
    private let artifacts: LocalArtifactStore
    private let capacity: Int
    private let seen = Mutex<[Int: PullRequest]>([:])
    private let stood = Mutex<[String]>([])
    private let isDeaf = Mutex(false)
    private let judge: @Sendable (_ job: String, _ files: [String: String], _ refs: Refs) -> Judgement

    static let repository = MergingForge.repository
    static let tide = "tide: {queries: [{repos: [harbor/crane], missingLabels: [hold]}]}"
    static let unit = "{name: unit, always_run: true, \(spec)}"
    static let spec = "spec: {containers: [{image: tools, command: [make]}]}"

    /// - Parameters:
    ///   - jobs: presubmits of the repository, each a mapping.
    ///   - capacity: runs that the played agent carries out in one step.
    ///   - judge: by default a tree fails that holds a file `bad` or anything below `bad/`.
    static func run(
        tide: String = tide, jobs: [String] = [unit], capacity: Int = 4,
        settings change: @Sendable @escaping (inout Settings) -> Void = { _ in },
        judge: @Sendable @escaping (String, [String: String], Refs) -> Judgement = { _, files, _ in
            let bad = files.keys.filter { $0.hasPrefix("bad") }.sorted()
            return Judgement(passes: bad.isEmpty, output: "expected no \(bad.joined(separator: " "))")
        },
        _ body: @Sendable @escaping (MergingHarness) async throws -> Void
    ) async throws {
        try await MergingForge.run { forge in
            var settings = Settings()
            settings.forgeBot = "slipway-bot"
            change(&settings)
            let migrations = try await migrations(forge, settings)
            try await withDatabase(migrations: migrations) { [settings] pool in
                let harness = try await MergingHarness(pool, forge, settings, capacity: capacity, judge: judge)
                try await harness.apply(tide: tide, jobs: jobs)
                try await harness.announce()
                try await body(harness)
            }
        }
    }

    private init(
        _ pool: PostgresPool, _ forge: MergingForge, _ settings: Settings, capacity: Int,
        judge: @Sendable @escaping (String, [String: String], Refs) -> Judgement
    ) async throws {
        (bus, recorder) = try await MessageRecorder.bus(
            over: pool, hearing: [ConfigurationApplied.type, PullReconcile.type])
        self.forge = forge
        self.settings = settings
        self.capacity = capacity
        self.judge = judge
        artifacts = try LocalArtifactStore(folder: "\(forge.folder)/artifacts")
        let excerpt = FailureExcerpt(artifacts)
        let merging = MergingService(
            bus: bus, forge: forge.bot, mirrors: forge.mirrors, settings: settings,
            failureLines: { try await excerpt.lines(in: $0, count: $1) })
        let pulls = PullRequestsService(
            bus: bus, forge: forge.bot, mirrors: forge.mirrors, settings: settings,
            mergeObstacles: { try await merging.obstacles($0, $1) })
        room = merging
        scheduling = SchedulingService(
            bus: bus, forge: forge.bot, mirrors: forge.mirrors, settings: settings, trust: pulls.trust)
        let reporting = ReportingService(bus: bus, forge: forge.bot, settings: settings)
        workers = pulls.workers + scheduling.workers + merging.workers + reporting.workers
        driver = try #require(merging.chores.first { $0.name == "merging-pools" })
        survey = try #require(merging.chores.first { $0.name == "merging-survey" })
        reporter = try #require(reporting.chores.first)
    }

    /// Rooms tell their migrations only when they are put together.
    private static func migrations(_ forge: MergingForge, _ settings: Settings) async throws -> [Migration] {
        let pool = PostgresPool(
            configuration: try PostgresConfiguration(url: "postgres://nobody@127.0.0.1:1/none"), logger: quietLogger)
        let bus = FleetBus(database: pool, publisher: nil, logger: quietLogger)
        let migrations =
            FleetSchema.migrations + TokenStore.migrations
            + SchedulingService.migrations
            + ResultsService(
                bus: bus, artifacts: try LocalArtifactStore(folder: "\(forge.folder)/artifacts"), settings: settings,
                whichJobs: { _, _ in WhichJobsAnswer(run: [], skip: []) }
            ).migrations
            + ReportingService(bus: bus, forge: forge.bot, settings: settings).migrations
            + MergingService.migrations
            + TriggersService(bus: bus, settings: settings).migrations + PullRequestsService.migrations
        await pool.close()
        return migrations
    }

    func apply(tide: String = tide, jobs: [String]) async throws {
        let text = "presubmits:\n  harbor/crane:\n" + jobs.map { "  - \($0)\n" }.joined()
        let loaded = JobConfiguration.load(
            files: [SourceFile(path: "jobs.yaml", bytes: Array(text.utf8))],
            prowSettings: JobConfiguration.prowSettings(SourceFile(path: "config.yaml", bytes: Array(tide.utf8))))
        _ = try await ConfigurationStore(bus).apply(loaded, by: "maria", source: "test")
        try await survey.run()
    }

    // MARK: Going on

    /// Everything once: the forge's news, messages, agents, trains, reports.
    func step() async throws {
        try await hear()
        try await pump()
        try await work()
        try await pump()
        try await haveAllDue()
        try await driver.run()
        try await lookAtMain()
        try await pump()
        try await reporter.run()
    }

    /// As their time would.
    func haveAllDue() async throws {
        _ = try await bus.database.query("update merging.pools set due_at = least(due_at, now())")
    }

    func expireClaims() async throws {
        _ = try await bus.database.query("update merging.pools set claimed_until = '-infinity'")
    }

    private func announce() async throws {
        try await scheduling.ledger.announce(agent: "agent", cluster: "default", capacity: capacity)
    }

    func lookAtMain() async throws {
        let tree = try await forge.bare.tree(of: "refs/heads/main")
        stood.withLock { if $0.last != tree { $0.append(tree) } }
    }

    /// The trees that `main` was seen at, in order.
    var treesOfMain: [String] { stood.withLock { $0 } }

    /// Steps until something holds; fails after so many steps.
    func steps(_ limit: Int = 60, until what: String, _ condition: () async throws -> Bool) async throws {
        for _ in 0..<limit {
            try await step()
            if try await condition() { return }
        }
        Issue.record("not within \(limit) steps: \(what); \(try await overview())")
    }

    /// Webhooks get lost, or come again.
    func setDeaf(_ isDeaf: Bool) { self.isDeaf.withLock { $0 = isDeaf } }

    /// Delivers what changed at the forge since the last look.
    private func hear() async throws {
        if isDeaf.withLock({ $0 }) { return }
        let pulls = try await forge.bot.pulls(Self.repository, state: "all")
        let changed = seen.withLock { seen in
            pulls.compactMap { pull -> (pull: PullRequest, action: String)? in
                let known = seen.updateValue(pull, forKey: pull.number)
                guard known != pull else { return nil }
                if !pull.isOpen { return (pull, "closed") }
                return (pull, known?.head.sha == pull.head.sha ? "edited" : "synchronize")
            }
        }
        let events = changed.map { pull, action in
            PullChanged(
                repository: Self.repository, number: pull.number, action: action,
                title: pull.title, author: pull.author, authorAssociation: "MEMBER", isOpen: pull.isOpen,
                isDraft: pull.isDraft ?? false, isMerged: pull.wasMerged, headRef: pull.head.ref,
                headSHA: pull.head.sha,
                baseRef: pull.base.ref, baseSHA: pull.base.sha, previousBaseRef: nil, label: nil,
                labels: pull.labelNames, sender: "maria", mergeable: nil, link: pull.htmlURL,
                deliveryID: UUID().uuidString,
                subjectVersion: Int64((pull.updatedAt?.date.timeIntervalSince1970 ?? 0) * 1000))
        }
        guard !events.isEmpty else { return }
        try await bus.commit { effects in
            for event in events { effects.emit(event) }
        }
    }

    func emit(_ event: some Event) async throws {
        try await bus.commit { effects in effects.emit(event) }
    }

    /// Carries messages until none is under way.
    func pump(_ swept: [Message] = []) async throws {
        var messages = swept
        while true {
            messages += try recorder.take()
            guard !messages.isEmpty else { return }
            defer { messages = [] }
            for worker in workers {
                let own = messages.filter { worker.topics.contains($0.envelope.type) }
                guard !own.isEmpty else { continue }
                try await bus.commit(try await worker.plan(own))
            }
        }
    }

    /// Carries out every run that was dispatched.
    private func work() async throws {
        let dispatched = try await bus.database.query(
            "select build_id from scheduling.runs where state = 'dispatched' order by build_id"
        ).map { BuildID(try $0.decode(Int64.self)) }
        try await announce()
        for run in try await scheduling.ledger.claim(dispatched, agent: "agent", atMost: dispatched.count).runs {
            let refs = try #require(run.refs)
            let outcome: RunOutcome
            if let tree = try await mergedTree(of: refs) {
                let judgement = judge(run.job.name, try await files(of: tree), refs)
                if !judgement.passes { try await report(run, judgement) }
                outcome = RunOutcome(
                    state: judgement.passes ? .success : .failure, message: "done", tree: tree)
            } else {
                outcome = RunOutcome(state: .failure, message: "It cannot be merged.")
            }
            _ = try await scheduling.ledger.finish(run, outcome: outcome, agent: "agent")
        }
    }

    /// What an agent's clone finds.
    private func mergedTree(of refs: Refs) async throws -> String? {
        let git = forge.bare
        var tip = try #require(refs.baseSHA)
        if tip == "" { tip = "refs/heads/main" }
        for pull in refs.pulls ?? [] {
            guard let tree = try await git.merge(tip, pull.sha).tree else { return nil }
            tip = try await git.commitTree(tree, parents: [tip, pull.sha], message: "merge")
        }
        return try await git.tree(of: tip)
    }

    private func files(of tree: String) async throws -> [String: String] {
        let entries = try await forge.bare.entries(of: tree)
        let blobs = try await forge.bare.blobs(entries.map(\.hash))
        return Dictionary(
            entries.map { ($0.path, String(decoding: blobs[$0.hash] ?? [], as: UTF8.self)) }, uniquingKeysWith: { $1 })
    }

    /// Writes a failed test as aggregation would, or a log where there is none.
    private func report(_ run: ClaimedRun, _ judgement: Judgement) async throws {
        _ = try await bus.database.query(
            """
            insert into results.runs (build_id, run_id, passed, failed, flaky, skipped, duration_s, files)
            values (\(run.buildID.number), \(run.runID.uuid), 0, \(judgement.test == nil ? 0 : 1), 0, 0, 1, 1)
            """)
        guard let test = judgement.test else {
            let folder = try await bus.database.query(
                "select artifact_path from scheduling.runs_v1 where run_id = \(run.runID.uuid)"
            ).one().decode(String.self)
            try await artifacts.put(ArtifactPath("\(folder)/build-log.txt"), judgement.output)
            return
        }
        _ = try await bus.database.query(
            """
            insert into results.failures (build_id, position, run_id, test_id, suite, name, kind, message, output,
                                          duration_s)
            values (\(run.buildID.number), 0, \(run.runID.uuid), \(Int64(test.hashValue)), 'suite',
                    \(test), 'failed', 'failed', \(judgement.output), 1)
            """)
    }
}
