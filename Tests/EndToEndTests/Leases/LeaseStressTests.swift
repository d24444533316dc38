import AsyncHTTPClient
import Foundation
import LocalServices
import NIOCore
import NIOHTTP1
import Postgres
import SlipwayTesting
import Subprocess
import Synchronization
import SystemPackage
import Testing

/// 64 clients over HTTP at two gateways, while gateways, workers and PostgreSQL are killed under them; then the checker
/// reads what all of them saw beside what the database remembers.
@Suite(.serialized) struct LeaseStressTests {
    private static let operations =
        Int(ProcessInfo.processInfo.environment["SLIPWAY_LEASE_OPERATIONS"] ?? "") ?? 100_000
    private static let clients = 64
    private static let pools = """
        resources:
        - {type: board, state: free, names: [\(names("board", 30))], janitor: {command: ["true"], workers: 8}}
        - {type: rig, state: free, names: [\(names("rig", 6))], janitor: {command: ["true"], workers: 8}}
        - {type: bench, state: free, patience: 5s, names: [\(names("bench", 10))], janitor: {command: ["true"]}}
        """

    private static func names(_ type: String, _ count: Int) -> String {
        (1...count).map { "\(type)-\($0)" }.joined(separator: ", ")
    }

    enum Fault: CaseIterable {
        case firstGateway, worker, sessions, secondGateway, database, bothGateways, workers, databaseShutDown
    }

    @Test func noLeaseIsHeldTwiceLostOrOvertakenWhileProcessesDie() async throws {
        try await LiveFleet.run { fleet in
            let file = "\(fleet.folder)/pools.yaml"
            try Data(Self.pools.utf8).write(to: URL(filePath: file))
            try await fleet.slipway("lease", "config", "apply", file)
            let recorder = LeaseRecorder()
            var ports = FreePorts()
            let gateways = [
                StandingGateway(port: try ports.choose(), boskosPort: try ports.choose()),
                StandingGateway(port: try ports.choose(), boskosPort: try ports.choose()),
            ]
            _ = consume ports
            try await withThrowingTaskGroup(of: Void.self) { group in
                for gateway in gateways { group.addTask { try await gateway.stand(beside: fleet) } }
                for gateway in gateways { try await gateway.ready() }
                group.addTask { try await Self.load(fleet, gateways, recorder) }
                group.addTask { try await Self.disturb(fleet, gateways, recorder) }
                // The gateways stand until the others are through.
                for _ in 0..<2 { try await group.next() }
                group.cancelAll()
            }
            let history = try await Self.books(fleet, recorder.history)
            #expect(LeaseChecker(history).faults == [:])
            #expect(recorder.operations >= Self.operations)
            #expect(history.resources.count == 46)
            #expect(history.lateCalls.count > 0 && history.wishes.contains { $0.queued != nil })
            print(
                """
                \(recorder.operations) operations, \(history.holds.count) grants seen of \(history.ended.count), \
                \(history.ended.count { $0.endedBy == "expiry" }) ended by themselves, \
                \(history.wishes.count { $0.queued != nil }) waited, \(history.lateCalls.count) late calls refused
                """)
        }
    }

    private static func load(
        _ fleet: LiveFleet, _ gateways: [StandingGateway], _ recorder: LeaseRecorder
    ) async throws {
        var tokens: [String] = []
        for number in 0..<4 {
            tokens.append(
                try await fleet.slipway("token", "create", "--owner", "stress-\(number)", "--scope", "leases:write")
                    .trimmingCharacters(in: .whitespacesAndNewlines))
        }
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = clients
        try await HTTPClient.withHTTPClient(configuration: configuration) { http in
            let calls = LeaseCalls(http: http, gateways: gateways.map { ($0.url, $0.boskosURL) })
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<clients {
                    group.addTask { [tokens] in
                        var client = LeaseStressClient(
                            number: number, calls: calls, recorder: recorder, token: tokens[number % tokens.count])
                        if number % 4 == 3 { try await client.leaseByBoskos() } else { try await client.leaseByName() }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    /// One fault after the other, each when so much more has been done that the last one is over.
    private static func disturb(
        _ fleet: LiveFleet, _ gateways: [StandingGateway], _ recorder: LeaseRecorder
    ) async throws {
        for (place, fault) in Fault.allCases.enumerated() {
            try await reach(operations * (place + 1) / (Fault.allCases.count + 1), recorder)
            switch fault {
            case .firstGateway: gateways[0].kill()
            case .secondGateway: gateways[1].kill()
            case .bothGateways: gateways.forEach { $0.kill() }
            case .worker: for pid in try await fleet.pids("worker").prefix(1) { kill(pid, SIGKILL) }
            case .workers: for pid in try await fleet.pids("worker") { kill(pid, SIGKILL) }
            case .sessions:
                _ = try await fleet.database.query(
                    """
                    select pg_terminate_backend(pid) from pg_stat_activity
                     where datname = current_database() and pid <> pg_backend_pid()
                    """)
            case .database: kill(try database(fleet), SIGKILL)
            case .databaseShutDown: kill(try database(fleet), SIGINT)
            }
        }
        try await reach(operations, recorder)
        recorder.finish()
    }

    private static func reach(_ operations: Int, _ recorder: LeaseRecorder) async throws {
        try await eventually("\(operations) operations", within: .seconds(300)) { recorder.operations >= operations }
    }

    private static func database(_ fleet: LiveFleet) throws -> pid_t {
        let file = "\(fleet.folder)/services/postgres/data/postmaster.pid"
        let text = try String(contentsOfFile: file, encoding: .utf8)
        return try #require(text.split(whereSeparator: \.isNewline).first.flatMap { pid_t($0) })
    }

    /// What the database says once all that was left behind has ended and is clean again.
    private static func books(_ fleet: LiveFleet, _ seen: LeaseHistory) async throws -> LeaseHistory {
        var history = seen
        try await eventually("every resource is free", within: .seconds(120)) {
            try await fleet.database.query(
                "select count(*) from leases.resources where owner is not null or state <> 'free'"
            ).one().decode(Int.self) == 0
        }
        history.ended = try await fleet.database.query(
            """
            select name, token, coalesce(reason, owner), granted_at, ended_at, ended_by from leases.history
            """
        ).map { row in
            let (name, token, wish, grantedAt, endedAt, endedBy) = try row.decode(
                (String, Int64, String, Date, Date, String).self)
            return .init(
                name: name, token: token, wish: wish, grantedAt: grantedAt.timeIntervalSince1970,
                endedAt: endedAt.timeIntervalSince1970, endedBy: endedBy)
        }
        history.resources = try await fleet.database.query(
            "select name, token, owner is null and state = 'free' from leases.resources"
        ).map { row in
            let (name, token, isFree) = try row.decode((String, Int64, Bool).self)
            return .init(name: name, token: token, isFree: isFree)
        }
        return history
    }
}

/// A gateway beside the fleet's own, started again whenever it ends.
final class StandingGateway: Sendable {
    let port: UInt16
    let boskosPort: UInt16
    private let process = Mutex<pid_t?>(nil)

    var url: String { "http://127.0.0.1:\(port)" }
    var boskosURL: String { "http://127.0.0.1:\(boskosPort)" }

    init(port: UInt16, boskosPort: UInt16) {
        self.port = port
        self.boskosPort = boskosPort
    }

    /// Until the task is cancelled.
    func stand(beside fleet: LiveFleet) async throws {
        var variables: [Environment.Key: String?] = ["SLIPWAY_LIFELINE": "stdin"]
        for (key, value) in fleet.environment { variables[Environment.Key(stringLiteral: key)] = value }
        while !Task.isCancelled {
            let log = try FileDescriptor.open(
                FilePath("\(fleet.folder)/log/gateway-\(port).log"), .writeOnly,
                options: [.create, .append, .closeOnExec], permissions: .ownerReadWrite)
            _ = try await Subprocess.run(
                .path(FilePath(LiveFleet.binary)),
                arguments: ["gateway", "--port", "\(port)", "--boskos-listen", "127.0.0.1:\(boskosPort)"],
                environment: .inherit.updating(variables), input: .inputWriter,
                output: .sequence, error: .fileDescriptor(log, closeAfterSpawningProcess: true)
            ) { execution in
                self.process.withLock { $0 = execution.processIdentifier.value }
                // Ends with the process.
                for try await _ in execution.standardOutput {}
                self.process.withLock { $0 = nil }
            }
        }
    }

    func ready() async throws {
        try await eventually("the gateway at \(url) is ready", within: .seconds(120)) {
            (try? await HTTPClient.shared.execute(HTTPClientRequest(url: url + "/readyz"), timeout: .seconds(5)).status)
                == .ok
        }
    }

    func kill() {
        if let pid = process.withLock({ $0 }) { Glibc.kill(pid, SIGKILL) }
    }
}
