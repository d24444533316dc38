import ArgumentParser
import Forge
import LocalForge
import Logging
import RoomKit
import ServiceLifecycle
import UnixSignals

struct ForgeServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve a local forge until stopped.",
        discussion: """
            Its tokens and the secret of its deliveries are made at the first start and kept in secrets.json in its \
            folder, readable by its owner alone.
            """)

    @Option(help: "Where its repositories lie; `forge` below data.folder by default.")
    var root: String?

    @Option(help: "Address to listen on. Whoever reaches it may push under any user's name.")
    var host = "127.0.0.1"

    @Option(help: "Port to listen on.")
    var port = 8081

    @Option(name: .customLong("hook"), help: "Where deliveries go; the gateway's /hook by default, none where empty.")
    var hookURL: String?

    @OptionGroup var options: CommandOptions

    /// Where a forge of this machine lies by default.
    static func root(_ settings: Settings) -> String { "\(settings.dataFolder)/forge" }

    func run() async throws {
        let settings = try options.settings()
        let root = root ?? Self.root(settings)
        let secrets = try LocalForgeSecrets.load(root: root)
        let hook = hookURL ?? "\(settings.pageURL)/hook"
        var logger = Logger(label: "slipway.forge")
        logger.logLevel = Logger.Level(rawValue: settings.logLevel) ?? .info
        var configuration = LocalForgeConfiguration(
            root: root, host: host, port: port, hookURL: hook.isEmpty ? nil : hook, hookSecret: secrets.hookSecret,
            adminToken: secrets.adminToken, botToken: secrets.botToken, botLogin: settings.forgeBot)
        configuration.oauth = LocalForgeConfiguration.OAuthClient(
            id: LocalForgeSecrets.oauthID, secret: secrets.oauthSecret)
        let server = try LocalForgeServer(configuration, logger: logger)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [ForgeService(server: server)], gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger))
        try await group.run()
    }

    private struct ForgeService: Service {
        let server: LocalForgeServer

        func run() async throws {
            try await server.run()
        }
    }
}
