import HTTPTypes
import Hummingbird

/// Finds out who asks, by a bearer token or the sign-in cookie, and refuses what another site made a browser send.
struct AuthenticationMiddleware: RouterMiddleware {
    typealias Context = SlipwayContext

    static let cookieName = "slipway_token"

    let tokens: TokenStore?
    let login: ForgeLogin?

    func handle(
        _ request: Request, context: SlipwayContext, next: (Request, SlipwayContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        do {
            let cookie = Self.cookie(Self.cookieName, of: request)
            let session = Self.cookie(ForgeSignIn.sessionCookie, of: request)
            let authorization = request.headers[.authorization]
            let isUnsafe = ![.get, .head, .options].contains(request.method)
            if isUnsafe, authorization == nil {
                try Self.checkOrigin(request, context.site, hasCookie: cookie != nil || session != nil)
            }
            if let authorization {
                context.identity = try await identity(authorization)
            } else if let cookie {
                // A cookie that no longer counts leaves its bearer anonymous: the page offers to sign in again.
                context.identity = try await tokens?.identity(for: cookie, proof: .cookie)
            }
            if authorization == nil, context.identity == nil, let session {
                context.identity = login?.identity(for: session)
            }
        } catch {
            return ErrorPages.response(to: error, request, context)
        }
        return try await next(request, context)
    }

    private static func cookie(_ name: String, of request: Request) -> String? {
        request.headers[.cookie] == nil ? nil : request.cookies[name]?.value
    }

    private func identity(_ authorization: String) async throws -> Identity {
        let parts = authorization.split(separator: " ", omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else {
            throw WebError(
                .unauthorized, "The Authorization header is not 'Bearer slw_…'; other schemes are not served.",
                headers: [.wwwAuthenticate: "Bearer"])
        }
        guard let identity = try await tokens?.identity(for: parts[1], proof: .bearer) else {
            throw WebError(
                .unauthorized,
                "The token is unknown, expired or revoked. `slipway token list` shows which there are.",
                headers: [.wwwAuthenticate: "Bearer error=\"invalid_token\""])
        }
        return identity
    }

    /// A browser says where a request comes from. With a cookie it must be this site; without one it must not be
    /// another. Programs send neither header and no cookie.
    static func checkOrigin(_ request: Request, _ site: Site, hasCookie: Bool) throws(WebError) {
        let refusal = WebError(
            .forbidden,
            "This request came from another site's page, so nothing was done. Repeat it on Slipway's own page, or send "
                + "a bearer token.")
        if let fetchSite = request.headers[.secFetchSite] {
            guard fetchSite == "same-origin" || fetchSite == "none" else { throw refusal }
            return
        }
        guard let origin = request.headers[.origin] else {
            if hasCookie { throw refusal }
            return
        }
        let here = [request.head.authority?.lowercased(), site.publicAuthority]
        guard let authority = Site.authority(of: origin), here.contains(authority) else { throw refusal }
    }
}

extension HTTPField.Name {
    static let secFetchSite = HTTPField.Name("Sec-Fetch-Site") ?? .origin
    static let traceparent = HTTPField.Name("traceparent") ?? .origin
    static let xFrameOptions = HTTPField.Name("X-Frame-Options") ?? .origin
    static let referrerPolicy = HTTPField.Name("Referrer-Policy") ?? .origin
    static let permissionsPolicy = HTTPField.Name("Permissions-Policy") ?? .origin
    static let crossOriginOpenerPolicy = HTTPField.Name("Cross-Origin-Opener-Policy") ?? .origin
    static let slipwayTrace = HTTPField.Name("Slipway-Trace") ?? .origin
}
