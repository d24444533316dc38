import ArgumentParser
import Fleet
import RoomKit

struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Consume queues: one or more of pull-requests, scheduling, merging, aggregation, reporting, leases.")

    @Argument(help: "Names of workers; all of them where none is named.")
    var names: [String] = []

    @OptionGroup var options: CommandOptions

    func run() async throws {
        let settings = try options.settings()
        let process = try await FleetProcess(role: "worker", settings: settings) { bus in
            try makeRooms(settings, bus: bus)
        }
        let all = process.rooms.flatMap(\.workers).map(\.name)
        let consumers = try process.consumers(of: names.isEmpty ? all : names)
        try await process.run(consumers + process.runners(of: process.rooms.flatMap(\.chores)))
    }
}
