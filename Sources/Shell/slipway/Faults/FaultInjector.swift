import AMQP
import Fleet
import FoundationEssentials
import Glibc
import LocalServices
import Logging
import Postgres
import RoomKit
import Subprocess

/// Does to a fleet what a fault says, and ends it: returns when nothing disturbs the fleet any more.
struct FaultInjector: Sendable {
    /// Seconds that a fault lasts which ends by itself.
    private static let length = Duration.seconds(5)
    private static let logger = Logger(label: "slipway.bench") { _ in SwiftLogNoOpLogHandler() }

    let fleet: MeasuredFleet
    let sink: StatusSink
    let database: PostgresPool
    let processAgent: ProcessAgent

    /// - Returns: late results that were refused while it lasted.
    func inject(_ injection: Injection) async throws -> Int {
        switch injection.fault {
        case .gatewayKilled: try await signal("gateway", SIGKILL, injection)
        case .gatewayTerminated: try await signal("gateway", SIGTERM, injection)
        case .gatewayAway: try await keepGatewayAway(injection)
        case .workerKilled: try await signal("worker", SIGKILL, injection)
        case .workerTerminated: try await signal("worker", SIGTERM, injection)
        case .workersKilled: for member in members("worker") { member.send(SIGKILL) }
        case .workerFrozen: try await freezeWorker(injection)
        case .agentKilled: try await signal("agent", SIGKILL, injection)
        case .agentTerminated: try await signal("agent", SIGTERM, injection)
        case .processAgentKilled: try await processAgent.process().send(SIGKILL)
        case .processAgentTerminated: try await processAgent.process().send(SIGTERM)
        case .processAgentFrozen: return try await freezeProcessAgent()
        case .supervisorKilled: try await endSupervisor(SIGKILL)
        case .supervisorTerminated: try await endSupervisor(SIGTERM)
        case .brokerKilled: try service("rabbitmq/pid").send(SIGKILL)
        case .brokerBlocked: try await blockBroker()
        case .workerQueueDeleted: try await deleteWorkerQueue(injection)
        case .clusterQueueDeleted: try await delete(FleetTopology().runs(of: "default"))
        case .databaseKilled: try service("postgres/data/postmaster.pid").send(SIGKILL)
        case .databaseShutDown: try service("postgres/data/postmaster.pid").send(SIGQUIT)
        case .databaseSessionsEnded: try await endSessions()
        case .databaseRowsHeld: try await holdRows()
        case .databaseFull: try await fillDatabase()
        case .forgeGone: try await forge(.gone)
        case .forgeSilent: try await forge(.silent)
        case .forgeFailing: try await forge(.refusing(500))
        case .forgeForbidding: try await forge(.refusing(403))
        case .forgeLimiting: try await forge(.refusing(429))
        }
        return 0
    }

    // MARK: Processes

    private func members(_ role: String) -> [ProcessIdentity] {
        (SupervisorState.read(from: fleet.folder)?.living ?? []).filter { $0.role == role }.map(\.process)
    }

    private func member(_ role: String, _ injection: Injection) async throws -> ProcessIdentity {
        try await wait("a \(role) runs") {
            let living = members(role)
            return living.isEmpty ? nil : living[injection.choice % living.count]
        }
    }

    private func signal(_ role: String, _ signal: Int32, _ injection: Injection) async throws {
        try await member(role, injection).send(signal)
    }

    private func keepGatewayAway(_ injection: Injection) async throws {
        let end = ContinuousClock.now + Self.length
        while ContinuousClock.now < end {
            for gateway in members("gateway") { gateway.send(SIGKILL) }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private func freezeWorker(_ injection: Injection) async throws {
        let worker = try await member("worker", injection)
        worker.send(SIGSTOP)
        defer { worker.send(SIGCONT) }
        try await Task.sleep(for: Self.length)
    }

    /// Stops the agent in the middle of runs, until they were given to somebody else.
    private func freezeProcessAgent() async throws -> Int {
        let agent = try await processAgent.process()
        var builds: [Int64] = []
        try await wait("the agent executes a run") {
            agent.send(SIGSTOP)
            builds = try await database.query(
                "select build_id from scheduling.runs_v1 where agent = \(ProcessAgent.name) and state = 'running'"
            ).map { try $0.decode(Int64.self) }
            guard builds.isEmpty else { return true }
            agent.send(SIGCONT)
            return nil
        }
        let before = processAgent.refusals
        do {
            // Its claims run out after `agent.lost_after`.
            try await wait("the claims of the stopped agent run out", within: .seconds(60)) { [builds] in
                let taken = try await database.query(
                    "select count(*) from scheduling.attempts_v1 where build_id = any(\(builds))"
                ).one().decode(Int.self)
                return taken == builds.count ? true : nil
            }
        } catch {
            agent.send(SIGCONT)
            throw error
        }
        agent.send(SIGCONT)
        // A claim whose answer the agent had not read yet leaves no result.
        let end = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < end, processAgent.refusals - before < builds.count {
            try await Task.sleep(for: .milliseconds(50))
        }
        return processAgent.refusals - before
    }

    private func endSupervisor(_ signal: Int32) async throws {
        let supervisor = try await member("supervisor", Injection(fault: .supervisorKilled, pause: 0, choice: 0))
        supervisor.send(signal)
        try await wait("the supervisor ends", within: .seconds(90)) { supervisor.isAlive ? nil : true }
    }

    // MARK: RabbitMQ

    private func service(_ file: String) throws -> ProcessIdentity {
        let path = "\(fleet.folder)/services/\(file)"
        let text = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard let pid = text.split(separator: "\n").first.flatMap({ Int32($0) }),
            let identity = ProcessIdentity(pid: pid)
        else { throw MeasuredFleetError("\(path) names no process that runs") }
        return identity
    }

    private func deleteWorkerQueue(_ injection: Injection) async throws {
        let workers = ["scheduling", "reporting", "aggregation", "triggers"]
        try await delete(FleetTopology().queue(of: workers[injection.choice % workers.count]))
    }

    private func delete(_ queue: String) async throws {
        try await Broker.deleteQueue(address: BrokerAddress(url: fleet.variable("AMQP_URL")), queue: queue)
    }

    private func blockBroker() async throws {
        try await PrivateServices.control(
            folder: fleet.folder + "/services", ["set_vm_memory_high_watermark", "0.0001"])
        let slept: ()? = try? await Task.sleep(for: Self.length)
        try await PrivateServices.control(
            folder: fleet.folder + "/services", ["set_vm_memory_high_watermark", "absolute", "1GB"])
        if slept == nil { throw CancellationError() }
    }

    // MARK: PostgreSQL

    private func endSessions() async throws {
        try await database.query(
            "select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"
        )
    }

    private func holdRows() async throws {
        let end = ContinuousClock.now + Self.length
        try await database.transaction { transaction in
            var held = 0
            while held == 0, ContinuousClock.now < end {
                held = try await transaction.query(
                    """
                    select run_id from scheduling.runs
                     where state in ('waiting', 'dispatched', 'running') for update skip locked
                    """
                ).count
            }
            try await Task.sleep(until: end, clock: .continuous)
        }
    }

    /// Takes every connection that is left, ends all others, and takes theirs.
    private func fillDatabase() async throws {
        var configuration = database.configuration
        configuration.applicationName = "bench faults"
        var taken: [PostgresConnection] = []
        func fill() async {
            while taken.count < 400,
                let connection = try? await PostgresConnection.connect(configuration, logger: Self.logger)
            {
                taken.append(connection)
            }
        }
        await fill()
        if let first = taken.first {
            _ = try? await first.query(
                """
                select pg_terminate_backend(pid) from pg_stat_activity
                 where backend_type = 'client backend' and application_name <> 'bench faults'
                """)
        }
        let end = ContinuousClock.now + Self.length
        while ContinuousClock.now < end, !Task.isCancelled {
            await fill()
            try? await Task.sleep(for: .milliseconds(20))
        }
        for connection in taken { await connection.close() }
        try Task.checkCancellation()
    }

    // MARK: The forge

    private func forge(_ behaviour: StatusSink.Behaviour) async throws {
        try await sink.behave(behaviour)
        let slept: ()? = try? await Task.sleep(for: Self.length)
        try await sink.behave(.good)
        if slept == nil { throw CancellationError() }
    }

    /// Asks until there is an answer; a database that is away has none.
    @discardableResult
    private func wait<Answer>(
        _ what: String, within limit: Duration = .seconds(30), _ ask: () async throws -> Answer?
    ) async throws -> Answer {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            if let answer = try await ask() { return answer }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw MeasuredFleetError("waited \(limit) until \(what)")
    }
}

/// An agent that executes processes, beside the fleet's supervisor: as on another machine, it outlives the others.
struct ProcessAgent: Sendable {
    static let name = "processes"

    private let folder: String
    private let environment: [String: String]

    init(_ fleet: MeasuredFleet) throws {
        folder = fleet.folder + "/" + Self.name
        environment = fleet.environment.merging([
            "SLIPWAY_AGENT_NAME": Self.name, "SLIPWAY_AGENT_CLUSTER": FaultLoad.processCluster,
            "SLIPWAY_AGENT_CAPACITY": "8", "SLIPWAY_LOG_LEVEL": "info",
            "SLIPWAY_AGENT_WORKSPACE_FOLDER": folder + "/work",
        ]) { $1 }
        try FileManager.default.createDirectory(atPath: folder + "/log", withIntermediateDirectories: true)
    }

    /// Keeps it alive until the task is cancelled.
    func run() async throws {
        guard let identity = ProcessIdentity(pid: getpid()) else { throw MeasuredFleetError("/proc is not mounted") }
        let supervisor = try Supervisor(
            folder: folder, executable: FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"),
            identity: identity, logger: Logger(label: "slipway.bench") { _ in SwiftLogNoOpLogHandler() })
        await supervisor.run([
            Child(name: Self.name, role: "agent", arguments: ["agent"], environment: environment)
        ])
    }

    /// The agent that runs now.
    func process() async throws -> ProcessIdentity {
        let end = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < end {
            let living = SupervisorState.read(from: folder)?.living ?? []
            if let agent = living.first(where: { $0.role == "agent" }) { return agent.process }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw MeasuredFleetError("the agent with processes does not run; its log is in \(folder)/log")
    }

    /// Results so far that came after the claim was lost, by its log.
    var refusals: Int {
        let bytes = FileManager.default.contents(atPath: "\(folder)/log/\(Self.name).log") ?? Data()
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").count {
            $0.hasSuffix("nothing of it is published") || $0.hasSuffix("(no longer this agent's)")
        }
    }
}
