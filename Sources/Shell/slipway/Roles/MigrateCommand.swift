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
            let applied = try await Migrator.migrate(
                bus.database, House.migrations(try makeRooms(settings, bus: bus)), logger: bus.logger)
            for name in applied { print("applied \(name)") }
            print(
                applied.isEmpty
                    ? "the schema is up to date" : "the schema is up to date, \(applied.count) migrations applied")
        }
    }
}
