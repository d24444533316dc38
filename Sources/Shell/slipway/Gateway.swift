import Fleet
import Hummingbird
import Leases
import Logging
import RoomKit
import ServiceLifecycle
import Web

/// The gateway's HTTP side: every room's routes behind the common frame.
func makeGateway(_ process: FleetProcess) throws -> some Service {
    let router = WebServer.router(
        site: Site(publicURL: process.settings.publicURL), tokens: TokenStore(process.database),
        login: try makeLogin(process.settings),
        observe: { [instruments = process.instruments] observation in
            instruments.observe(
                "slipway_http_seconds",
                ["method": observation.method, "route": observation.route, "status": "\(observation.status)"],
                observation.duration)
        })
    router.addHealth(process.health, process.instruments)
    for room in process.rooms { room.addRoutes(to: router) }
    return WebServer.application(
        router, host: process.settings.host, port: process.settings.port, logger: process.logger)
}

/// Boskos's HTTP API on a listener of its own, where the settings name one.
func makeBoskos(_ process: FleetProcess) throws -> [any Service] {
    guard let listen = process.settings.boskosListen,
        let leases = process.rooms.compactMap({ $0 as? LeasesService }).first
    else { return [] }
    guard let colon = listen.lastIndex(of: ":"), let port = Int(listen[listen.index(after: colon)...]),
        (0...65535).contains(port)
    else {
        throw SettingsError("leases.boskos_listen is '\(listen)'; it takes HOST:PORT, e.g. 127.0.0.1:8082")
    }
    var host = String(listen[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    let isLoopback = host == "localhost" || host == "::1" || host.hasPrefix("127.")
    return [
        leases.boskos(
            host: host, port: port, allowsAnybody: isLoopback || process.settings.boskosAnonymous,
            instruments: process.instruments, logger: process.logger)
    ]
}
