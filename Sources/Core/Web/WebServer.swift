package import Hummingbird
package import Logging
import NIOCore

/// Puts the gateway's HTTP side together.
package enum WebServer {
    /// A router with everything that is common to all pages: traces, logs, security headers, compression, errors,
    /// identity, sign-in and Web's assets. Rooms add their routes to it afterwards.
    /// - Parameters:
    ///   - tokens: nil where nobody can sign in with one.
    ///   - login: nil where nobody can sign in by the forge.
    ///   - observe: told of every answer, for metrics.
    package static func router(
        site: Site = Site(), tokens: TokenStore?, login: ForgeLogin? = nil,
        observe: (@Sendable (RequestObservation) -> Void)? = nil
    ) -> Router<SlipwayContext> {
        let router = Router(context: SlipwayContext.self, options: .autoGenerateHeadEndpoints)
        router.addMiddleware {
            FrameMiddleware(site: site, observe: observe)
            DeliveryMiddleware()
            AuthenticationMiddleware(tokens: tokens, login: login)
            ErrorPages()
            BoundsMiddleware()
        }
        WebAssets.set.addRoutes(to: router)
        SignIn.addRoutes(to: router, tokens: tokens, login: login)
        if let login { ForgeSignIn.addRoutes(to: router, login: login) }
        return router
    }

    /// The server itself: bounded headers, idle connections closed after two minutes.
    /// - Parameters:
    ///   - port: 0 for any free one.
    ///   - onPort: told the port once the server listens.
    package static func application(
        _ router: Router<SlipwayContext>, host: String, port: Int, logger: Logger,
        onPort: @escaping @Sendable (Int) async -> Void = { _ in }
    ) -> Application<RouterResponder<SlipwayContext>> {
        Application(
            responder: router.buildResponder(),
            server: .http1(
                configuration: .init(
                    idleTimeout: .seconds(120),
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 64 << 10, maxHeaderFieldCount: 100))),
            configuration: ApplicationConfiguration(address: .hostname(host, port: port), serverName: "slipway"),
            onServerRunning: { channel in await onPort(channel.localAddress?.port ?? port) }, logger: logger)
    }
}
