import ArgumentParser
import Hummingbird
import Logging
import RoomKit
import Web

struct GatewayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway", abstract: "Serve webhooks, periodic triggers, the HTTP API and the pages.")

    @Option(help: "Port to listen on; gateway.port of the settings by default.")
    var port: Int?

    @Option(help: "HOST:PORT of Boskos's HTTP API; leases.boskos_listen of the settings by default.")
    var boskosListen: String?

    @OptionGroup var options: CommandOptions

    func run() async throws {
        var settings = try options.settings()
        try settings.set("gateway.port", port.map(String.init))
        try settings.set("leases.boskos_listen", boskosListen)
        let process = try await FleetProcess(role: "gateway", settings: settings) { [settings] bus in
            try makeRooms(settings, bus: bus)
        }
        process.observeFleet()
        let application = try makeGateway(process)
        try await process.run(
            [application] + (try makeBoskos(process)) + process.runners(of: process.rooms.flatMap(\.gatewayChores)))
    }
}
