package import Forge
import FoundationEssentials
import Hummingbird
package import Logging
import NIOCore
import SlipwayModel
import Synchronization

/// A forge for one machine and for tests: GitHub's REST API (below `/api/v3`), its Apps and its web flow, git over smart
/// HTTP, signed webhooks and small pages, on bare git repositories in a folder.
///
/// It is made for loopback. Whoever reaches its port may read everything and push under any known user's name; the
/// tokens protect the REST API's writes alone.
package final class LocalForgeServer: Sendable {
    package let configuration: LocalForgeConfiguration
    /// Misbehaviour on purpose, for tests.
    package let faults = FaultInjector()
    /// Counts and limits the calls of the API.
    package let meter: RateMeter
    private let logger: Logger
    private let site: ForgeSite
    private let directory: RepositoryDirectory
    private let apps: AppRegistry
    private let web: WebURL

    /// Where the server is reached; its port is known only once it listens.
    private final class WebURL: Sendable {
        private let text: Mutex<String>

        init(_ text: String) { self.text = Mutex(text) }

        var value: String {
            get { text.withLock { $0 } }
            set { text.withLock { $0 = newValue } }
        }
    }

    /// Reads the accounts below the root; the repositories are read by `run`.
    package init(_ configuration: LocalForgeConfiguration, logger: Logger) throws {
        self.configuration = configuration
        self.logger = logger
        try FileManager.default.createDirectory(atPath: configuration.root, withIntermediateDirectories: true)
        let accounts = try Accounts(path: "\(configuration.root)/accounts.json")
        try accounts.ensureUser(LocalForgeConfiguration.adminLogin)
        try accounts.ensureUser(configuration.botLogin, type: "Bot")
        let web = WebURL("http://\(configuration.host):\(configuration.port)")
        self.web = web
        site = ForgeSite(
            accounts: accounts,
            hook: configuration.hookURL.map { ForgeSite.Hook(url: $0, secret: configuration.hookSecret) },
            webURL: { web.value })
        directory = RepositoryDirectory(root: configuration.root, site: site)
        apps = AppRegistry(app: configuration.app, accounts: accounts, now: configuration.now)
        meter = RateMeter(limit: configuration.rateLimit, now: configuration.now)
    }

    /// Serves until the task is cancelled or its service group shuts down.
    ///
    /// - Parameter onListening: Called once with the address to reach it by.
    package func run(onListening: @escaping @Sendable (ForgeAddress) async -> Void = { _ in }) async throws {
        try await directory.load(logger: logger)
        let application = Application(
            router: router(),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: nil),
            onServerRunning: { channel in
                if let port = channel.localAddress?.port {
                    self.web.value = "http://\(self.configuration.host):\(port)"
                }
                self.logger.info("the forge listens on \(self.web.value)")
                if let address = try? ForgeAddress(url: self.web.value) { await onListening(address) }
            },
            logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            group.addTask { await DeliverySender(logger: self.logger).run(self.directory) }
            // The application ends by itself only at a shutdown; the sender then has nobody left to send for.
            try await group.next()
            group.cancelAll()
        }
    }

    private func router() -> Router<LocalForgeContext> {
        let router = Router(context: LocalForgeContext.self)
        router.add(middleware: RefusalMiddleware(logger: logger))
        router.add(middleware: FaultMiddleware(faults: faults, apps: apps, webURL: site.webURL))
        router.add(
            middleware: AuthenticationMiddleware(configuration: configuration, accounts: site.accounts, apps: apps))
        router.add(middleware: MeterMiddleware(meter: meter))
        let api = router.group("api/v3")
        AccountRoutes(directory: directory, site: site).add(to: api)
        RepositoryRoutes(directory: directory, site: site).add(to: api)
        PullRoutes(directory: directory, site: site).add(to: api)
        PeopleRoutes(directory: directory, site: site).add(to: api)
        HookRoutes(directory: directory, site: site).add(to: api)
        AppRoutes(directory: directory, site: site, apps: apps, appID: configuration.app?.id).add(to: api)
        OAuthRoutes(accounts: site.accounts, apps: apps, client: configuration.oauth).add(to: router)
        SmartHTTP(directory: directory, accounts: site.accounts, root: configuration.root).add(to: router)
        ForgePages(directory: directory, site: site).add(to: router)
        return router
    }
}
