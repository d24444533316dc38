import ArgumentParser
import Forge
import FoundationEssentials
import NIOHTTP1
import Postgres
import RoomKit
import SlipwayModel
import Subprocess

struct BenchLine: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "line", abstract: "Measure one delivery's way to an agent, on an idle fleet.",
        discussion: """
            Signed comment deliveries, one at a time: from a delivery's arrival to the agent's claim of its run, hop by \
            hop; then aborts, from the request to the end of the run; then what the idle fleet takes of the machine.
            """)

    @Option(help: "Deliveries to measure.") var deliveries = 30
    @Option(help: "Aborts to measure.") var aborts = 5
    @Option(help: "Seconds of idleness to measure.") var idle = 20
    @OptionGroup var output: OutputOptions

    struct Report: Encodable, Sendable {
        /// Milliseconds, median and 99th percentile.
        struct Span: Encodable, Sendable {
            var median: Double
            var p99: Double

            init(_ seconds: [Double]) {
                let values = Distribution(seconds)
                median = (values.median * 10_000).rounded() / 10
                p99 = (values.percentile(0.99) * 10_000).rounded() / 10
            }
        }

        var deliveries: Int
        var arrivalToClaimMS: Span
        /// The share of each hop in the median way.
        var hopsMS: [Hop]
        var cloneMS: Span
        var abortToEndMS: Span
        var idleResidentMB: Int
        var idleProportionalMB: Int
        /// Percent of one core.
        var idleCPU: Double

        struct Hop: Encodable, Sendable {
            var name: String
            var ms: Span
            var share: Double
        }

        enum CodingKeys: String, CodingKey {
            case deliveries
            case arrivalToClaimMS = "arrival_to_claim_ms"
            case hopsMS = "hops_ms"
            case cloneMS = "clone_ms"
            case abortToEndMS = "abort_to_end_ms"
            case idleResidentMB = "idle_rss_mb"
            case idleProportionalMB = "idle_pss_mb"
            case idleCPU = "idle_cpu_percent"
        }
    }

    func run() async throws {
        let (deliveries, aborts, idle) = (max(1, deliveries), max(1, aborts), max(1, idle))
        let report = try await MeasuredFleet.run { fleet in
            let line = try await Line(fleet)
            return try await fleet.withDatabase { database in
                try await line.deliver("/test line", database)  // what is done once: connections, plans, caches
                var ways: [Way] = []
                for number in 1...deliveries {
                    Terminal.progress("delivery \(number)/\(deliveries)")
                    ways.append(try await line.deliver("/test line", database))
                }
                var ends: [Double] = []
                for number in 1...aborts {
                    Terminal.progress("abort \(number)/\(aborts)")
                    ends.append(try await line.abort(database))
                }
                Terminal.progress("idle for \(idle) s")
                let before = ProcessUsage(of: fleet.processes.map(\.pid))
                try await Task.sleep(for: .seconds(idle))
                let after = ProcessUsage(of: fleet.processes.map(\.pid))
                Terminal.progress("")
                return Self.report(ways, ends, before, after, seconds: Double(idle))
            }
        }
        if output.format == .json { try output.printJSON(report) } else { Self.print(report) }
    }

    private static func report(
        _ ways: [Way], _ ends: [Double], _ before: ProcessUsage, _ after: ProcessUsage, seconds: Double
    ) -> Report {
        let hops: [(String, (Way) -> Double)] = [
            ("arrival → stored", { $0.stored - $0.arrival }),
            ("stored → decided (broker, questions to the forge)", { $0.decided - $0.stored }),
            ("decided → claimed (commit, broker, claim)", { $0.claimed - $0.decided }),
        ]
        let whole = Distribution(ways.map { $0.claimed - $0.arrival }).median
        return Report(
            deliveries: ways.count, arrivalToClaimMS: .init(ways.map { $0.claimed - $0.arrival }),
            hopsMS: hops.map { name, length in
                .init(
                    name: name, ms: .init(ways.map(length)),
                    share: (Distribution(ways.map(length)).median / whole * 100).rounded() / 100)
            },
            cloneMS: .init(ways.map(\.clone)), abortToEndMS: .init(ends), idleResidentMB: Int(after.resident >> 20),
            idleProportionalMB: Int(after.proportional >> 20),
            idleCPU: ((after.cpu - before.cpu) / seconds * 1000).rounded() / 10)
    }

    private static func print(_ report: Report) {
        func row(_ name: String, _ span: Report.Span, _ share: String = "") -> [String] {
            [name, "\(span.median)", "\(span.p99)", share]
        }
        Swift.print(
            TextTable(
                ["", "MEDIAN MS", "P99 MS", "SHARE"],
                [row("arrival → claim", report.arrivalToClaimMS)]
                    + report.hopsMS.map { row("  " + $0.name, $0.ms, "\(Int($0.share * 100)) %") }
                    + [row("clone, apart", report.cloneMS), row("abort → end of the run", report.abortToEndMS)]))
        Swift.print(
            """
            idle: \(report.idleResidentMB) MB resident (\(report.idleProportionalMB) MB with shared pages divided), \
            \(report.idleCPU) % of a core, over all of Slipway's processes
            """)
    }
}

/// Instants of one delivery, seconds since 1970 by the one clock of this machine.
private struct Way: Sendable {
    var arrival: Double
    var stored: Double
    var decided: Double
    var claimed: Double
    /// Seconds.
    var clone: Double
}

/// A repository, a pull request and two jobs, and what is measured with them.
private struct Line: Sendable {
    private let fleet: MeasuredFleet
    private let secret: String
    private let token: String
    private let pull: PullRequest
    private let repository: Repository
    private static let name = RepositoryName(org: "bench", repo: "line")

    init(_ fleet: MeasuredFleet) async throws {
        self.fleet = fleet
        secret = try fleet.variable("SLIPWAY_WEBHOOK_SECRETS")
        token = try fleet.variable("SLIPWAY_TOKEN")
        let admin = try fleet.forge(as: nil)
        try await admin.createUser("author")
        try await admin.setMembership(org: "bench", user: "author", role: "member")
        let sources = fleet.folder + "/sources"
        let script = """
            set -e
            git init -q -b main "$0" && cd "$0"
            git config user.name author && git config user.email author@bench.example
            echo one > file && git add file && git commit -qm One
            git switch -qc change && echo two > file && git commit -qam Two && git switch -q main
            mkdir "$0.jobs" && cat > "$0.jobs/line.yaml" <<'END'
            presubmits:
              bench/line:
              - {name: line, always_run: false, decorate: true, spec: {containers: [{command: ["true"]}]}}
              - {name: long, always_run: false, decorate: true, spec: {containers: [{command: [sleep, "600"]}]}}
            END
            """
        let made = try await Subprocess.run(
            .name("sh"), arguments: ["-c", script, sources], output: .discarded, error: .string(limit: 4096))
        guard made.terminationStatus.isSuccess else { throw MeasuredFleetError(made.standardError) }
        try await fleet.slipway(["forge", "repo", "create", "bench/line", "--from", sources])
        try await fleet.slipway(["config", "apply", sources + ".jobs"])
        let author = try fleet.forge(as: "author")
        pull = try await author.openPull(Self.name, title: "Two", head: "change", base: "main")
        repository = try await author.repository(Self.name)
    }

    /// Sends one comment and waits for its run's end.
    @discardableResult
    func deliver(_ comment: String, _ database: PostgresPool) async throws -> Way {
        let (id, arrival) = try await send(comment)
        let row = try await waitUntil("the run of a comment has ended", within: .seconds(120)) {
            try await database.query(
                """
                select extract(epoch from delivery.received_at)::float8, extract(epoch from run.requested_at)::float8,
                       extract(epoch from run.started_at)::float8, coalesce((run.phases ->> 'clone')::float8, 0)
                  from scheduling.runs_v1 as run, triggers.deliveries_v1 as delivery
                 where delivery.delivery_id = \(id) and run.requested_at >= delivery.received_at
                   and run.state = 'success' and run.job = 'line'
                """
            ).first
        }
        let (stored, decided, claimed, clone) = try row.decode((Double, Double, Double, Double).self)
        return Way(arrival: arrival, stored: stored, decided: decided, claimed: claimed, clone: clone)
    }

    /// Starts a job that would go on for minutes, and aborts it once it runs.
    ///
    /// - Returns: seconds from the request until the run has ended, its processes gone.
    func abort(_ database: PostgresPool) async throws -> Double {
        _ = try await send("/test long")
        let run = try await waitUntil("the long job runs", within: .seconds(120)) {
            try await database.query(
                """
                select run_id::text from scheduling.runs_v1
                 where job = 'long' and state = 'running' and started_at < now() - interval '1 second'
                """
            ).first?.decode(String.self)
        }
        let begun = Date()
        let status = try await fleet.post(
            "/abort?run=\(run)", headers: ["Authorization": "Bearer \(token)", "Accept": "application/json"])
        guard status == 200 else { throw MeasuredFleetError("/abort answered \(status)") }
        let ended = try await waitUntil("the aborted run has ended", lookingEvery: .milliseconds(20)) {
            try await database.query(
                """
                select extract(epoch from finished_at)::float8 from scheduling.runs_v1
                 where run_id = \(run)::uuid and finished_at is not null
                """
            ).first?.decode(Double.self)
        }
        return ended - begun.timeIntervalSince1970
    }

    private func send(_ comment: String) async throws -> (id: String, arrival: Double) {
        let author = pull.user
        var issue = Issue(number: pull.number, state: "open", title: pull.title, user: author)
        issue.pullRequest = .init(url: nil, htmlURL: pull.htmlURL)
        let event = IssueCommentEvent(
            action: "created", issue: issue,
            comment: IssueComment(id: Int64.random(in: 1..<Int64.max), body: comment, user: author),
            repository: repository, sender: author)
        let body = Array(try JSONEncoder().encode(event))
        let id = UUID().uuidString
        let arrival = Date().timeIntervalSince1970
        let status = try await fleet.post(
            "/hook",
            headers: [
                "Content-Type": "application/json", "X-GitHub-Event": "issue_comment", "X-GitHub-Delivery": id,
                "X-Hub-Signature-256": WebhookSignature.header(for: body, secret: secret),
            ], body: body)
        guard status == 202 else { throw MeasuredFleetError("/hook answered \(status)") }
        return (id, arrival)
    }
}
