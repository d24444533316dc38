import AMQP
import ArgumentParser
import FoundationEssentials
import Glibc
import LocalServices
import Logging
import Postgres
import RoomKit

struct BenchLimit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limit", abstract: "Measure what the two services give a fleet at most.",
        discussion: """
            For each of --runs, four changes of a row in batches of 100 and, at the same time, six messages of 600 \
            bytes that a quorum queue confirms, in windows of 500. Nothing decides, parses or consumes anything. \
            Slipway's own clients send them; they add a little over libpq and rabbitmq-c, so the true limit lies a \
            little higher. Events that commit together travel as one message, so a fleet needs fewer than six.
            """)

    @Option(help: "Runs to stand for.") var runs = 40_000
    @Option(help: "Connections to each service.") var connections = 4
    @OptionGroup var output: OutputOptions

    struct Report: Encodable {
        var runs: Int
        var wall: Double
        var runsPerSecond: Double
        var rowsAfter: Double
        var messagesAfter: Double
        var cpu: [String: Double]

        enum CodingKeys: String, CodingKey {
            case runs
            case wall = "wall_s"
            case runsPerSecond = "runs_per_s"
            case rowsAfter = "rows_after_s"
            case messagesAfter = "messages_after_s"
            case cpu = "cpu_s"
        }
    }

    func validate() throws {
        guard (100...10_000_000).contains(runs), (1...100).contains(connections) else {
            throw ValidationError("--runs takes 100 to 10000000, --connections 1 to 100")
        }
    }

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        if let database = environment["DATABASE_URL"], let broker = environment["AMQP_URL"] {
            return try await measure(ServiceAddresses(database: database, broker: broker))
        }
        let folder = FileManager.default.temporaryDirectory.appending(path: "slipway-limit-\(getpid())").path
        let services = PrivateServices(folder: folder, retention: .remove)
        let endpoints = try await services.start()
        do {
            try await measure(ServiceAddresses(database: endpoints.databaseURL, broker: endpoints.amqpURL))
        } catch {
            await services.stop()
            throw error
        }
        await services.stop()
        try await PrivateServices.remove(folder: folder)
    }

    private struct ServiceAddresses {
        var database: String
        var broker: String
    }

    private func measure(_ addresses: ServiceAddresses) async throws {
        var configuration = try PostgresConfiguration(url: addresses.database)
        configuration.maximumConnections = connections
        var logger = Logger(label: "slipway.bench")
        logger.logLevel = .warning
        let pool = PostgresPool(configuration: configuration, logger: logger)
        let broker = try BrokerAddress(url: addresses.broker)
        try await pool.script(
            """
            drop table if exists public.slipway_limit;
            create table public.slipway_limit (id bigint primary key, state text not null, body text not null)
            with (fillfactor = 80)
            """)
        let queue = "slipway.limit"
        let publishers = (1...connections).map { number in
            BrokerPublisher(
                address: broker, topology: Topology(queues: [QueueDeclaration(name: queue, kind: .quorum)]),
                logger: logger, name: "limit \(number)")
        }
        for publisher in publishers { try await publisher.waitUntilConnected() }
        let usageBefore = RoleUsage(supervisor: getpid(), roles: [(role: "bench", pid: getpid())])
        let begun = ContinuousClock.now
        async let rows = changeRows(pool, begun)
        async let messages = publish(publishers, queue, begun)
        let (rowsAfter, messagesAfter) = (try await rows, try await messages)
        let wall = Self.seconds(.now - begun)
        let usage = RoleUsage(supervisor: getpid(), roles: [(role: "bench", pid: getpid())])
        for publisher in publishers { await publisher.close() }
        _ = try? await Broker.deleteQueue(address: broker, queue: queue)
        try await pool.script("drop table public.slipway_limit")
        await pool.close()
        let report = Report(
            runs: runs, wall: wall, runsPerSecond: (Double(runs) / wall).rounded(), rowsAfter: rowsAfter,
            messagesAfter: messagesAfter,
            cpu: usage.cpu.reduce(into: [:]) { sums, role in
                sums[role.key] = ((role.value - (usageBefore.cpu[role.key] ?? 0)) * 100).rounded() / 100
            })
        switch output.format {
        case .json: try output.printJSON(report)
        case .table:
            print(
                """
                \(runs) runs' worth in \(wall) s: \(report.runsPerSecond) a second (rows after \(rowsAfter) s, messages \
                after \(messagesAfter) s)
                """)
        }
    }

    private static let insert = Statement(
        "limit.insert",
        """
        insert into public.slipway_limit (id, state, body)
        select id, 'waiting', repeat('x', 400) from unnest($1::bigint[]) as id
        """)

    private static let update = Statement(
        "limit.update", "update public.slipway_limit set state = $2 where id = any($1::bigint[])")

    /// Each connection has its share of the rows, and takes each batch through its four changes.
    private func changeRows(_ pool: PostgresPool, _ begun: ContinuousClock.Instant) async throws -> Double {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for share in 0..<connections {
                group.addTask { [runs, connections] in
                    for start in stride(from: share * 100, to: runs, by: connections * 100) {
                        let ids = (start..<min(start + 100, runs)).map(Int64.init)
                        try await pool.execute(Self.insert, ids)
                        for state in ["dispatched", "running", "success"] {
                            try await pool.execute(Self.update, ids, state)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        return Self.seconds(.now - begun)
    }

    private func publish(
        _ publishers: [BrokerPublisher], _ queue: String, _ begun: ContinuousClock.Instant
    ) async throws -> Double {
        let share = 6 * runs / publishers.count
        try await withThrowingTaskGroup(of: Void.self) { group in
            for publisher in publishers {
                group.addTask {
                    let message = OutgoingMessage(
                        exchange: "", routingKey: queue, messageID: "limit", type: "limit",
                        body: [UInt8](repeating: UInt8(ascii: "x"), count: 600), mandatory: true)
                    var left = share
                    while left > 0 {
                        let window = Array(repeating: message, count: min(500, left))
                        let outcomes = await publisher.publish(window)
                        guard outcomes.allSatisfy({ $0 == .confirmed }) else {
                            throw MeasuredFleetError("the broker did not confirm a message: \(outcomes[0])")
                        }
                        left -= window.count
                    }
                }
            }
            try await group.waitForAll()
        }
        return Self.seconds(.now - begun)
    }

    private static func seconds(_ duration: Duration) -> Double {
        let seconds = Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
        return (seconds * 100).rounded() / 100
    }
}
