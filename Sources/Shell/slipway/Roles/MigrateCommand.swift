import ArgumentParser
import Fleet
import Logging
import Postgres
import RoomKit

struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Bring the database's schema up to this version. Safe to run twice, or twice at once.")

    @OptionGroup var options: CommandOptions

    func run() async throws {
        try await options.withFleet { settings, bus in
            try await waitUntilReachable(bus.database.configuration, logger: bus.logger)
            let rooms = try makeRooms(settings, bus: bus)
            let applied = try await Migrator.migrate(bus.database, House.migrations(rooms), logger: bus.logger)
            let workers = rooms.flatMap(\.workers)
            try await bus.subscribe(workers)
            try await bus.unsubscribeOthers(than: workers)
            for name in applied { print("applied \(name)") }
            print(
                applied.isEmpty
                    ? "the schema is up to date" : "the schema is up to date, \(applied.count) migrations applied")
        }
    }
}
