import ArgumentParser
import FoundationEssentials
import Postgres
import RoomKit

struct BenchFleet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet", abstract: "Measure a whole fleet: triggers in, final statuses out.",
        discussion: """
            A forge posts signed push deliveries; each starts one job, whose run an agent claims and finishes without \
            doing anything, and whose statuses go back to the forge. Everything else is real: the processes of \
            'slipway up', PostgreSQL with synchronous commits, RabbitMQ with quorum queues and confirms (private ones, \
            unless DATABASE_URL and AMQP_URL name others). Ends when the forge shows the final status of every commit, \
            then checks the books: each trigger has exactly one finished run.
            """)

    @Option(help: "Triggers; each is one run.") var runs = 2000
    /// A second process on the same two cores only halves the batches of both.
    @Option(help: "Worker processes; by default one for two processors.")
    var workers = max(1, ProcessInfo.processInfo.activeProcessorCount / 2)
    @Option(help: "Agent processes.") var agents = 1
    // 40,000 jobs a day of half an hour each are 830 at a time.
    @Option(help: "Runs an agent takes at once.") var capacity = 1000
    @Option(help: "Triggers a second, for --seconds; without it as fast as the gateway takes them.") var rate: Double?
    @Option(help: "How long triggers arrive at --rate.") var seconds = 60
    @Option(help: "Connections that the forge posts over.") var connections = 64
    @Flag(help: "Measure 1,000 to 200,000 runs one after the other: what a run costs must not grow.") var curve = false
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...1_000_000).contains(runs), (1...100).contains(workers), (1...100).contains(agents),
            (1...1000).contains(capacity), (1...1000).contains(connections), (1...3600).contains(seconds),
            (0.1...100_000).contains(rate ?? 1)
        else {
            throw ValidationError(
                "--runs takes 1 to 1000000, --workers and --agents 1 to 100, --capacity and --connections 1 to 1000, "
                    + "--seconds 1 to 3600, --rate up to 100000")
        }
    }

    func run() async throws {
        let sink = try await StatusSink()
        let counts = curve ? [1000, 5000, 20_000, 40_000, 100_000, 200_000] : [rate.map { Int($0) * seconds } ?? runs]
        let rate = rate
        let reports = try await MeasuredFleet.run(
            ["--workers", "\(workers)", "--agents", "\(agents)", "--executor", "none"],
            environment: [
                "SLIPWAY_FORGE_URL": sink.url, "SLIPWAY_WEBHOOK_SECRETS": PushDelivery.secret,
                "SLIPWAY_AGENT_CAPACITY": "\(capacity)", "SLIPWAY_LOG_LEVEL": "warning",
            ]
        ) { [connections] fleet in
            let load = try await FleetLoad(fleet, sink: sink, connections: connections)
            return try await fleet.withDatabase { database in
                _ = try await load.run(200, rate: nil, database)  // what is done once: connections, plans, caches
                var reports: [FleetLoad.Report] = []
                for count in counts { reports.append(try await load.run(count, rate: rate, database)) }
                return reports
            }
        }
        switch output.format {
        case .json where curve: try output.printJSON(reports)
        case .json: for report in reports { try output.printJSON(report) }
        case .table: Self.print(reports)
        }
        guard reports.allSatisfy({ $0.lost == 0 && $0.duplicated == 0 }) else { throw ExitCode(1) }
    }

    private static func print(_ reports: [FleetLoad.Report]) {
        let rows = reports.map { report in
            [
                "\(report.runs)", "\(report.wall)", "\(report.runsPerSecond)", "\(report.lost)", "\(report.duplicated)",
                "\(report.median)", "\(report.p99)", "\(report.cpuPerRun)",
                String((Double(report.transactions) / Double(report.runs) * 100).rounded() / 100),
                String((Double(report.messages) / Double(report.runs) * 100).rounded() / 100),
                String((Double(report.statuses) / Double(report.runs) * 100).rounded() / 100),
                "\(report.slipwayResident)",
            ]
        }
        Swift.print(
            TextTable(
                [
                    "RUNS", "WALL S", "RUNS/S", "LOST", "DUPLICATED", "P50 MS", "P99 MS", "CPU MS/RUN",
                    "TRANSACTIONS/RUN", "MESSAGES/RUN", "STATUSES/RUN", "SLIPWAY MB",
                ], rows))
        guard let report = reports.last else { return }
        Swift.print(
            TextTable(
                ["ROLE", "CPU S", "RSS MB"],
                report.cpu.sorted { $0.value > $1.value }.map { role, cpu in
                    [role, "\(cpu)", "\(report.resident[role] ?? 0)"]
                }))
    }
}
