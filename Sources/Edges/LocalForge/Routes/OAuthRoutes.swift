import Forge
import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import Signatures

/// GitHub's web application flow: a page on which one chooses who to be, and the exchange of the code it gives for a
/// token. Source: GitHub's "Authorizing OAuth apps".
struct OAuthRoutes {
    let accounts: Accounts
    let apps: AppRegistry
    let client: LocalForgeConfiguration.OAuthClient?

    /// Longest form, in bytes.
    private static let formLimit = 16 << 10

    func add(to router: Router<LocalForgeContext>) {
        router.get("login/oauth/authorize") { request, _ in
            let asked = try Asked(Self.fields(of: request.uri.query ?? ""), client)
            let users = accounts.snapshot.users.values.filter {
                $0.type == "User" && $0.login != LocalForgeConfiguration.adminLogin
            }.map(\.login).sorted()
            let form: [HTML] = [
                .paragraph([.text("Slipway asks who you are. Nobody has a password here: choose a user.")]),
                .form(
                    action: "/login/oauth/authorize", hidden: asked.fields,
                    choices: users.map { (name: "login", value: $0) }),
            ]
            return ForgePages.page("Sign in", form)
        }
        router.post("login/oauth/authorize") { request, context in
            let fields = try await form(request)
            let asked = try Asked(fields, client)
            guard let login = fields["login"], login != LocalForgeConfiguration.adminLogin,
                accounts.snapshot.users[login]?.type == "User"
            else {
                throw ForgeRefusal(status: 422, message: "There is no such user; go back and choose another.")
            }
            let code = apps.issueCode(
                AppRegistry.AuthorizationCode(
                    login: login, redirectURL: asked.redirectURL, challenge: asked.challenge))
            let separator = asked.redirectURL.contains("?") ? "&" : "?"
            let state = percentEncoded(asked.state, keeping: [])
            return Response(
                status: .found,
                headers: [.location: "\(asked.redirectURL)\(separator)code=\(code)&state=\(state)"])
        }
        router.post("login/oauth/access_token") { request, _ in try exchange(try await form(request)) }
    }

    /// GitHub answers 200 also where it refuses.
    private func exchange(_ fields: [String: String]) throws -> Response {
        func refuse(_ error: String, _ description: String) -> Response {
            Response.json(["error": error, "error_description": description])
        }
        guard let client, fields["client_id"] == client.id,
            constantTimeEquals(fields["client_secret"] ?? "", client.secret)
        else {
            return refuse("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.")
        }
        guard let code = apps.takeCode(fields["code"] ?? "") else {
            return refuse("bad_verification_code", "The code passed is incorrect or expired.")
        }
        guard fields["redirect_uri"].map({ $0 == code.redirectURL }) ?? true else {
            return refuse(
                "redirect_uri_mismatch",
                "The redirect_uri MUST match the registered callback URL for this application.")
        }
        if let challenge = code.challenge {
            guard Base64URL.encode(SHA256.hash(fields["code_verifier"] ?? "")) == challenge else {
                return refuse("bad_verification_code", "The code_verifier does not match the code_challenge.")
            }
        }
        return Response.json([
            "access_token": apps.issueToken(user: code.login).text, "token_type": "bearer", "scope": "read:org",
        ])
    }

    private func form(_ request: Request) async throws -> [String: String] {
        Self.fields(of: String(buffer: try await request.body.collect(upTo: Self.formLimit)))
    }

    /// The names and values of a query or a form.
    private static func fields(of text: String) -> [String: String] {
        var fields: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count == 2 ? percentDecoded(parts[1].replacing("+", with: " ")) : ""
            fields[percentDecoded(parts[0])] = value
        }
        return fields
    }

    /// What the application that sends the browser here asks for.
    private struct Asked {
        var redirectURL: String
        var state: String
        var challenge: String?
        var fields: [(name: String, value: String)]

        init(_ parameters: [String: String], _ client: LocalForgeConfiguration.OAuthClient?) throws {
            guard let client, parameters["client_id"] == client.id else {
                throw ForgeRefusal(status: 404, message: "No application of that client_id is registered here.")
            }
            guard let url = parameters["redirect_uri"], url.hasPrefix("http://") || url.hasPrefix("https://"),
                url.utf8.count <= 2048, !url.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F })
            else { throw ForgeRefusal(status: 400, message: "The redirect_uri is missing or is no address.") }
            guard parameters["code_challenge"] == nil || parameters["code_challenge_method"] == "S256" else {
                throw ForgeRefusal(status: 400, message: "The code_challenge_method must be S256.")
            }
            redirectURL = url
            state = parameters["state"] ?? ""
            challenge = parameters["code_challenge"]
            fields = ["client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method"].compactMap {
                name in parameters[name].map { (name, $0) }
            }
        }
    }
}
