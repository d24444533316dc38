package import Fleet
package import Hummingbird
package import Logging
package import Postgres
package import RoomKit
package import Web

/// Leases what there is only so much of: test machines, accounts, clusters. Boskos's successor.
package struct LeasesService: Room {
    package let name = "leases"
    package let desk: LeaseDesk
    private let runs: RunLeases
    private let worker: LeasesWorker
    private let caretaker: Caretaker
    private let janitor: Janitor
    private let mason: Mason
    private let watcher: LeaseConfigurationWatcher?
    private let bus: FleetBus
    private let settings: Settings
    private let routes: LeasesRoutes

    package init(bus: FleetBus, settings: Settings) {
        self.bus = bus
        self.settings = settings
        desk = LeaseDesk(bus: bus)
        runs = RunLeases(desk: desk)
        worker = LeasesWorker(runs: runs)
        caretaker = Caretaker(desk: desk, runs: runs, database: bus.database, logger: bus.logger)
        janitor = Janitor(desk: desk, logger: bus.logger)
        mason = Mason(desk: desk)
        watcher = settings.leasesConfig.map {
            LeaseConfigurationWatcher(file: $0, store: LeaseConfigurationStore(bus), logger: bus.logger)
        }
        routes = LeasesRoutes(desk: desk)
    }

    package static let migrations = [
        Migration(
            name: "m202611250230_leases_foundation", bytes: PackageResources.m202611250230_leases_foundation_sql)
    ]

    package var migrations: [Migration] { Self.migrations }

    package var statements: [Statement] { LeasesStore.all }

    package var workers: [any Worker] { [worker] }

    package var chores: [Chore] {
        [
            Chore(name: "lease-caretaker", every: .seconds(2), owner: .single) { [caretaker] in
                try await caretaker.round()
            },
            Chore(name: "lease-places", every: .seconds(3), owner: .single) { [runs] in try await runs.tellPlaces() },
            Chore(name: "lease-janitor", every: .seconds(2)) { [janitor] in try await janitor.run() },
            Chore(name: "lease-mason", every: .seconds(2), owner: .single) { [mason] in try await mason.round() },
            Chore(name: "lease-samples", every: .seconds(60), owner: .single) { [caretaker] in
                try await caretaker.sample()
            },
        ]
    }

    package var gatewayChores: [Chore] {
        var chores = [
            Chore(name: "lease-news", every: .seconds(1)) { [desk] in try await desk.hearGrants() }
        ]
        if let watcher {
            chores.append(Chore(name: "lease-pools-watch", every: .seconds(2)) { try await watcher.round() })
        }
        return chores
    }

    /// Cleans what is dirty and due, one resource after the other.
    package func cleanOnce() async throws { try await janitor.runOnce() }

    package func addRoutes(to router: Router<SlipwayContext>) {
        routes.add(to: router)
        LeasesPages(database: bus.database).add(to: router)
    }

    package func observe(_ instruments: Instruments) { LeasesFigures(database: bus.database).observe(instruments) }

    /// Boskos's API on a listener of its own.
    ///
    /// - Parameters:
    ///   - allowsAnybody: whether calls without a token are served.
    ///   - onListening: is told the port, once.
    package func boskos(
        host: String, port: Int, allowsAnybody: Bool, instruments: Instruments?, logger: Logger,
        onListening: @escaping @Sendable (Int) -> Void = { _ in }
    ) -> BoskosListener {
        BoskosListener(
            BoskosFace(
                desk: desk, tokens: TokenStore(bus.database), allowsAnybody: allowsAnybody, instruments: instruments),
            host: host, port: port, logger: logger, onListening: onListening)
    }
}
