import AsyncHTTPClient
import Forge
import FoundationEssentials
import NIOCore
import NIOHTTP1
import Postgres
import RoomKit
import SlipwayModel

/// Triggers at a steady rate into a fleet that is being disturbed: pushes, which the forge that this program plays sends
/// again until the gateway has taken them.
actor FaultLoad {
    /// The cluster whose agent executes processes; the others' does nothing.
    static let processCluster = "processes"
    /// One trigger of so many starts a process.
    private static let processShare = 10
    /// Deliveries that wait for the gateway at most; while there are so many, no more are made.
    private static let backlog = 1000

    private let gatewayURL: String
    private let sink: StatusSink
    private let rate: Double
    private let commits = CommitNames(prefix: UUID.version7().lowercased.filter { $0 != "-" })
    private var books = FaultBooks()
    private var waiting = 0

    /// - Parameter gatewayURL: where the forge's deliveries go.
    init(_ fleet: MeasuredFleet, gatewayURL: String, sink: StatusSink, rate: Double) async throws {
        self.gatewayURL = gatewayURL
        self.sink = sink
        self.rate = rate
        let jobs = fleet.folder + "/jobs"
        try FileManager.default.createDirectory(atPath: jobs, withIntermediateDirectories: true)
        let configuration = """
            postsubmits:
              bench/nothing:
              - {name: nothing, decorate: true, spec: {containers: [{image: none, command: ["true"]}]}}
              bench/process:
              - name: process
                cluster: \(Self.processCluster)
                decorate: true
                decoration_config: {skip_cloning: true}
                spec: {containers: [{image: none, command: [sleep, "1"]}]}

            """
        try Data(configuration.utf8).write(to: URL(filePath: jobs + "/bench.yaml"))
        try await fleet.slipway(["config", "apply", jobs])
    }

    /// Sends until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            let clock = ContinuousClock()
            var due = clock.now
            while !Task.isCancelled {
                if waiting < Self.backlog {
                    let trigger = books.send()
                    waiting += 1
                    group.addTask { await self.deliver(trigger) }
                }
                due = max(due + .seconds(1 / rate), clock.now - .seconds(1))
                try? await clock.sleep(until: due)
            }
        }
    }

    /// Triggers sent so far.
    var sent: Int { books.sent }

    /// Whether all that was sent before `mark` has come to its end.
    ///
    /// - Parameter database: throws what it throws where it is away.
    func isSettled(before mark: Int, _ database: PostgresPool) async throws -> Bool {
        let open = books.unsettled
        if !open.isEmpty {
            let rows = try await database.query(
                """
                select base_sha, count(*), count(*) filter (where state = 'success')
                  from scheduling.runs_v1 where base_sha = any(\(open.map(commits.sha))) group by base_sha
                """)
            let outcomes = try rows.map { row in
                let (sha, runs, succeeded) = try row.decode((String, Int, Int).self)
                return FaultBooks.Outcome(trigger: commits.number(sha) ?? -1, runs: runs, succeeded: succeeded)
            }
            let finals = await sink.finals
            books.settle(outcomes) { finals.contains(commits.sha($0)) }
        }
        return books.isSettled(before: mark)
    }

    /// Gives up what was sent before `mark` and has not come to its end.
    ///
    /// - Returns: a line about each that was lost.
    func giveUp(before mark: Int, _ database: PostgresPool) async throws -> [String] {
        let lost = books.giveUp(before: mark)
        let finals = await sink.finals
        var lines: [String] = []
        for trigger in lost {
            let sha = commits.sha(trigger)
            let runs = try await database.query(
                "select run_id::text, state, attempt, description from scheduling.runs_v1 where base_sha = \(sha)"
            ).map { row in
                let (id, state, attempt, description) = try row.decode((String, String, Int, String).self)
                return "run \(id) is '\(state)' in attempt \(attempt) (\(description))"
            }
            let shown = finals.contains(sha) ? "its final status is shown" : "its final status is not shown"
            lines.append("\(sha): \(runs.isEmpty ? "it has no run" : runs.joined(separator: ", ")); \(shown)")
        }
        return lines
    }

    /// Triggers that have more than one run.
    func doubled(_ database: PostgresPool) async throws -> Int {
        try await database.query(
            """
            select count(*)
              from (select base_sha from scheduling.runs_v1 where base_sha like \(commits.prefix + "%")
                     group by base_sha having count(*) > 1) as doubled
            """
        ).one().decode(Int.self)
    }

    private func deliver(_ trigger: Int) async {
        let repository = trigger % Self.processShare == 0 ? "process" : "nothing"
        let delivery = PushDelivery(of: trigger, to: repository, sha: commits.sha(trigger))
        while !Task.isCancelled {
            // 200 where an earlier answer was lost on its way: what it promised holds.
            if let status = await post(delivery), (200...299).contains(status) {
                books.accept(trigger)
                break
            }
            try? await Task.sleep(for: .milliseconds(500))
        }
        waiting -= 1
    }

    /// - Returns: the status; nil where there was no answer.
    private func post(_ delivery: PushDelivery) async -> Int? {
        var request = HTTPClientRequest(url: gatewayURL + "/hook")
        request.method = .POST
        for (name, value) in delivery.headers { request.headers.add(name: name, value: value) }
        request.body = .bytes(delivery.body)
        // As long as GitHub waits for an answer.
        guard let response = try? await ForgeHTTP.client.execute(request, timeout: .seconds(10)),
            (try? await response.body.collect(upTo: 1 << 20)) != nil
        else { return nil }
        return Int(response.status.code)
    }
}
