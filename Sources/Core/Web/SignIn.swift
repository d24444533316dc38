import HTTPTypes
import Hummingbird

/// `/login` turns a token into a cookie, `/logout` forgets it.
enum SignIn {
    static func addRoutes(to router: Router<SlipwayContext>, tokens: TokenStore?, login: ForgeLogin?) {
        router.get("/login") { request, context in
            let next = Link.local(try request.query()["next"]) ?? "/"
            return page(next: next, problem: nil, context: context, login: login, status: .ok)
        }
        router.post("/login") { request, context in
            let form = try await request.form()
            let next = Link.local(form["next"]) ?? "/"
            let token = (form["token"] ?? "").filter { !$0.isWhitespace }
            guard !token.isEmpty else {
                return page(
                    next: next, problem: "Paste a token first.", context: context, login: login,
                    status: .badRequest)
            }
            guard try await tokens?.identity(for: token, proof: .cookie) != nil else {
                return page(
                    next: next,
                    problem: "That token is unknown, expired or revoked. A token begins with slw_ and is shown once, "
                        + "when `slipway token create` makes it.", context: context, login: login, status: .unauthorized
                )
            }
            var response = Response.redirect(to: next)
            response.setCookie(cookie(token, seconds: 30 * 86_400, context))
            return response
        }
        router.post("/logout") { _, context in
            var response = Response.redirect(to: "/")
            response.setCookie(cookie("", seconds: 0, context))
            ForgeSignIn.forget(&response, context)
            return response
        }
    }

    private static func cookie(_ value: String, seconds: Int, _ context: SlipwayContext) -> Cookie {
        Cookie(
            name: AuthenticationMiddleware.cookieName, value: value, maxAge: seconds, path: "/",
            secure: context.site.isSecure, httpOnly: true, sameSite: .strict)
    }

    static func page(
        next: String, problem: String?, context: SlipwayContext, login: ForgeLogin?, status: HTTPResponse.Status
    ) -> Response {
        TemplateSet.web.page(
            "login",
            [
                "next": .text(next), "problem": .optional(problem),
                "identity": .optional(context.identity?.name),
                "forge": .optional(login?.provider.name),
                "forgePath": .text("/login/forge" + Link.query([("next", next)])),
                "scopes": .optional(
                    context.identity.map { identity in
                        identity.forgeLogin == nil
                            ? identity.scopes.map(\.rawValue).sorted().joined(separator: ", ")
                            : "the account at the forge"
                    }),
            ],
            head: PageHead(title: "Sign in"), context: context, status: status)
    }
}
