import Forge
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Signatures
import SlipwayModel

/// A request to the forge, and who sends it.
struct LocalForgeContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// Nil for somebody unknown, who may read.
    var login: String?
    /// Whether the admin token came with the request.
    var isSiteAdmin = false
    /// Whether the App asks as itself.
    var isApp = false
    /// Whose calls are counted together.
    var budget = "anonymous"

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
    }

    /// A request's body is read to this size; GitHub's own limit for a payload is 25 MB.
    var maxUploadSize: Int { 2 << 20 }

    /// The login; 401 without one.
    func requireLogin() throws -> String {
        guard let login else { throw ForgeRefusal.unauthenticated }
        return login
    }

    func requireSiteAdmin() throws {
        guard isSiteAdmin else { throw ForgeRefusal.forbidden("this needs the forge's admin token") }
    }

    func repository() throws -> RepositoryName {
        guard let org = parameters.get("org"), let repo = parameters.get("repo"), RepositoryName.isValid(org),
            RepositoryName.isValid(repo)
        else { throw ForgeRefusal.notFound }
        return RepositoryName(org: org, repo: repo)
    }

    /// A part of the path that is a name at a forge.
    func name(_ key: String) throws -> String {
        guard let name = parameters.get(key), RepositoryName.isValid(name) else { throw ForgeRefusal.notFound }
        return name
    }

    func number(_ key: String = "number") throws -> Int {
        guard let number = parameters.get(key, as: Int.self) else { throw ForgeRefusal.notFound }
        return number
    }
}

/// Finds out who sends a request: the bot by its token or as the App's installation; a user by the token that signing in
/// gave; anybody by the admin token and the header `Sudo`.
struct AuthenticationMiddleware: RouterMiddleware {
    let configuration: LocalForgeConfiguration
    let accounts: Accounts
    let apps: AppRegistry

    func handle(
        _ request: Request, context: LocalForgeContext,
        next: (Request, LocalForgeContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        if let header = request.headers[.authorization] {
            let parts = header.split(separator: " ", maxSplits: 1)
            // Basic is git's: a token stands in it as the password of `x-access-token`, as at GitHub; SmartHTTP reads
            // the names of people.
            let token: String? =
                if parts.count == 2, ["bearer", "token"].contains(parts[0].lowercased()) {
                    String(parts[1])
                } else if let basic = SmartHTTP.credentials(header), basic.name == "x-access-token" {
                    basic.password
                } else {
                    nil
                }
            if let token {
                if constantTimeEquals(token, configuration.adminToken) {
                    context.isSiteAdmin = true
                    let name = request.headers[.sudo] ?? LocalForgeConfiguration.adminLogin
                    guard accounts.snapshot.users[name] != nil else {
                        throw ForgeRefusal.forbidden(
                            "there is no user '\(name)'; add it with: slipway forge user add NAME --org ORG --role ROLE"
                        )
                    }
                    context.login = name
                } else if constantTimeEquals(token, configuration.botToken) {
                    context.login = configuration.botLogin
                    context.budget = "bot"
                } else {
                    try identify(token, request, &context)
                }
            }
        }
        return try await next(request, context)
    }

    private func identify(_ token: String, _ request: Request, _ context: inout LocalForgeContext) throws {
        switch try apps.holder(of: token) {
        case .app:
            context.isApp = true
            context.budget = "app"
        case .installation(let org):
            let parts = request.uri.path.split(separator: "/")
            let isWrite = request.method != .get && request.method != .head
            // /api/v3/repos/ORG/…
            if isWrite, parts.count > 3, parts[3].lowercased() != org.lowercased() {
                throw ForgeRefusal.forbidden("Resource not accessible by integration")
            }
            context.login = configuration.botLogin
            context.budget = "installation of \(org)"
        case .user(let login):
            context.login = login
            context.budget = "user \(login)"
        case nil: throw ForgeRefusal.badCredentials
        }
    }
}

extension HTTPField.Name {
    static let sudo = HTTPField.Name("Sudo") ?? .userAgent
    static let link = HTTPField.Name("Link") ?? .userAgent
}

/// Turns refusals into GitHub's answers.
struct RefusalMiddleware: RouterMiddleware {
    let logger: Logger

    func handle(
        _ request: Request, context: LocalForgeContext,
        next: (Request, LocalForgeContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let refusal as ForgeRefusal {
            return refusal.asResponse
        } catch let error as HTTPError {
            let message = error.status == .notFound ? "Not Found" : error.body ?? error.status.reasonPhrase
            return ForgeRefusal(status: error.status.code, message: message).asResponse
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            logger.error("\(request.method) \(request.uri.path) failed: \(error)")
            return ForgeRefusal.failed("the forge failed: \(error)").asResponse
        }
    }
}

extension ForgeRefusal {
    var asResponse: Response {
        struct Body: Encodable {
            var message: String
            var errors: [Reason]?
        }
        var response = Response.json(
            Body(message: message, errors: errors.isEmpty ? nil : errors), status: .init(code: status))
        for (name, value) in headers {
            if let name = HTTPField.Name(name) { response.headers[name] = value }
        }
        return response
    }
}

extension Response {
    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) -> Response {
        guard let bytes = try? JSONEncoder.forge.encode(value) else {
            return Response(status: .internalServerError)
        }
        return Response(
            status: status,
            headers: [.contentType: "application/json; charset=utf-8", .eTag: "\"\(SHA256.hexadecimal(bytes))\""],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    static let noContent = Response(status: .noContent)

    /// One page of a list: `per_page` (30, at most 100) and `page`, with GitHub's Link header.
    static func page(_ elements: [some Encodable], of request: Request, webURL: String) -> Response {
        page(elements, of: request, webURL: webURL) { $0 }
    }

    /// A page in a document of its own.
    static func page<Element>(
        _ elements: [Element], of request: Request, webURL: String, in document: ([Element]) -> some Encodable
    ) -> Response {
        let query = request.uri.queryParameters
        let size = min(max(query.get("per_page", as: Int.self) ?? 30, 1), 100)
        let page = min(max(query.get("page", as: Int.self) ?? 1, 1), 1_000_000)
        let start = min((page - 1) * size, elements.count)
        var response = Response.json(document(Array(elements[start..<min(start + size, elements.count)])))
        let last = max(1, (elements.count + size - 1) / size)
        func link(_ number: Int, _ relation: String) -> String {
            var parts = (request.uri.query ?? "").split(separator: "&").filter {
                !$0.hasPrefix("page=") && !$0.hasPrefix("per_page=")
            }
            parts += ["per_page=\(size)", "page=\(number)"]
            return "<\(webURL)\(request.uri.path)?\(parts.joined(separator: "&"))>; rel=\"\(relation)\""
        }
        var links: [String] = []
        if page > 1 { links += [link(page - 1, "prev"), link(1, "first")] }
        if page < last { links += [link(page + 1, "next"), link(last, "last")] }
        if !links.isEmpty {
            let link = links.joined(separator: ", ")
            // A page that stays as it is while others follow it has another version.
            response.headers[.eTag] = "\"\(SHA256.hexadecimal((response.headers[.eTag] ?? "") + link))\""
            response.headers[.link] = link
        }
        return response
    }
}

extension Request {
    /// The JSON body; 400 where it is none, 422 where it has not the shape.
    func body<Body: Decodable>(_ type: Body.Type, _ context: LocalForgeContext) async throws -> Body {
        let buffer = try await body.collect(upTo: context.maxUploadSize)
        do {
            return try JSONDecoder().decode(type, from: Data(buffer.readableBytesView))
        } catch let error as DecodingError {
            if case .dataCorrupted(let corrupted) = error, corrupted.codingPath.isEmpty {
                throw ForgeRefusal.badRequest("Problems parsing JSON")
            }
            throw ForgeRefusal(
                status: 422, message: "Invalid request.\n\n\(error.clause)")
        }
    }
}
