package import Fleet
package import Forge
package import Hummingbird
package import Postgres
package import RoomKit
package import Web

/// What starts things: webhooks of the forge, and time.
package struct TriggersService: Room {
    package let name = "triggers"
    private let bus: FleetBus
    private let hook: HookRoutes
    private let periodics: PeriodicChore
    private let recovery: Recovery?
    private let plugins: (worker: PluginWorker, sender: PluginSender)?

    /// - Parameter forge: Asked for what it could not deliver; nil recovers nothing.
    package init(
        bus: FleetBus, settings: Settings, forge: ForgeClient? = nil, limits: RecoveryLimits = RecoveryLimits()
    ) {
        self.bus = bus
        hook = HookRoutes(
            intake: DeliveryIntake(bus),
            normaliser: DeliveryNormaliser(bot: settings.forgeBot, poolContext: settings.mergeStatusContext),
            secrets: settings.webhookSecrets)
        periodics = PeriodicChore(bus)
        recovery = forge.map {
            Recovery(bus: bus, forge: $0, hookURL: settings.pageURL + "/hook", limits: limits)
        }
        plugins = settings.pluginsFile.map { path in
            let sender = PluginSender(
                database: bus.database, secrets: settings.webhookSecrets, logger: bus.logger)
            let table = PluginTable(
                path: path, supplementalFolders: settings.supplementalPlugins, logger: bus.logger)
            return (PluginWorker(table: table, wake: sender.wake), sender)
        }
    }

    package var migrations: [Migration] {
        [
            Migration(
                name: "m202611240110_triggers_foundation",
                bytes: PackageResources.m202611240110_triggers_foundation_sql),
            Migration(
                name: "m202611250110_triggers_recovery",
                bytes: PackageResources.m202611250110_triggers_recovery_sql),
        ]
    }

    package var statements: [Statement] { TriggersStore.all + RecoveryStore.all + PluginStore.all }

    package var workers: [any Worker] { plugins.map { [$0.worker] } ?? [] }

    package var chores: [Chore] { plugins.map { [$0.sender.chore] } ?? [] }

    package var gatewayChores: [Chore] {
        [
            periodics.chore,
            Chore(name: "deliveries-trimming", every: .seconds(600), owner: .single) { [bus] in
                try await bus.database.execute(TriggersStore.trimDeliveries)
            },
        ] + [recovery?.chore].compactMap(\.self)
    }

    package func addRoutes(to router: Router<SlipwayContext>) { hook.add(to: router) }
}
