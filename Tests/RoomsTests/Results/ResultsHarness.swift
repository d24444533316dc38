import ArtifactStore
import Fleet
import Forge
import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import JobConfig
import NIOCore
import Postgres
import PullRequests
import Results
import RoomKit
import Scheduling
import SlipwayModel
import SlipwayTesting
import Synchronization
import Testing
import Web

/// The results room with its pages, on a database and an artifact folder of its own.
struct ResultsHarness: Sendable {
    let bus: FleetBus
    private let recorder: MessageRecorder
    let client: any TestClientProtocol
    let artifacts: LocalArtifactStore
    let tokens: TokenStore
    private let worker: any Worker
    let chores: [Chore]

    var database: PostgresPool { bus.database }

    static func run(
        framework: TestingSetup = .router, _ body: @escaping @Sendable (ResultsHarness) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/slipway-results-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let artifacts = try LocalArtifactStore(folder: folder)
        var settings = Settings()
        settings.publicURL = "http://ci.example.org"
        try await withDatabase(migrations: migrations(artifacts, settings)) { [settings] pool in
            let (bus, recorder) = try await MessageRecorder.bus(over: pool)
            let room = room(bus, artifacts, settings)
            let tokens = TokenStore(pool)
            let router = WebServer.router(site: Site(publicURL: settings.publicURL), tokens: tokens)
            room.addRoutes(to: router)
            guard let worker = room.workers.first else { return }
            let application = Application(router: router, logger: quietLogger)
            try await application.test(framework) { client in
                try await body(
                    ResultsHarness(
                        bus: bus, recorder: recorder, client: client, artifacts: artifacts, tokens: tokens,
                        worker: worker,
                        chores: room.chores))
            }
        }
    }

    static func room(_ bus: FleetBus, _ artifacts: LocalArtifactStore, _ settings: Settings) -> ResultsService {
        ResultsService(bus: bus, artifacts: artifacts, settings: settings) { question, jobs in
            let choices = AutomaticJobs.choose(
                from: jobs, branch: question.branch, changedFiles: { question.changedFiles })
            let names = Set(choices.map(\.job.job.name))
            return WhichJobsAnswer(
                run: choices.map { .init(name: $0.job.job.name, reason: $0.reason) },
                skip: jobs.filter { !names.contains($0.job.name) }.map {
                    .init(name: $0.job.name, reason: "not chosen")
                })
        }
    }

    /// Those of every room whose views the pages read; a room tells them only when it is put together.
    static func migrations(_ artifacts: LocalArtifactStore, _ settings: Settings) async throws -> [Migration] {
        let pool = PostgresPool(
            configuration: try PostgresConfiguration(url: "postgres://nobody@127.0.0.1:1/none"), logger: quietLogger)
        let bus = FleetBus(database: pool, publisher: nil, logger: quietLogger)
        let migrations =
            FleetSchema.migrations + TokenStore.migrations
            + SchedulingService.migrations + PullRequestsService.migrations
            + room(bus, artifacts, settings).migrations
        await pool.close()
        return migrations
    }

    // MARK: Asking

    /// A page as a browser gets it.
    func page(_ uri: String, token: String? = nil) async throws -> TestResponse {
        var headers: HTTPFields = [.accept: "text/html"]
        if let token { headers[.cookie] = "slipway_token=\(token)" }
        return try await client.execute(uri: uri, method: .get, headers: headers)
    }

    func get(_ uri: String, _ headers: HTTPFields = [:]) async throws -> TestResponse {
        try await client.execute(uri: uri, method: .get, headers: headers)
    }

    // MARK: What there is to show

    /// A run as scheduling would have written it. What a test does not name is the same for all.
    struct Run: Sendable {
        /// In the order in which runs are made, also within one millisecond.
        var id: RunID
        var build: BuildID
        var job = "unit"
        var kind = JobKind.presubmit
        var repository: RepositoryName? = RepositoryName(org: "lantern", repo: "engine")
        var baseRef = "main"
        var pulls = [7]
        var extraRefs: [Refs] = []
        var title = "Shine further"
        var author = "ada"
        var sha = "4f0c5b1e2d3a49586776859483726150aabbccdd"
        var state = RunState.success
        var description = ""
        var context: String? = "ci/unit"
        var isOptional = false
        var cluster = "default"
        var agent = "agent-1"
        var exitCode: Int?
        var attempt = 1
        var link: String? = "https://forge.example/lantern/engine/pull/7"
        var requested = Date()
        /// Seconds from the request to the claim, and from the claim to the end.
        var waited = 2.0
        var took = 60.0
        var phases: [String: Double] = ["clone": 3, "test": 50, "upload": 1]

        init(_ change: (inout Run) -> Void = { _ in }) {
            let milliseconds = Run.clock.wrappingAdd(1, ordering: .relaxed).newValue
            id = RunID(UUID.version7(milliseconds: milliseconds))
            build = BuildID(Int64(milliseconds) << 20)
            change(&self)
        }

        private static let clock = Atomic(UInt64(Date().timeIntervalSince1970 * 1000))

        var strategy = PathStrategy.explicit

        var artifactFolder: String { strategy.folder(kind: kind, job: job, refs: refs).joined(separator: "/") }

        var refs: Refs? {
            guard let repository else { return nil }
            var refs = Refs(repository: repository, baseRef: baseRef, baseSHA: String(repeating: "b", count: 40))
            refs.pulls = pulls.map { number in
                var pull = Pull(number: number, author: author, sha: sha, title: title)
                pull.link = link
                return pull
            }
            return refs
        }
    }

    @discardableResult
    func store(_ change: (inout Run) -> Void) async throws -> Run {
        let run = Run(change)
        try await store(run)
        return run
    }

    func store(_ run: Run) async throws {
        let hasStarted = run.state.isFinished || run.state == .running
        let started = hasStarted ? run.requested + run.waited : nil
        let finished = run.state.isFinished ? run.requested + run.waited + run.took : nil
        let dispatched = run.state == .waiting ? nil : run.requested + run.waited / 2
        var definition = ResolvedJob(name: run.job, kind: run.kind, repository: run.repository)
        definition.extraRefs = run.extraRefs
        _ = try await database.query(
            """
            insert into scheduling.definitions (hash, definition) values (\(Self.hash(run.job)), \(JSON(definition)))
            on conflict do nothing
            """)
        let parameters: [any PostgresEncodable] = [
            run.id.uuid, run.build.number, UUID(), run.kind.rawValue, run.job, Self.hash(run.job), run.cluster,
            run.context, run.isOptional, "/test \(run.job)", run.repository?.org, run.repository?.repo,
            String(repeating: "b", count: 40), run.pulls, run.pulls.isEmpty ? nil : run.sha, run.author,
            run.refs.map { JSON($0) }, run.state.rawValue, run.description, run.attempt, hasStarted ? run.agent : nil,
            run.requested, dispatched, started, finished, run.exitCode, JSON(run.phases), run.artifactFolder,
            run.baseRef,
        ]
        try await database.execute(Self.insertRun, parameters: parameters)
    }

    private static let insertRun = Statement(
        "test.insert_run",
        """
        insert into scheduling.runs (
            run_id, build_id, request_id, origin, kind, job, job_hash, cluster, context, optional, rerun_command, org,
            repo, base_ref, base_sha, pull_numbers, head_sha, author, refs, state, description, attempt, agent,
            requested_at, dispatched_at, started_at, heartbeat_at, finished_at, exit_code, phases, config_version,
            artifact_folder)
        values (
            $1, $2, $3, 'trigger', $4, $5, $6, $7, $8, $9, $10, $11, $12, $29, $13, $14, $15, $16, $17, $18, $19, $20,
            $21, $22, $23, $24, $24, $25, $26, $27, 1, $28)
        """)

    static func hash(_ job: String) -> String {
        let digits = job.utf8.map { String($0, radix: 16) }.joined()
        return String((digits + String(repeating: "0", count: 64)).prefix(64))
    }

    /// Puts a job into the current configuration.
    func configure(
        _ name: String, kind: JobKind = .presubmit,
        repository: RepositoryName? = RepositoryName(org: "lantern", repo: "engine")
    ) async throws {
        _ = try await database.query(
            """
            insert into scheduling.config_versions (hash, applied_by, source, jobs)
            select \(String(repeating: "a", count: 64)), 'test', 'folder', 1
             where not exists (select from scheduling.config_versions)
            """)
        let job = ResolvedJob(name: name, kind: kind, repository: repository)
        try await database.execute(
            Self.insertJob, name, kind.rawValue, repository?.org, repository?.repo, Self.hash(name),
            Self.hash(name + kind.rawValue + (repository?.repo ?? "")), JSON(ConfiguredJob(job: job, alwaysRun: true)))
    }

    private static let insertJob = Statement(
        "test.insert_job",
        """
        insert into scheduling.jobs (since, name, kind, org, repo, hash, digest, source, definition)
        select max(version), $1, $2, $3, $4, $5, $6, 'engine.yaml:3', $7 from scheduling.config_versions
        """)

    func pull(
        _ number: Int, title: String = "Shine further", author: String = "ada", sha: String = Run().sha,
        isOpen: Bool = true, isDraft: Bool = false, mergeable: Bool? = true, labels: [String] = []
    ) async throws {
        try await database.execute(
            Self.insertPull, number, title, author, sha, isOpen, isDraft, mergeable, labels,
            "https://forge.example/lantern/engine/pull/\(number)")
    }

    private static let insertPull = Statement(
        "test.insert_pull",
        """
        insert into scheduling.pulls (
            org, repo, number, version, title, author, head_ref, head_sha, base_ref, base_sha, is_open, is_draft,
            is_merged, mergeable, labels, link)
        values ('lantern', 'engine', $1, 1, $2, $3, 'topic', $4, 'main', 'b', $5, $6, false, $7, $8, $9)
        """)

    /// The folder of a run's latest attempt.
    func layout(_ run: Run) throws -> ArtifactLayout {
        try ArtifactLayout(kind: run.kind, job: run.job, build: run.build, jobFolder: run.artifactFolder)
    }

    func put(_ run: Run, _ path: String, _ text: String) async throws {
        try await artifacts.put(try layout(run).folder.appending(path), text)
    }

    // MARK: Ingestion

    func finished(_ run: Run) -> RunFinished {
        RunFinished(
            runID: run.id, buildID: run.build, requestID: UUID(), origin: .trigger, kind: run.kind, job: run.job,
            jobHash: Self.hash(run.job), refs: run.refs, tree: nil, state: run.state, requestedAt: run.requested,
            startedAt: run.requested + run.waited, finishedAt: run.requested + run.waited + run.took, configVersion: 1,
            artifactFolder: run.artifactFolder)
    }

    /// Hands events to the worker as one batch, the way the broker would; answers what it announced.
    @discardableResult
    func ingest(_ events: RunFinished...) async throws -> [ResultsIngested] {
        try await bus.commit { effects in
            for event in events { effects.emit(event) }
        }
        let plan = try await worker.plan(try recorder.take())
        try await bus.commit(plan)
        return try recorder.take().map { try $0.decode(ResultsIngested.self) }
    }

    func count(_ table: String) async throws -> Int {
        try await database.query("select count(*) from \(raw: table)").one().decode(Int.self)
    }
}

extension TestResponse {
    var text: String { String(buffer: body) }
}
