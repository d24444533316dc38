import Fleet
import Hummingbird
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
