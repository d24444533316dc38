import ArgumentParser
import FoundationEssentials
import Glibc
import LocalForge
import LocalServices
import Logging
import Postgres
import RoomKit
import Subprocess
import UnixSignals
import Web

struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring a whole fleet to this machine and keep it alive until interrupted.",
        discussion: """
            Starts a private PostgreSQL and RabbitMQ in the data folder (unless DATABASE_URL and AMQP_URL name others), \
            a gateway, workers, agents and, where no forge is configured, a local forge. A process that dies is started \
            again. Everything listens on the loopback interface.
            """)

    @Option(help: "Where everything is kept.")
    var data: String?

    @Option(help: "Port of the gateway; the local forge takes the next one.")
    var port: Int?

    @Option(help: "Worker processes.")
    var workers = 2

    @Option(help: "Agent processes.")
    var agents = 2

    /// Agents that carry out nothing: for measurements.
    @Option(help: .hidden) var executor = AgentExecutor.process

    @OptionGroup var options: CommandOptions

    func validate() throws {
        guard (0...100).contains(workers), (0...100).contains(agents) else {
            throw ValidationError("--workers and --agents take 0 to 100")
        }
    }

    func run() async throws {
        var settings = try options.settings()
        try settings.set("data.folder", data)
        try settings.set("gateway.port", port.map(String.init))
        let folder = URL(filePath: settings.dataFolder).standardizedFileURL.path
        try FileManager.default.createDirectory(atPath: folder + "/log", withIntermediateDirectories: true)
        if let state = SupervisorState.read(from: folder), state.supervisor.isAlive {
            throw SettingsError(
                "a fleet already runs in \(folder) (process \(state.supervisor.pid)); 'slipway down' stops it")
        }
        let environment = ProcessInfo.processInfo.environment
        var logger = Logger(label: "slipway.up")
        logger.logLevel = Logger.Level(rawValue: settings.logLevel) ?? .info

        var services: PrivateServices?
        var endpoints: ServiceEndpoints?
        if environment["DATABASE_URL"] == nil || environment["AMQP_URL"] == nil {
            let own = PrivateServices(folder: folder + "/services", onProgress: { [logger] in logger.info("\($0)") })
            services = own
            endpoints = try await own.start()
        }
        let fleet = LocalFleet(
            folder: folder, port: settings.port, forgePort: settings.port + 1,
            databaseURL: environment["DATABASE_URL"] ?? endpoints?.databaseURL ?? settings.databaseURL.reveal,
            amqpURL: environment["AMQP_URL"] ?? endpoints?.amqpURL ?? settings.amqpURL.reveal,
            forge: Self.hasForge(settings, environment) ? nil : try LocalForgeSecrets.load(root: folder + "/forge"),
            settings: settings, workers: workers, agents: agents, executor: executor)
        do {
            try await supervise(fleet, services: services, logger: logger)
        } catch {
            await services?.stop()
            throw error
        }
        await services?.stop()
        try? FileManager.default.removeItem(atPath: SupervisorState.path(folder))
        logger.info("everything has stopped")
    }

    private static func hasForge(_ settings: Settings, _ environment: [String: String]) -> Bool {
        settings.forgeURL != Settings().forgeURL || environment["SLIPWAY_FORGE_URL"] != nil
    }

    private func supervise(_ fleet: LocalFleet, services: PrivateServices?, logger: Logger) async throws {
        guard let identity = ProcessIdentity(pid: getpid()) else {
            throw SettingsError("/proc does not show this process; 'slipway up' needs a mounted /proc")
        }
        let executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let supervisor = try Supervisor(
            folder: fleet.folder, executable: executable, identity: identity, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            // From here on: a service may end before the fleet has begun.
            if let services {
                let keeper = ServiceKeeper(services: services, amqpURL: fleet.amqpURL, logger: logger)
                group.addTask { await keeper.run() }
            }
            try await migrate(fleet, executable)
            try fleet.writeEnvironment(token: try await token(fleet, logger))
            let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
            logger.info("the gateway listens on \(fleet.gatewayURL), the forge on \(fleet.forgeURL)")
            group.addTask { await supervisor.run(fleet.children) }
            for await signal in signals {
                logger.info("stopping (\(signal))")
                break
            }
            group.cancelAll()
        }
    }

    /// In a process of its own, so that the supervisor stays small.
    private func migrate(_ fleet: LocalFleet, _ executable: String) async throws {
        let log = fleet.folder + "/log/migrate.log"
        let status = try await Child(
            name: "migrate", role: "migrate", arguments: ["migrate"], environment: fleet.environment
        ).run(executable, log: log)
        guard case .exited(0) = status else {
            throw SettingsError("the schema could not be brought up to date (\(status)); \(log) says why")
        }
    }

    /// The token of whoever owns the data folder: made once, kept in its environment file.
    private func token(_ fleet: LocalFleet, _ logger: Logger) async throws -> String {
        let pool = PostgresPool(configuration: try PostgresConfiguration(url: fleet.databaseURL), logger: logger)
        let store = TokenStore(pool)
        do {
            var text = LocalFleet.readEnvironment(fleet.folder)["SLIPWAY_TOKEN"]
            if let known = text, try await store.identity(for: known, proof: .bearer) == nil { text = nil }
            let token: String
            if let text {
                token = text
            } else {
                token = try await store.create(owner: "local", scopes: [.admin]).text
            }
            await pool.close()
            return token
        } catch {
            await pool.close()
            throw error
        }
    }
}
