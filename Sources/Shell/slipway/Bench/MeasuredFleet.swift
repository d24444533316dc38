import AsyncHTTPClient
import Forge
import FoundationEssentials
import Glibc
import LocalServices
import Logging
import NIOCore
import NIOHTTP1
import Postgres
import RoomKit
import Subprocess

/// A `slipway up` of its own in a temporary folder, for the length of a measurement.
struct MeasuredFleet: Sendable {
    let folder: String
    let gatewayURL: String
    /// What its tools are told; holds secrets.
    let environment: [String: String]

    /// Where this process has its fleet.
    static let folder = FileManager.default.temporaryDirectory.appending(path: "slipway-bench-\(getpid())").path

    /// Starts the fleet, waits until it is ready, and stops it again however `body` ends.
    ///
    /// - Parameters:
    ///   - flags: further flags of `slipway up`.
    ///   - restarts: starts it again in the same folder where it ends, instead of failing.
    static func run<Result: Sendable>(
        _ flags: [String] = [], environment: [String: String] = [:], restarts: Bool = false,
        _ body: @escaping @Sendable (MeasuredFleet) async throws -> Result
    ) async throws -> Result {
        let folder = Self.folder
        try FileManager.default.createDirectory(atPath: folder + "/log", withIntermediateDirectories: true)
        // PostgreSQL runs as a user of its own and has to pass through.
        chmod(folder, 0o755)
        var ports = FreePorts()
        let port = try ports.choose()
        let forgePort = try ports.choose(port + 1)
        guard forgePort == port + 1 else { throw MeasuredFleetError("no two neighbouring ports are free; try again") }
        _ = consume ports
        let up = Child(
            name: "up", role: "up", arguments: ["up", "--data", folder, "--port", "\(port)"] + flags,
            environment: environment.merging(["SLIPWAY_DATA_FOLDER": folder]) { $1 })
        let executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let log = folder + "/log/up.log"
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(
                try await withThrowingTaskGroup(of: Result?.self) { group in
                    group.addTask {
                        var policy = RestartPolicy()
                        var status: TerminationStatus
                        repeat {
                            let started = ContinuousClock.now
                            status = try await up.run(executable, log: log)
                            if Task.isCancelled { return nil }
                            if restarts { try await Task.sleep(for: policy.pause(afterLiving: .now - started)) }
                        } while restarts
                        throw MeasuredFleetError("the fleet ended (\(status)); the end of its log:\n\(tail(of: log))")
                    }
                    group.addTask {
                        let url = "http://127.0.0.1:\(port)"
                        try await waitUntilReady(url)
                        return try await body(
                            MeasuredFleet(
                                folder: folder, gatewayURL: url, environment: LocalFleet.readEnvironment(folder)))
                    }
                    defer { group.cancelAll() }
                    while let result = try await group.next() {
                        guard let result else { continue }
                        group.cancelAll()
                        // Until the fleet has stopped.
                        while (try? await group.next()) != nil {}
                        return result
                    }
                    throw CancellationError()
                })
        } catch {
            outcome = .failure(error)
        }
        try await PrivateServices.remove(folder: folder + "/services")
        try? FileManager.default.removeItem(atPath: folder)
        return try outcome.get()
    }

    /// A value of the fleet's environment.
    func variable(_ name: String) throws -> String {
        guard let value = environment[name] else { throw MeasuredFleetError("the fleet has no \(name)") }
        return value
    }

    func withDatabase<Result: Sendable>(_ body: (PostgresPool) async throws -> Result) async throws -> Result {
        var configuration = try PostgresConfiguration(url: try variable("DATABASE_URL"))
        configuration.maximumConnections = 2
        let pool = PostgresPool(configuration: configuration, logger: Logger(label: "slipway.bench"))
        do {
            let result = try await body(pool)
            await pool.close()
            return result
        } catch {
            await pool.close()
            throw error
        }
    }

    /// The forge, as one of its users.
    func forge(as login: String?) throws -> ForgeClient {
        let secrets = folder + "/forge/secrets.json"
        struct Secrets: Decodable { var adminToken: String }
        guard let bytes = FileManager.default.contents(atPath: secrets) else {
            throw MeasuredFleetError("\(secrets) cannot be read")
        }
        return ForgeClient(
            address: try ForgeAddress(url: try variable("SLIPWAY_FORGE_URL")),
            token: try JSONDecoder().decode(Secrets.self, from: bytes).adminToken, actingAs: login)
    }

    /// Its processes: role and process id.
    var processes: [(role: String, pid: Int32)] {
        (SupervisorState.read(from: folder)?.living ?? []).map { ($0.role, $0.process.pid) }
    }

    /// Runs this program against the fleet.
    func slipway(_ arguments: [String]) async throws {
        let executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let log = folder + "/log/bench.log"
        let status = try await Child(name: "tool", role: "tool", arguments: arguments, environment: environment)
            .run(executable, log: log)
        guard status.isSuccess else {
            throw MeasuredFleetError("'slipway \(arguments.joined(separator: " "))' failed:\n\(Self.tail(of: log))")
        }
    }

    /// - Returns: the status of the answer.
    func post(_ path: String, headers: HTTPHeaders, body: [UInt8] = []) async throws -> Int {
        var request = HTTPClientRequest(url: gatewayURL + path)
        request.method = .POST
        request.headers = headers
        request.body = .bytes(body)
        let response = try await ForgeHTTP.client.execute(request, timeout: .seconds(30))
        _ = try await response.body.collect(upTo: 1 << 20)
        return Int(response.status.code)
    }

    private static func waitUntilReady(_ url: String) async throws {
        try await waitUntil("the fleet is ready", within: .seconds(180)) {
            let response = try? await ForgeHTTP.client.execute(
                HTTPClientRequest(url: url + "/readyz"), timeout: .seconds(5))
            return response?.status == .ok ? true : nil
        }
    }

    private static func tail(of log: String) -> String {
        let bytes = FileManager.default.contents(atPath: log) ?? Data()
        return String(decoding: bytes.suffix(2000), as: UTF8.self)
    }
}

/// Why a measurement could not be made.
struct MeasuredFleetError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// What processes take of the machine.
struct ProcessUsage {
    /// Seconds of processor time since each began.
    var cpu = 0.0
    /// Bytes resident; what processes share is counted in each.
    var resident: Int64 = 0
    /// Bytes with what processes share divided among them.
    var proportional: Int64 = 0

    init(of pids: [Int32]) {
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        for pid in pids {
            if let stat = Self.read("/proc/\(pid)/stat"), let close = stat.lastIndex(of: ")") {
                let fields = stat[stat.index(after: close)...].split(separator: " ")
                if fields.count > 12 { cpu += ((Double(fields[11]) ?? 0) + (Double(fields[12]) ?? 0)) / ticks }
            }
            resident += Self.kilobytes("VmRSS:", in: "/proc/\(pid)/status") << 10
            proportional += Self.kilobytes("Pss:", in: "/proc/\(pid)/smaps_rollup") << 10
        }
    }

    private static func kilobytes(_ field: String, in file: String) -> Int64 {
        for line in (read(file) ?? "").split(separator: "\n") where line.hasPrefix(field) {
            return Int64(line.split(separator: " ")[1]) ?? 0
        }
        return 0
    }

    private static func read(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// The middle, and other places, of figures in order.
struct Distribution {
    private let sorted: [Double]

    init(_ values: [Double]) { sorted = values.sorted() }

    /// The smallest value that at least this share of all does not exceed; 0 where there is none.
    func percentile(_ share: Double) -> Double {
        guard !sorted.isEmpty else { return 0 }
        return sorted[min(sorted.count - 1, max(0, Int((share * Double(sorted.count)).rounded(.up)) - 1))]
    }

    var median: Double { percentile(0.5) }
}
