import HTTPTypes
import Hummingbird
import Logging
import Signatures

/// `/login/forge` sends a browser to the forge, `/login/forge/callback` takes it back.
enum ForgeSignIn {
    static let sessionCookie = "slipway_session"
    private static let nonceCookie = "slipway_login"

    static func addRoutes(to router: Router<SlipwayContext>, login: ForgeLogin) {
        router.get("/login/forge") { request, context in
            let next = Link.local(try request.query()["next"]) ?? "/"
            let nonce = Hexadecimal.encode(secureRandomBytes(16))
            var response = Response(status: .seeOther)
            response.headers[.location] = login.provider.authorizationURL(
                callback: login.callback, state: try login.state(nonce: nonce, next: next),
                challenge: Base64URL.encode(SHA256.hash(login.verifier(nonce: nonce))))
            response.headers[.cacheControl] = "no-store"
            response.setCookie(cookie(nonceCookie, nonce, seconds: ForgeLogin.stateSeconds, context))
            return response
        }
        router.get("/login/forge/callback") { request, context in
            var response = try await finish(request, context, login)
            // Whatever came of it, the nonce has served.
            response.setCookie(cookie(nonceCookie, "", seconds: 0, context))
            response.headers[.cacheControl] = "no-store"
            return response
        }
    }

    private static func finish(
        _ request: Request, _ context: SlipwayContext, _ login: ForgeLogin
    ) async throws -> Response {
        func refuse(_ problem: String, _ status: HTTPResponse.Status) -> Response {
            SignIn.page(next: "/", problem: problem, context: context, login: login, status: status)
        }
        let query = try request.query()
        guard let nonce = request.cookies[nonceCookie]?.value, !nonce.isEmpty, let state = query["state"],
            let next = login.next(state, nonce: nonce)
        else {
            return refuse(
                "This sign-in was not begun in this browser, or took longer than ten minutes. Begin again.", .forbidden)
        }
        guard let code = try query.text("code") else {
            let reason = try query.text("error_description", maximum: 500) ?? query.text("error") ?? "it gave no reason"
            return refuse("\(login.provider.name) did not sign you in: \(reason).", .forbidden)
        }
        let name: String
        do {
            name = try await login.provider.login(
                code: code, callback: login.callback, verifier: login.verifier(nonce: nonce))
        } catch {
            context.logger.warning("a sign-in at \(login.provider.name) failed: \(error)")
            return refuse("\(login.provider.name) could not sign you in: \(error).", .badGateway)
        }
        var response = Response.redirect(to: next)
        response.setCookie(
            cookie(sessionCookie, try login.session(of: name), seconds: ForgeLogin.sessionSeconds, context))
        return response
    }

    /// Ends the session of this browser.
    static func forget(_ response: inout Response, _ context: SlipwayContext) {
        response.setCookie(cookie(sessionCookie, "", seconds: 0, context))
    }

    /// Lax, since a browser that comes back from the forge comes from another site; what changes something is checked
    /// for its origin besides.
    private static func cookie(_ name: String, _ value: String, seconds: Int, _ context: SlipwayContext) -> Cookie {
        Cookie(
            name: name, value: value, maxAge: seconds, path: "/", secure: context.site.isSecure, httpOnly: true,
            sameSite: .lax)
    }
}
