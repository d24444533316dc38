import FoundationEssentials
import Postgres
import RoomKit
import SlipwayModel

/// Repositories with a postsubmit each, and triggers that start them: pushes, whose commits tell the runs apart.
struct FleetLoad: Sendable {
    private static let repositories = 100

    private let fleet: MeasuredFleet
    private let sink: StatusSink
    private let triggers: TriggerLoad

    struct Report: Encodable, Sendable {
        var runs: Int
        /// From the first trigger to the last commit's final status at the forge.
        var wall: Double
        var runsPerSecond: Double
        /// Triggers without a finished run; those that were stored and those that were not.
        var lost: Int
        /// Runs beyond one per trigger, and attempts beyond one per run.
        var duplicated: Int
        /// From trigger to the run's end.
        var median: Double
        var p99: Double
        var transactions: Int
        var messages: Int
        /// Calls at the forge: of statuses that change while they wait, only the last goes out.
        var statuses: Int
        var writtenAheadMB: Int
        /// Seconds until the last trigger was stored.
        var storedAfter: Double
        var cpuPerRun: Double
        var cpu: [String: Double]
        var resident: [String: Int64]
        var slipwayResident: Int64

        enum CodingKeys: String, CodingKey {
            case runs, lost, duplicated, messages, statuses
            case wall = "wall_s"
            case runsPerSecond = "runs_per_s"
            case median = "p50_ms"
            case p99 = "p99_ms"
            case transactions = "db_transactions"
            case writtenAheadMB = "wal_mb"
            case storedAfter = "stored_after_s"
            case cpuPerRun = "cpu_ms_per_run"
            case cpu = "cpu_s"
            case resident = "rss_mb"
            case slipwayResident = "slipway_rss_mb"
        }
    }

    init(_ fleet: MeasuredFleet, sink: StatusSink, connections: Int) async throws {
        self.fleet = fleet
        self.sink = sink
        guard let port = fleet.gatewayURL.split(separator: ":").last.flatMap({ Int($0) }) else {
            throw MeasuredFleetError("the gateway's address \(fleet.gatewayURL) has no port")
        }
        triggers = TriggerLoad(port: port, connections: connections)
        let jobs = fleet.folder + "/jobs"
        try FileManager.default.createDirectory(atPath: jobs, withIntermediateDirectories: true)
        let configuration = (0..<Self.repositories).map { number in
            """
              bench/repo-\(number):
              - {name: post-\(number), decorate: true, spec: {containers: [{image: none, command: ["true"]}]}}

            """
        }
        try Data(("postsubmits:\n" + configuration.joined()).utf8).write(to: URL(filePath: jobs + "/bench.yaml"))
        try await fleet.slipway(["config", "apply", jobs])
    }

    func run(_ count: Int, rate: Double?, _ database: PostgresPool) async throws -> Report {
        let token = UUID.version7().lowercased.filter { $0 != "-" }
        let commits = CommitNames(prefix: token)
        await sink.reset()
        let countersBefore = try await Counters(database)
        let usageBefore = usage
        let begun = TriggerLoad.now
        let (due, storedAfter, peak) = try await withThrowingTaskGroup(of: RoleUsage?.self) { group in
            group.addTask { try await watch(count) }
            let due = try await triggers.post(count, rate: rate) {
                PushDelivery(of: $0, to: "repo-\($0 % Self.repositories)", sha: commits.sha($0)).bytes
            }
            let storedAfter = TriggerLoad.now - begun
            await sink.waitForFinals(count)
            try Task.checkCancellation()
            group.cancelAll()
            return (due, storedAfter, try await group.next() ?? nil)
        }
        let wall = TriggerLoad.now - begun
        let usageAfter = usage
        try await waitForAggregation(database)
        let countersAfter = try await Counters(database)
        let books = try await books(token, count, database)
        let latencies = Distribution(
            try await database.query(
                """
                select ('x' || right(base_sha, 8))::bit(32)::int, extract(epoch from finished_at)::float8
                  from scheduling.runs_v1 where base_sha like \(token + "%") and finished_at is not null
                """
            ).map { row in
                let (index, finished) = try row.decode((Int, Double).self)
                return (finished - due[index]) * 1000
            })
        Terminal.progress("")
        let cpu = usageAfter.cpu.mapValues(Self.cents).filter { $0.value > 0 }
            .reduce(into: [String: Double]()) { $0[$1.key] = Self.cents($1.value - (usageBefore.cpu[$1.key] ?? 0)) }
        let resident = (peak ?? usageAfter).resident.mapValues { $0 >> 20 }
        return Report(
            runs: count, wall: Self.cents(wall), runsPerSecond: (Double(count) / wall).rounded(), lost: books.lost,
            duplicated: books.duplicated, median: latencies.median.rounded(), p99: latencies.percentile(0.99).rounded(),
            transactions: countersAfter.transactions - countersBefore.transactions,
            // A dispatch is none of them: the run's own row is what remembers it.
            messages: countersAfter.messages - countersBefore.messages, statuses: await sink.statuses,
            writtenAheadMB: (countersAfter.written - countersBefore.written) >> 20,
            storedAfter: Self.cents(storedAfter),
            cpuPerRun: Self.cents(cpu.values.reduce(0, +) / Double(count) * 1000), cpu: cpu, resident: resident,
            slipwayResident: resident.reduce(0) { RoleUsage.isSlipways($1.key) ? $0 + $1.value : $0 })
    }

    private static func cents(_ value: Double) -> Double { (value * 100).rounded() / 100 }

    private var usage: RoleUsage {
        let processes = fleet.processes
        return RoleUsage(supervisor: processes.first { $0.role == "supervisor" }?.pid ?? -1, roles: processes)
    }

    /// - Returns: the usage of the moment in which Slipway's own processes held the most.
    /// - Throws: when nothing has changed for a minute.
    private func watch(_ count: Int) async throws -> RoleUsage? {
        var peak: (size: Int64, usage: RoleUsage)?
        var last = (statuses: -1, at: ContinuousClock.now)
        while !Task.isCancelled {
            let (statuses, finals) = (await sink.statuses, await sink.finals.count)
            Terminal.progress("\(finals) of \(count) runs have reported")
            if statuses != last.statuses { last = (statuses, .now) }
            guard .now - last.at < .seconds(60) else {
                throw MeasuredFleetError("only \(finals) of \(count) runs have reported, and none for a minute")
            }
            let usage = usage
            let size = usage.resident.reduce(0) { RoleUsage.isSlipways($1.key) ? $0 + $1.value : $0 }
            if size > peak?.size ?? 0 { peak = (size, usage) }
            try? await Task.sleep(for: .seconds(1))
        }
        return peak?.usage
    }

    /// Reporting and aggregation hear of an end at the same time; the forge's call says nothing of the latter.
    private func waitForAggregation(_ database: PostgresPool) async throws {
        try await waitUntil("no message is left in fleet.outbox", within: .seconds(60)) {
            let rest = try await database.query("select count(*) from fleet.outbox").one().decode(Int.self)
            return rest == 0 ? true : nil
        }
    }

    private func books(
        _ token: String, _ count: Int, _ database: PostgresPool
    ) async throws -> (lost: Int, duplicated: Int) {
        let (stored, finished, runs, attempts) = try await database.query(
            """
            with trigger as (
                select payload ->> 'after' as sha from triggers.deliveries_v1
                 where event = 'push' and payload ->> 'after' like \(token + "%")
            ), told as (
                select trigger.sha, count(run.run_id) as runs, coalesce(sum(run.attempt), 0) as attempts,
                       count(*) filter (where run.state = 'success') as finished
                  from trigger left join scheduling.runs_v1 as run on run.base_sha = trigger.sha
                 group by trigger.sha
            )
            select count(*), count(*) filter (where finished > 0), coalesce(sum(runs), 0)::bigint,
                   coalesce(sum(attempts), 0)::bigint
              from told
            """
        ).one().decode((Int, Int, Int, Int).self)
        return (count - finished, max(0, runs - stored) + max(0, attempts - runs))
    }

    /// What the services have counted so far.
    private struct Counters {
        var transactions: Int
        /// Messages stored, one for each worker that hears them.
        var messages: Int
        /// Bytes of PostgreSQL's log.
        var written: Int

        init(_ database: PostgresPool) async throws {
            // Sessions tell their counts within a second of the end of their work.
            try await Task.sleep(for: .seconds(1.2))
            (transactions, messages, written) = try await database.query(
                """
                select (select xact_commit from pg_stat_database where datname = current_database()),
                       (select n_tup_ins from pg_stat_user_tables where relid = 'fleet.outbox'::regclass),
                       (pg_current_wal_lsn() - '0/0')::bigint
                """
            ).one().decode((Int, Int, Int).self)
        }
    }
}
