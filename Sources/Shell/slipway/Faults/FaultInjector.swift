import Fleet
import FoundationEssentials
import Glibc
import LocalServices
import Logging
import Postgres
import RoomKit

/// Does to a fleet what a fault says, and ends it: returns when nothing disturbs the fleet any more.
struct FaultInjector: Sendable {
    static let logger = Logger(label: "slipway.bench") { _ in SwiftLogNoOpLogHandler() }

    let fleet: MeasuredFleet
    let sink: StatusSink
    let database: PostgresPool
    let elsewhere: Elsewhere
    let network: FaultNetwork
    let artifacts: SmallVolume
    /// What services and fleet stand on; nil where that is the machine's own.
    let disk: SmallVolume?
    /// Nil where the broker is the fleet's own, of one node.
    let brokers: BrokerNodes?
    /// How long a fault lasts which ends by itself.
    let length: Duration

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
        case .processAgentKilled: try await elsewhere.agent().send(SIGKILL)
        case .processAgentTerminated: try await elsewhere.agent().send(SIGTERM)
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
        case .databaseDeadlocked: try await lockRowsBackwards()
        case .databaseNetworkStalled: try await network.database.stall(for: length)
        case .databaseNetworkCut: try await network.database.cut(for: length)
        case .databaseNetworkHalfOpen: await network.database.hold()
        case .brokerNetworkStalled: try await network.broker.stall(for: length)
        case .brokerNetworkCut: try await network.broker.cut(for: length)
        case .brokerNetworkHalfOpen: await network.broker.hold()
        case .forgeNetworkStalled: try await network.forge.stall(for: length)
        case .forgeNetworkCut: try await network.forge.cut(for: length)
        case .forgeNetworkHalfOpen: await network.forge.hold()
        case .gatewayNetworkStalled: try await network.gateway.stall(for: length)
        case .gatewayNetworkCut: try await network.gateway.cut(for: length)
        case .gatewayNetworkHalfOpen: await network.gateway.hold()
        case .brokerNodeKilled: try await killBrokerNode(injection)
        case .artifactsFull: try await artifacts.fill(for: length)
        case .diskFull: try await disk?.fill(for: length)
        case .agentClockAhead: try await elsewhere.runAgent(clock: "+3600", for: length * 2)
        case .agentClockBehind: try await elsewhere.runAgent(clock: "-3600", for: length * 2)
        }
        return 0
    }

    // MARK: Processes

    /// This process, which keeps what is elsewhere, is none of them.
    private func members(_ role: String) -> [ProcessIdentity] {
        [fleet.folder, elsewhere.folder].flatMap { SupervisorState.read(from: $0)?.living ?? [] }
            .filter { $0.role == role && $0.name != Elsewhere.agentName && $0.process.pid != getpid() }.map(\.process)
    }

    private func member(_ role: String, _ injection: Injection) async throws -> ProcessIdentity {
        try await waitUntil("a \(role) runs") {
            let living = members(role)
            return living.isEmpty ? nil : living[injection.choice % living.count]
        }
    }

    private func signal(_ role: String, _ signal: Int32, _ injection: Injection) async throws {
        try await member(role, injection).send(signal)
    }

    private func keepGatewayAway(_ injection: Injection) async throws {
        let end = ContinuousClock.now + length
        while ContinuousClock.now < end {
            for gateway in members("gateway") { gateway.send(SIGKILL) }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private func freezeWorker(_ injection: Injection) async throws {
        let worker = try await member("worker", injection)
        worker.send(SIGSTOP)
        defer { worker.send(SIGCONT) }
        try await Task.sleep(for: length)
    }

    /// Stops the agent in the middle of runs, until they were given to somebody else.
    private func freezeProcessAgent() async throws -> Int {
        let agent = try await elsewhere.agent()
        // However this ends: an agent that nobody continues would hold its runs for ever.
        defer { agent.send(SIGCONT) }
        // What a database that is away would say is asked for again.
        let builds = try await waitUntil("the agent executes a run") { () -> [Int64]? in
            agent.send(SIGSTOP)
            let builds = try? await database.query(
                "select build_id from scheduling.runs_v1 where agent = \(Elsewhere.agentName) and state = 'running'"
            ).map { try $0.decode(Int64.self) }
            if let builds, !builds.isEmpty { return builds }
            agent.send(SIGCONT)
            return nil
        }
        let before = elsewhere.refusals
        // Its claims run out after `agent.lost_after`.
        try await waitUntil("the claims of the stopped agent run out", within: .seconds(60)) {
            let taken = try? await database.query(
                "select count(*) from scheduling.attempts_v1 where build_id = any(\(builds))"
            ).one().decode(Int.self)
            return taken == builds.count ? true : nil
        }
        agent.send(SIGCONT)
        // A claim whose answer the agent had not read yet leaves no result.
        _ = try? await waitUntil("late results are refused", within: .seconds(10)) {
            elsewhere.refusals - before < builds.count ? nil : true
        }
        try Task.checkCancellation()
        return elsewhere.refusals - before
    }

    private func endSupervisor(_ signal: Int32) async throws {
        let supervisor = try await member("supervisor", Injection(fault: .supervisorKilled, pause: 0, choice: 0))
        supervisor.send(signal)
        try await waitUntil("the supervisor ends", within: .seconds(90)) { supervisor.isAlive ? nil : true }
    }
}
