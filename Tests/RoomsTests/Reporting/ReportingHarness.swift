import Fleet
import Forge
import ForgeTesting
import Foundation
import Postgres
import PullRequests
import Reporting
import RoomKit
import Scheduling
import SlipwayModel
import SlipwayTesting

/// The reporting room on a database of its own and a LocalForge; messages are handed to the worker by the test.
struct ReportingHarness: Sendable {
    let bus: FleetBus
    let forge: ForgeFixture
    private let worker: any Worker
    private let reporter: Chore
    private let trimming: Chore

    static func run(_ body: @Sendable @escaping (ReportingHarness) async throws -> Void) async throws {
        try await ForgeFixture.run { forge in
            var settings = Settings()
            settings.publicURL = "http://ci.example.org"
            let migrations = try await Self.migrations(forge.bot, settings)
            try await withDatabase(migrations: migrations) { [settings] pool in
                let bus = FleetBus(database: pool, publisher: nil, logger: quietLogger)
                let room = ReportingService(bus: bus, forge: forge.bot, settings: settings)
                guard let worker = room.workers.first, let reporter = room.chores.first,
                    let trimming = room.chores.last
                else { return }
                try await bus.subscribe(room.workers)
                try await body(
                    ReportingHarness(
                        bus: bus, forge: forge, worker: worker, reporter: reporter, trimming: trimming))
            }
        }
    }

    /// Those of the rooms that reporting reads; a room tells them only when it is put together.
    private static func migrations(_ forge: ForgeClient, _ settings: Settings) async throws -> [Migration] {
        let pool = PostgresPool(
            configuration: try PostgresConfiguration(url: "postgres://nobody@127.0.0.1:1/none"), logger: quietLogger)
        let bus = FleetBus(database: pool, publisher: nil, logger: quietLogger)
        let migrations =
            FleetSchema.migrations + SchedulingService.migrations + PullRequestsService.migrations
            + ReportingService(bus: bus, forge: forge, settings: settings).migrations
        await pool.close()
        return migrations
    }

    // MARK: Messages

    /// Hands an event to the worker as one batch, the way the broker would.
    func deliver<E: Event>(_ events: E...) async throws {
        try await bus.commit { effects in
            for event in events { effects.emit(event) }
        }
        let bodies = try await bus.database.query("delete from fleet.outbox returning body").map {
            try $0.decode([UInt8].self)
        }
        let plan = try await worker.plan(try bodies.flatMap(Message.all(in:)))
        try await bus.commit(plan)
    }

    /// One round of the reporter.
    func report() async throws { try await reporter.run() }

    /// Makes what waits for its next try due now.
    func passTime() async throws {
        _ = try await bus.database.query("update reporting.desired set next_try = now(), claimed_until = '-infinity'")
    }

    /// Forgets what was settled long ago; how many wishes are left when `days` have passed.
    func trim(afterDays days: Int) async throws -> Int {
        _ = try await bus.database.query(
            "update reporting.desired set changed_at = now() - make_interval(days => \(days))")
        try await trimming.run()
        return try await bus.database.query("select count(*) from reporting.desired").one().decode(Int.self)
    }

    /// Has everything claimed by somebody who never completes it.
    func claimForNobody() async throws {
        _ = try await bus.database.query(
            "update reporting.desired set claimed_until = now() + interval '1 minute'")
    }

    /// Seconds until what is claimed becomes due again.
    var claimLasts: Double {
        get async throws {
            try await bus.database.query(
                "select extract(epoch from max(claimed_until) - now())::float8 from reporting.desired"
            ).one().decode(Double.self)
        }
    }

    struct Row: Sendable {
        var attempts: Int
        var givenUp: Bool
        var isDone: Bool
        var error: String?
        /// Seconds until the next try.
        var wait: Double
    }

    func row(_ key: String) async throws -> Row {
        let (attempts, givenUp, isDone, error, wait) = try await bus.database.query(
            """
            select attempts, given_up, done_version = version, last_error,
                   extract(epoch from next_try - now())::float8
              from reporting.desired where key = \(key)
            """
        ).one().decode((Int, Bool, Bool, String?, Double).self)
        return Row(attempts: attempts, givenUp: givenUp, isDone: isDone, error: error, wait: wait)
    }

    // MARK: Runs

    /// Writes a presubmit run of pull request `pull` as scheduling would; the event that it finished or was accepted
    /// is handed to the worker by `tell`.
    func store(
        _ job: String, _ state: RunState, _ pull: PullRequest, runID: RunID = RunID(), optional: Bool = false,
        skipReport: Bool = false, sha: String? = nil
    ) async throws -> RunID {
        let name = ForgeFixture.repository
        let head = sha ?? pull.head.sha
        var refs = Refs(repository: name, baseRef: "main", baseSHA: pull.base.sha)
        refs.pulls = [Pull(number: pull.number, author: pull.author, sha: head)]
        _ = try await bus.database.query(
            """
            insert into scheduling.runs (
                run_id, request_id, origin, kind, job, job_hash, cluster, context, optional, skip_report, rerun_command,
                org, repo, base_ref, base_sha, pull_numbers, head_sha, author, refs, state, dispatched_at, started_at,
                heartbeat_at, agent, finished_at, artifact_folder)
            values (
                \(runID.uuid), \(UUID()), 'trigger', 'presubmit', \(job), 'hash', 'default', \("ci/\(job)"), \(optional),
                \(skipReport), \("/test \(job)"), \(name.org), \(name.repo), 'main', \(pull.base.sha),
                array[\(pull.number)::int], \(head), \(pull.author), \(JSON(refs)), \(state.rawValue), now(), now(), now(),
                case when \(state.rawValue) in ('waiting', 'dispatched') then null else 'agent' end,
                case when \(state.isFinished) then now() end, \("pr-logs/pull/\(pull.number)/\(job)"))
            on conflict (run_id) do update
               set state = excluded.state, finished_at = excluded.finished_at, agent = excluded.agent
            """)
        return runID
    }

    func tell(_ runID: RunID, finished: Bool) async throws {
        if finished {
            try await deliver(
                RunFinished(
                    runID: runID, buildID: BuildID(1), requestID: UUID(), origin: .trigger, kind: .presubmit,
                    job: "job",
                    jobHash: "hash", refs: nil, tree: nil, state: .success, requestedAt: Date(), startedAt: nil,
                    finishedAt: Date(), configVersion: nil, artifactFolder: "logs/job"))
        } else {
            try await deliver(RunAccepted(requestID: UUID(), runID: runID))
        }
    }

    /// The same run in a new state, told.
    func finish(_ runID: RunID, _ job: String, _ state: RunState, _ pull: PullRequest) async throws {
        _ = try await store(job, state, pull, runID: runID)
        try await tell(runID, finished: true)
    }

    // MARK: What the forge shows

    func statuses(_ pull: PullRequest) async throws -> [CommitStatus] {
        try await forge.bot.combinedStatus(ForgeFixture.repository, ref: pull.head.sha).statuses
    }

    func comments(_ pull: PullRequest) async throws -> [IssueComment] {
        try await forge.bot.comments(ForgeFixture.repository, pull.number)
    }
}
