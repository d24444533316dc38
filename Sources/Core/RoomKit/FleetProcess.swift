package import AMQP
package import Fleet
import FoundationEssentials
import Hummingbird
package import Logging
package import Postgres
package import ServiceLifecycle
import UnixSignals
import Web

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One process of the fleet: its connections, its figures, and the services that run in it until shutdown.
package struct FleetProcess: Sendable {
    package let settings: Settings
    package let role: String
    package let rooms: [any Room]
    package let database: PostgresPool
    package let bus: FleetBus
    package let broker: BrokerAddress
    package let instruments: Instruments
    package let health: Health
    package let logger: Logger
    private let publisher: OutboxPublisher
    private let brokerPublisher: BrokerPublisher
    private let member: FleetMember
    private let activity = Activity()
    private let choreLocks: ChoreLocks

    /// Connects, waiting with a clear line for a database or broker that is not there yet and for a schema that is
    /// behind.
    ///
    /// - Parameter rooms: made from the bus, because services hold it.
    package init(
        role: String, settings: Settings, rooms makeRooms: (FleetBus) throws -> [any Room]
    ) async throws {
        var logger = Logger(label: "slipway.\(role)")
        logger.logLevel = Logger.Level(rawValue: settings.logLevel) ?? .info
        self.logger = logger
        self.settings = settings
        self.role = role
        var configuration = try PostgresConfiguration(url: settings.databaseURL.reveal)
        configuration.maximumConnections = settings.databaseConnections
        database = PostgresPool(configuration: configuration, logger: logger)
        choreLocks = ChoreLocks(database)
        broker = try BrokerAddress(url: settings.amqpURL.reveal)
        try await waitUntilReachable(configuration, logger: logger)
        try await Broker.waitUntilReachable(address: broker, logger: logger)

        instruments = Instruments()
        health = Health()
        member = FleetMember(role: role)
        // The rooms list the workers, the workers make the topology, and the publisher declares it before its first
        // message; so a bus without publisher serves to ask for it.
        let sketch = try makeRooms(FleetBus(database: database, publisher: nil, logger: logger))
        try await Self.waitForSchema(sketch, database: database, logger: logger)
        let topology = FleetTopology()
        brokerPublisher = BrokerPublisher(
            address: broker, topology: topology.declarations(workers: sketch.flatMap(\.workers)), logger: logger,
            name: "slipway \(role) publisher")
        publisher = OutboxPublisher(
            broker: brokerPublisher, database: database, topology: topology, logger: logger)
        bus = FleetBus(database: database, publisher: publisher, topology: topology, logger: logger)
        rooms = try makeRooms(bus)
        try await bus.subscribe(rooms.flatMap(\.workers))
        observe()
    }

    /// What every role declares at the broker.
    package var topology: Topology { bus.topology.declarations(workers: rooms.flatMap(\.workers)) }

    /// The consumers of the named workers.
    ///
    /// - Throws: `SettingsError` for a name that no room has.
    package func consumers(of names: [String]) throws -> [any Service] {
        let workers = rooms.flatMap(\.workers)
        return try names.map { name in
            guard let worker = workers.first(where: { $0.name == name }) else {
                let known = workers.map(\.name).sorted().joined(separator: ", ")
                throw SettingsError("there is no worker '\(name)'; there are \(known)")
            }
            let consumer = BrokerConsumer(
                address: broker, topology: topology, queue: bus.topology.queue(of: name), prefetch: 150,
                recreates: true, logger: logger, name: "slipway \(name)")
            return BatchConsumer(
                worker, bus: bus, consumer: consumer, instruments: instruments, activity: activity, logger: logger)
        }
    }

    /// Runners of chores.
    package func runners(of chores: [Chore]) -> [any Service] {
        chores.map { ChoreRunner($0, locks: choreLocks, instruments: instruments, logger: logger) }
    }

    /// The chores of the fleet itself, which every process offers to do.
    package var ownChores: [Chore] {
        [publisher.sweeper, bus.trimming, member.renewal(database, doing: { [activity] in activity.json })]
    }

    /// Runs the services until SIGTERM or SIGINT, then stops them in the opposite order, within 30 s.
    package func run(_ services: [any Service]) async throws {
        let all: [any Service] = [publisher] + runners(of: ownChores) + healthServer + services
        var configuration = ServiceGroupConfiguration(
            services: all.map {
                .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup)
            },
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: Logger(label: "slipway.lifecycle") { _ in
                SwiftLogNoOpLogHandler()
            })
        configuration.maximumGracefulShutdownDuration = .seconds(30)
        logger.info("\(role) is ready")
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch {
            await close()
            throw error
        }
        await close()
        logger.info("\(role) has stopped")
    }

    private func close() async {
        await member.leave(database)
        await brokerPublisher.close()
        await database.close()
    }

    private var healthServer: [any Service] {
        guard let port = settings.healthPort, role != "gateway" else { return [] }
        let router = Router()
        router.addHealth(health, instruments)
        return [
            Application(
                router: router,
                configuration: ApplicationConfiguration(
                    address: .hostname(settings.healthHost, port: port), serverName: "slipway"),
                logger: Logger(label: "slipway.health") { _ in SwiftLogNoOpLogHandler() })
        ]
    }

    private func observe() {
        health.add("postgresql") { [database] in
            do {
                _ = try await database.query("select 1")
                return nil
            } catch {
                return "\(error)"
            }
        }
        health.add("rabbitmq") { [brokerPublisher] in
            await brokerPublisher.isBlocked ? "the broker has blocked publishing (memory or disk alarm)" : nil
        }
        instruments.collect { [database] instruments in
            let pool = database.statistics
            instruments.set("slipway_pool_connections", ["state": "idle"], to: Double(pool.idle))
            instruments.set("slipway_pool_connections", ["state": "used"], to: Double(pool.open - pool.idle))
            instruments.set("slipway_pool_waiting", to: Double(pool.waiting))
        }
    }

    /// Adds the figures of the whole fleet, which one process of each kind tells for all: the gateway.
    package func observeFleet() {
        instruments.collect { [database] instruments in
            for row in (try? await database.execute(FleetSchema.backlog)).map(Array.init) ?? [] {
                guard let (worker, count, age) = try? row.decode((String, Int, Double).self) else { continue }
                instruments.set("slipway_outbox_messages", ["worker": worker], to: Double(count))
                instruments.set("slipway_outbox_age_seconds", ["worker": worker], to: age)
            }
            if let row = try? await database.execute(FleetSchema.countDeadLetters).first,
                let count = try? row.decode(Int.self)
            {
                instruments.set("slipway_dead_letters", to: Double(count))
            }
        }
        for room in rooms { room.observe(instruments) }
    }

    private static func waitForSchema(_ rooms: [any Room], database: PostgresPool, logger: Logger) async throws {
        let migrations = House.migrations(rooms)
        var announced = false
        while true {
            let missing = try await Migrator.pending(database, migrations)
            guard !missing.isEmpty else { return }
            if !announced {
                logger.warning(
                    "the schema is behind by \(missing.count) migrations (next: \(missing[0])); run 'slipway migrate'; waiting"
                )
            }
            announced = true
            try await Task.sleep(for: .seconds(1))
        }
    }
}

/// What belongs to no room but to the whole house.
package enum House {
    /// The migrations of all floors, in one order.
    package static func migrations(_ rooms: [any Room]) -> [Migration] {
        FleetSchema.migrations + TokenStore.migrations + rooms.flatMap(\.migrations)
    }
}
