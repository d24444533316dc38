package import Fleet
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

    package init(bus: FleetBus, settings: Settings) {
        self.bus = bus
        hook = HookRoutes(
            intake: DeliveryIntake(bus), normaliser: DeliveryNormaliser(bot: settings.forgeBot),
            secrets: settings.webhookSecrets)
        periodics = PeriodicChore(bus)
    }

    package var migrations: [Migration] {
        [
            Migration(
                name: "m202611240110_triggers_foundation",
                bytes: PackageResources.m202611240110_triggers_foundation_sql)
        ]
    }

    package var statements: [Statement] { TriggersStore.all }

    package var gatewayChores: [Chore] {
        [
            periodics.chore,
            Chore(name: "deliveries-trimming", every: .seconds(600), owner: .single) { [bus] in
                try await bus.database.execute(TriggersStore.trimDeliveries)
            },
        ]
    }

    package func addRoutes(to router: Router<SlipwayContext>) { hook.add(to: router) }
}
