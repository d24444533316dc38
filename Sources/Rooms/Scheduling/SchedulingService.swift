package import Fleet
package import Forge
package import Git
package import Hummingbird
import JobConfig
package import Postgres
package import RoomKit
package import SlipwayModel
package import Web

/// Decides which jobs run, when and on which cluster, and keeps the books of runs and of the configuration.
package struct SchedulingService: Room {
    package let name = "scheduling"
    /// Where agents claim, keep and complete attempts.
    package let ledger: SchedulingLedger
    package let runs: RunOperations
    private let routes: SchedulingRoutes
    private let worker: SchedulingWorker
    private let reaper: Reaper
    private let watcher: ConfigurationWatcher?
    private let database: PostgresPool

    /// - Parameters:
    ///   - mirrors: copies of the forge's repositories; by default this room's own, where the settings put them.
    ///   - trust: who may start runs.
    package init(
        bus: FleetBus, forge: ForgeClient, mirrors: GitMirrors? = nil, settings: Settings, trust: any TrustJudge
    ) {
        let limits = SchedulingLimits(agentLostAfter: Double(settings.agentLostAfter))
        let configuration = ConfigurationCache()
        database = bus.database
        ledger = SchedulingLedger(bus: bus, limits: limits, forge: forge.address)
        let repositories = RepositoryReader(
            mirrors: mirrors ?? GitMirrors(folder: settings.mirrors, forge: forge))
        runs = RunOperations(bus: bus, configuration: configuration, repositories: repositories, limits: limits)
        routes = SchedulingRoutes(runs: runs, authorization: RunAuthorization(forge: forge, trust: trust))
        worker = SchedulingWorker(
            bus: bus, configuration: configuration,
            reader: ForgeReader(
                forge: forge, trust: trust, bot: settings.forgeBot, repositories: repositories),
            decider: Decider(
                configuration: configuration, topology: bus.topology, limits: limits, bot: settings.forgeBot,
                forge: forge.address, pageURL: settings.pageURL))
        reaper = Reaper(bus: bus, limits: limits)
        watcher = settings.configFolder.map { folder in
            ConfigurationWatcher(
                ConfigurationSources(
                    jobs: folder, prowConfig: settings.prowConfig,
                    supplementalProwConfig: settings.supplementalProwConfig, plugins: settings.pluginsFile,
                    supplementalPlugins: settings.supplementalPlugins),
                store: ConfigurationStore(bus), logger: bus.logger)
        }
    }

    package static let migrations = [
        Migration(
            name: "m202611240120_scheduling_foundation",
            bytes: PackageResources.m202611240120_scheduling_foundation_sql)
    ]

    package var migrations: [Migration] { Self.migrations }

    package var statements: [Statement] { SchedulingStore.all }

    package var workers: [any Worker] { [worker] }

    package var chores: [Chore] {
        [Chore(name: "scheduling-reaper", every: .seconds(2), owner: .single) { [reaper] in try await reaper.round() }]
    }

    package var gatewayChores: [Chore] {
        guard let watcher else { return [] }
        return [Chore(name: "configuration-watch", every: .seconds(2)) { try await watcher.round() }]
    }

    package func observe(_ instruments: Instruments) { SchedulingFigures(database: database).observe(instruments) }

    package func addRoutes(to router: Router<SlipwayContext>) { routes.add(to: router) }
}
