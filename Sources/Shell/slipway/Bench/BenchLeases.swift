import ArgumentParser
import Fleet
import FoundationEssentials
import Glibc
import JobConfig
import Leases
import LocalServices
import Logging
import Postgres
import RoomKit
import Subprocess
import Synchronization

/// Leases over HTTP beside the database's own limit.
struct BenchLeases: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leases", abstract: "Measure leases: cycles of acquire and release over HTTP, beside pgbench.",
        discussion: """
            Starts a fleet of its own. First pgbench takes and gives back resources by two single-row transactions with \
            SKIP LOCKED on the same rows, with 8, 32 and 256 clients; its best counts. Then --clients clients of \
            Boskos's HTTP API do the same, and every grant is checked against what is held. Then one client alone, and \
            a release that hands over to a waiting call. All commits are durable.
            """)

    @Option(help: "Clients of the HTTP API.") var clients = 256
    @Option(help: "Cycles of acquire and release.") var cycles = 30_000
    @Option(help: "Resources of the type that is measured.") var resources = 1000
    @Option(help: "Further resources, of another type, that lie about.") var others = 0
    @Option(help: "Places in line of that other type.") var waiting = 0
    @Option(help: "Seconds that pgbench runs with each number of clients; 0: not at all.") var seconds = 5
    @OptionGroup var output: OutputOptions

    struct Report: Encodable {
        var operations: Int
        var cyclesPerSecond: Double
        var pgbenchCyclesPerSecond: Double
        var ratio: Double
        var doubleGrants: Int
        var acquireMedian: Double
        var handoverMedian: Double

        enum CodingKeys: String, CodingKey {
            case operations, ratio
            case cyclesPerSecond = "cycles_per_s"
            case pgbenchCyclesPerSecond = "pgbench_cycles_per_s"
            case doubleGrants = "double_grants"
            case acquireMedian = "acquire_p50_ms"
            case handoverMedian = "handover_p50_ms"
        }
    }

    func validate() throws {
        guard (1...2000).contains(clients), (1...10_000_000).contains(cycles), (1...500_000).contains(resources),
            (0...500_000).contains(others), (0...100_000).contains(waiting), (0...600).contains(seconds)
        else {
            throw ValidationError(
                "--clients takes 1 to 2000, --cycles 1 to 10000000, --resources 1 to 500000, --others up to 500000, "
                    + "--waiting up to 100000, --seconds up to 600")
        }
    }

    func run() async throws {
        var ports = FreePorts()
        let boskos = Int(try ports.choose())
        _ = consume ports
        let report = try await MeasuredFleet.run(
            ["--workers", "1", "--agents", "0"],
            environment: [
                "SLIPWAY_LEASES_BOSKOS_LISTEN": "127.0.0.1:\(boskos)", "SLIPWAY_LOG_LEVEL": "warning",
            ]
        ) { fleet in
            try await fleet.withDatabase { database in
                try await prepare(database)
                let limit = try await pgbench(fleet, database)
                return try await measure(fleet, boskos, limit)
            }
        }
        switch output.format {
        case .json: try output.printJSON(report)
        case .table:
            print(
                """
                \(report.cyclesPerSecond) cycles/s over HTTP, \(report.pgbenchCyclesPerSecond) by pgbench: \
                \(report.ratio) times as many; \(report.doubleGrants) double grants; acquire \(report.acquireMedian) ms, \
                handover \(report.handoverMedian) ms
                """)
        }
    }

    /// Pools as an operator would apply them.
    private func prepare(_ database: PostgresPool) async throws {
        var yaml = "resources:\n- {type: bench, state: free, names: ["
        yaml += (0..<resources).map { "bench-\($0)" }.joined(separator: ", ") + "]}\n"
        yaml += "- {type: solo, state: free, names: [solo-1]}\n"
        if others > 0 {
            yaml += "- {type: other, state: busy, names: ["
            yaml += (0..<others).map { "other-\($0)" }.joined(separator: ", ") + "]}\n"
        }
        let bus = FleetBus(database: database, publisher: nil, logger: Logger(label: "slipway.bench"))
        _ = try await LeaseConfigurationStore(bus).apply(
            LoadedLeasePools.load(SourceFile(path: "bench.yaml", bytes: Array(yaml.utf8))), by: "bench",
            source: "bench")
        let desk = LeaseDesk(bus: bus)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<waiting {
                var claim = LeaseClaim(
                    owner: "waiting", wish: LeaseWish(type: "other"), key: "waiting/\(number)",
                    patience: .isTold(86_400))
                claim.leaseID = UUID()
                group.addTask { [claim] in _ = try await desk.claim(claim) }
            }
            try await group.waitForAll()
        }
        try await database.script("vacuum analyze leases.resources")
        try await database.script("vacuum analyze leases.places")
    }

    // MARK: The limit

    private static let cycle = """
        update leases.resources as resource
           set owner = 'pgbench', state = 'leased', token = token + 1, granted_at = now(), updated_at = now(),
               lasts = 1800, expires_at = now() + interval '30 min'
         where name = (select name from leases.resources
                        where type = 'bench' and state = 'free' and owner is null and not is_draining
                        order by free_since, name limit 1 for update skip locked)
        returning name \\gset
        update leases.resources
           set owner = null, state = 'free', granted_at = null, lasts = null, expires_at = null, updated_at = now(),
               free_since = now()
         where name = :name and owner = 'pgbench';

        """

    /// - Returns: pgbench's best cycles a second.
    private func pgbench(_ fleet: MeasuredFleet, _ database: PostgresPool) async throws -> Double {
        guard seconds > 0 else { return 0 }
        let script = fleet.folder + "/cycle.sql"
        try Data(Self.cycle.utf8).write(to: URL(filePath: script))
        var best = 0.0
        for clients in [8, 32, 256] where clients <= resources {
            let result = try await Subprocess.run(
                .name("pgbench"),
                arguments: [
                    "--no-vacuum", "--protocol=prepared", "--client=\(clients)", "--jobs=2", "--time=\(seconds)",
                    "--file=\(script)", try fleet.variable("DATABASE_URL"),
                ], output: .string(limit: 1 << 20), error: .combinedWithOutput)
            let text = result.standardOutput
            guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("tps = ") }),
                let rate = line.dropFirst(6).split(separator: " ").first.flatMap({ Double($0) })
            else { throw MeasuredFleetError("pgbench with \(clients) clients failed: \(text.suffix(500))") }
            Terminal.progress("pgbench, \(clients) clients: \(Int(rate)) cycles/s")
            best = max(best, rate)
        }
        // What a client held when its time was over.
        try await database.script(
            """
            update leases.resources set owner = null, state = 'free', granted_at = null, lasts = null, expires_at = null
             where owner = 'pgbench'
            """)
        Terminal.progress("")
        return best
    }

    // MARK: The measurement

    private func measure(_ fleet: MeasuredFleet, _ port: Int, _ limit: Double) async throws -> Report {
        let load = LeaseLoad(port: port)
        // What is done once: connections, plans, caches.
        let warm = LeaseCycles(type: "bench", cycles: clients * 4)
        try await load.run(connections: clients) { (id, answer) throws(MeasuredFleetError) in try warm.next(id, answer)
        }
        let book = LeaseCycles(type: "bench", cycles: cycles)
        let begun = ContinuousClock.now
        try await load.run(connections: clients) { (id, answer) throws(MeasuredFleetError) in try book.next(id, answer)
        }
        let rate = Double(cycles - book.refusals) / Self.seconds(.now - begun)
        let acquire = try await alone(load)
        await load.close()
        let handover = try await handOver(fleet)
        return Report(
            operations: book.operations, cyclesPerSecond: rate.rounded(), pgbenchCyclesPerSecond: limit.rounded(),
            ratio: limit > 0 ? (rate / limit * 100).rounded() / 100 : 0,
            doubleGrants: book.doubleGrants + warm.doubleGrants,
            acquireMedian: acquire, handoverMedian: handover)
    }

    /// Milliseconds of an acquire when nobody else calls.
    private func alone(_ load: LeaseLoad) async throws -> Double {
        var times: [Double] = []
        for _ in 0..<300 {
            let begun = ContinuousClock.now
            let answer = try await load.call(
                0, LeaseCycles.post("/acquire?type=bench&state=free&dest=leased&owner=alone"))
            times.append(Self.seconds(.now - begun) * 1000)
            guard answer.status == 200, let name = LeaseCycles.name(answer.body) else {
                throw MeasuredFleetError("an acquire was answered \(answer.firstLine)")
            }
            _ = try await load.call(0, LeaseCycles.post("/release?name=\(name)&owner=alone&dest=free"))
        }
        return (Distribution(times).median * 100).rounded() / 100
    }

    /// Milliseconds from a release to the answer of the call that waits for it, by the native interface.
    private func handOver(_ fleet: MeasuredFleet) async throws -> Double {
        guard let port = URL(string: fleet.gatewayURL)?.port else { throw MeasuredFleetError("no gateway") }
        let load = LeaseLoad(port: port)
        let token = try fleet.variable("SLIPWAY_TOKEN")
        struct Lease: Decodable, Sendable {
            var id: String
            var state: String
            var token: Int64?
            var before: Int?
        }
        @Sendable func call(_ connection: Int, _ path: String, _ body: String) async throws -> Lease {
            let answer = try await load.call(connection, LeaseCycles.post(path, token: token, body: body))
            guard answer.status == 200 || answer.status == 202 else {
                throw MeasuredFleetError(
                    "\(path) was answered \(answer.firstLine): \(String(decoding: answer.body.prefix(300), as: UTF8.self))"
                )
            }
            return try JSONDecoder().decode(Lease.self, from: Data(answer.body))
        }
        var holder = try await call(0, "/api/v1/leases", #"{"type": "solo"}"#)
        var times: [Double] = []
        for round in 0..<60 {
            let (mine, other) = (round % 2, 1 - round % 2)
            let id = UUID().uuidString
            async let next = call(other, "/api/v1/leases", #"{"type": "solo", "id": "\#(id)", "wait": 60}"#)
            // In line before the release: it looks itself up on a connection of its own.
            while true {
                let look = try await load.call(2, Self.get("/api/v1/leases/\(id)", token))
                if look.status == 202 { break }
                try await Task.sleep(for: .milliseconds(2))
            }
            let release = LeaseCycles.post(
                "/api/v1/leases/\(holder.id)/release?token=\(holder.token ?? 0)", token: token)
            let begun = ContinuousClock.now
            async let released = load.call(mine, release)
            let granted = try await next
            times.append(Self.seconds(.now - begun) * 1000)
            guard try await released.status == 200, granted.state == "granted" else {
                throw MeasuredFleetError("a handover failed in round \(round)")
            }
            holder = granted
        }
        await load.close()
        return (Distribution(times).median * 100).rounded() / 100
    }

    private static func get(_ path: String, _ token: String) -> [UInt8] {
        Array("GET \(path) HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer \(token)\r\n\r\n".utf8)
    }

    private static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }
}
