import ArgumentParser
import Fleet
import FoundationEssentials
import Glibc
import JobConfig
import LocalServices
import Logging
import Postgres
import RoomKit
import Scheduling
import SlipwayModel

/// Times how a configuration is loaded, how a change of it is applied, and how a decision is taken by it.
struct BenchConfig: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Time loading, applying and deciding by a configuration.",
        discussion: """
            Loading: every file below the folder, read, parsed, validated and resolved from nothing. Applying: one changed \
            file of a made-up configuration of 5,000 jobs, from the disk to a committed version in a PostgreSQL of its \
            own. Deciding: a pull request of 12 files against 2,000 presubmits of one repository, a third of them with change rules.
            """)

    @Option(help: "The folder of job files to load.") var jobConfig: String
    @Option(help: "Repetitions of each measurement.") var rounds = 15
    @Option(help: "What a peer took for the same files; ends with 1 where loading takes more than half of it.")
    var peerMs: Double?
    @Flag(help: "Leave out what needs a database.") var withoutDatabase = false
    @OptionGroup var output: OutputOptions

    struct Report: Encodable {
        var files: Int
        var jobs: Int
        /// Best of all rounds.
        var loadMS: Double
        var peerMS: Double?
        /// Median.
        var applyMS: Double?
        /// Median.
        var decideMS: Double

        enum CodingKeys: String, CodingKey {
            case files, jobs
            case loadMS = "load_ms"
            case peerMS = "peer_ms"
            case applyMS = "apply_one_file_of_5000_jobs_ms"
            case decideMS = "decide_over_2000_presubmits_ms"
        }
    }

    func run() async throws {
        let loaded = JobConfiguration.load(folder: jobConfig)
        let loads = (1...max(1, rounds)).map { _ in
            Self.milliseconds { _ = JobConfiguration.load(folder: jobConfig) }
        }
        let report = Report(
            files: loaded.files.count, jobs: loaded.jobs.count, loadMS: loads.min() ?? 0, peerMS: peerMs,
            applyMS: withoutDatabase ? nil : try await applying(), decideMS: deciding())
        switch output.format {
        case .json: try output.printJSON(report)
        case .table: Self.print(report)
        }
        if let peerMs, report.loadMS > peerMs / 2 { throw ExitCode(1) }
    }

    private static func print(_ report: Report) {
        func text(_ milliseconds: Double) -> String { "\((milliseconds * 100).rounded() / 100) ms" }
        Swift.print("load \(report.files) files, \(report.jobs) jobs: \(text(report.loadMS))")
        if let peer = report.peerMS {
            Swift.print("peer: \(text(peer)); Slipway takes \((report.loadMS / peer * 100).rounded() / 100) of it")
        }
        if let apply = report.applyMS { Swift.print("apply one changed file of 5,000 jobs: \(text(apply))") }
        Swift.print("decide over 2,000 presubmits: \(text(report.decideMS))")
    }

    private static func milliseconds(_ body: () throws -> Void) rethrows -> Double {
        let duration = try ContinuousClock().measure(body)
        return Double(duration.components.seconds) * 1000 + Double(duration.components.attoseconds) / 1e15
    }

    // MARK: Applying

    /// 100 files of 50 jobs each; one of them changes a job in each round.
    private func applying() async throws -> Double {
        let folder = FileManager.default.temporaryDirectory.appending(path: "slipway-bench-\(getpid())").path
        try FileManager.default.createDirectory(atPath: folder + "/jobs", withIntermediateDirectories: true)
        // PostgreSQL runs as a user of its own and has to pass through.
        chmod(folder, 0o755)
        let services = PrivateServices(folder: folder + "/services", durability: .full, retention: .remove)
        let outcome: Result<Double, any Error>
        do {
            let url = try await services.start(.postgreSQL).databaseURL
            let pool = PostgresPool(
                configuration: try PostgresConfiguration(url: url), logger: Logger(label: "slipway.bench"))
            do {
                outcome = .success(try await applying(below: folder + "/jobs", pool))
                await pool.close()
            } catch {
                await pool.close()
                throw error
            }
        } catch {
            outcome = .failure(error)
        }
        await services.stop()
        try? FileManager.default.removeItem(atPath: folder)
        return try outcome.get()
    }

    private func applying(below folder: String, _ pool: PostgresPool) async throws -> Double {
        _ = try await Migrator.migrate(
            pool, FleetSchema.migrations + SchedulingService.migrations, logger: Logger(label: "slipway.bench"))
        func write(_ file: Int, round: Int) throws {
            let jobs = (0..<50).map { job in
                """
                  - name: job-\(file)-\(job)
                    run_if_changed: '^part-\(file)/\(job)/'
                    branches: [main, release-1.\(job)]
                    labels: {round: "\(job == 7 ? round : 0)", preset-tools: "true"}
                    decorate: true
                    spec:
                      containers:
                      - image: registry.example.org/tools/builder:v20260101
                        command: [make, test]
                        args: ["PART=\(file)", "JOB=\(job)"]
                        resources: {requests: {cpu: "2", memory: 4Gi}, limits: {cpu: "2", memory: 4Gi}}
                """
            }
            let text = "presubmits:\n  lantern/part-\(file):\n" + jobs.joined(separator: "\n") + "\n"
            try Data(text.utf8).write(to: URL(filePath: "\(folder)/part-\(file).yaml"))
        }
        for file in 0..<100 { try write(file, round: 0) }
        let loader = ConfigurationLoader()
        let store = ConfigurationStore(
            FleetBus(database: pool, publisher: nil, logger: Logger(label: "slipway.bench")))
        _ = try await store.apply(loader.load(folder: folder), by: "bench", source: folder)
        var times: [Double] = []
        for round in 1...max(1, rounds) {
            try write(round % 100, round: round)
            let clock = ContinuousClock()
            let start = clock.now
            let applied = try await store.apply(loader.load(folder: folder), by: "bench", source: folder)
            let duration = clock.now - start
            guard applied.modified == 1 else { throw BenchFailure("\(applied.modified) jobs changed instead of one") }
            times.append(
                Double(duration.components.seconds) * 1000 + Double(duration.components.attoseconds) / 1e15)
        }
        return Distribution(times).median
    }

    // MARK: Deciding

    private func deciding() -> Double {
        // Of 2,261 presubmits of kubernetes/test-infra 798 run always, 682 when asked for, 399 and 382 by change rules.
        let rules = { (number: Int) in
            switch number * 2261 / 2000 {
            case ..<798: "always_run: true"
            case ..<1480: "optional: true"
            case ..<1879: "run_if_changed: '^(part-\(number)/.*\\.(go|c|h)|go\\.(mod|sum)|hack/part-\(number)/.*)$'"
            default: "skip_if_only_changed: '^docs/|\\.(md|adoc)$|^(README|LICENSE|OWNERS-\(number))$'"
            }
        }
        let jobs = (0..<2000).map { number in
            """
              - name: pull-part-\(number)
                \(rules(number))
                branches: [main, 'release-1\\.\(number % 40)']
                spec: {containers: [{command: [make]}]}
            """
        }
        let text = "presubmits:\n  lantern/engine:\n" + jobs.joined(separator: "\n") + "\n"
        let loaded = JobConfiguration.load(files: [SourceFile(path: "jobs.yaml", bytes: Array(text.utf8))])
        let catalog = JobCatalog(version: 1, jobs: loaded.jobs)
        let repository = RepositoryName(org: "lantern", repo: "engine")
        let files = (0..<12).map { $0 < 4 ? "docs/part-\($0).md" : "part-\($0 + 1500)/source/file-\($0).c" }
        let times = (1...max(10, rounds)).map { _ in
            Self.milliseconds {
                _ = AutomaticJobs.choose(
                    from: catalog.presubmits(of: repository), branch: "main", changedFiles: { files })
            }
        }
        return Distribution(times).median
    }
}

private struct BenchFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
