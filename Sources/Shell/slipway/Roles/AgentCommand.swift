import ArgumentParser
import ArtifactStore
import Execution
import Fleet
import Forge
import FoundationEssentials
import Glibc
import Logging
import RoomKit
import Scheduling

/// What an agent carries runs out with.
enum AgentExecutor: String, ExpressibleByArgument {
    case process, none
}

struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent", abstract: "Execute the runs of a cluster.",
        discussion: """
            Each run is a process tree of this machine under an entrypoint of its own: for code that is trusted. As root \
            every run has a user id of its own.
            """)

    @Option(help: "Cluster whose runs to take; agent.cluster of the settings by default.")
    var cluster: String?

    @Option(help: "Runs to execute at once; agent.capacity of the settings by default.")
    var capacity: Int?

    /// Carries out nothing: for measurements.
    @Option(help: .hidden) var executor = AgentExecutor.process

    @OptionGroup var options: CommandOptions

    func run() async throws {
        var settings = try options.settings()
        try settings.set("agent.cluster", cluster)
        try settings.set("agent.capacity", capacity.map(String.init))
        let process = try await FleetProcess(role: "agent", settings: settings) { [settings] bus in
            try makeRooms(settings, bus: bus)
        }
        let name = settings.agentName ?? "\(FleetMember.host)-\(getpid())"
        let service = AgentService(
            Agent.Options(name: name, cluster: settings.cluster, capacity: settings.agentCapacity),
            ledger: SchedulingLedger(
                bus: process.bus, limits: SchedulingLimits(agentLostAfter: Double(settings.agentLostAfter)),
                forge: try ForgeAddress(url: settings.forgeURL)),
            executor: try makeExecutor(settings, process.logger), bus: process.bus, topology: process.topology,
            address: process.broker, logger: process.logger)
        try await process.run([service])
    }

    private func makeExecutor(_ settings: Settings, _ logger: Logger) throws -> any RunExecutor {
        if executor == .none { return NoOpExecutor() }
        let users = UserPool.forThisMachine()
        if users.pool == nil {
            logger.warning("runs share the agent's own user (\(users.reason)): they can read each other's files")
        }
        return try ProcessExecutor(
            ProcessExecutor.Options(
                workspaceRoot: URL(filePath: settings.workspaces).standardizedFileURL.path,
                secrets: SecretSource(values: settings.ownSecrets, folder: settings.agentSecretsFolder),
                limits: Instruction.Limits(diskQuota: UInt64(settings.workspaceQuotaMB) << 20),
                log: LogRecorder.Limits(head: settings.logLimitMB << 20), users: users.pool),
            store: try makeArtifacts(settings), logger: logger)
    }
}

extension Settings {
    /// What a job must not print, should it ever get hold of it.
    fileprivate var ownSecrets: [String] {
        (webhookSecrets + [forgeToken, forgeAppKey, loginClientSecret, loginSessionSecret].compactMap(\.self))
            .map(\.reveal)
            + [databaseURL, amqpURL].compactMap { URL(string: $0.reveal)?.password }
    }
}
