import Forge
import FoundationEssentials
import Git
import HTTPTypes
import Hummingbird
import NIOCore
import SlipwayModel
import Subprocess

/// git over smart HTTP: requests are handed to `git http-backend` (a CGI program), both ways as they stream.
///
/// Anybody reads. Pushing needs the name of a known user (HTTP Basic; the password is not looked at: this is a forge
/// for one machine, and a demonstration's users have none).
struct SmartHTTP {
    let directory: RepositoryDirectory
    let accounts: Accounts
    let root: String

    enum Service: String {
        case uploadPack = "git-upload-pack"
        case receivePack = "git-receive-pack"
    }

    func add(to router: Router<LocalForgeContext>) {
        router.get(":org/:repo/info/refs") { request, context in
            // Without a service the dumb protocol is asked for, which no current git speaks by itself.
            guard let service = request.uri.queryParameters.get("service").flatMap({ Service(rawValue: $0) }) else {
                throw ForgeRefusal.forbidden("this forge speaks the smart protocol of git only")
            }
            return try await respond(request, context, service, path: "info/refs", isAdvertisement: true)
        }
        for service in [Service.uploadPack, .receivePack] {
            router.post(":org/:repo/\(service.rawValue)") { request, context in
                guard request.headers[.contentType] == "application/x-\(service.rawValue)-request" else {
                    throw ForgeRefusal(status: 415, message: "this is not a request of git")
                }
                return try await respond(request, context, service, path: service.rawValue, isAdvertisement: false)
            }
        }
    }

    private func respond(
        _ request: Request, _ context: LocalForgeContext, _ service: Service, path: String, isAdvertisement: Bool
    ) async throws -> Response {
        guard let org = context.parameters.get("org"), var repo = context.parameters.get("repo") else {
            throw ForgeRefusal.notFound
        }
        if repo.hasSuffix(".git") { repo = String(repo.dropLast(4)) }
        guard let name = RepositoryName("\(org)/\(repo)") else { throw ForgeRefusal.notFound }
        let host = try await directory.host(name)
        let user = context.login ?? Self.credentials(request.headers[.authorization])?.name
        if service == .receivePack {
            guard let user, accounts.snapshot.users[user] != nil else {
                var refusal = ForgeRefusal(
                    status: 401,
                    message: "push with the name of a known user in the address: http://NAME@…/\(name).git")
                refusal.headers["WWW-Authenticate"] = "Basic realm=\"LocalForge: any known user's name\""
                return refusal.asResponse
            }
        }

        let environment = self.environment(request, name, user: user, path: path)
        let kind = isAdvertisement ? "advertisement" : "result"
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/x-\(service.rawValue)-\(kind)",
                .cacheControl: "no-cache, max-age=0, must-revalidate",
            ],
            // The program runs while the answer is written, so that its life lies within the request's.
            body: ResponseBody { writer in
                let isPush = service == .receivePack && !isAdvertisement
                if isPush { await host.beginPush() }
                var failure: (any Error)?
                do {
                    try await Self.run(request.body, environment, to: &writer)
                } catch {
                    failure = error
                }
                // Taken in before the answer ends, so that whoever pushed finds the pull request moved.
                if isPush { await host.endPush(by: user ?? LocalForgeConfiguration.adminLogin) }
                if let failure { throw failure }
                try await writer.finish(nil)
            })
    }

    /// What `Basic base64(name:password)` holds; nil where it names nobody.
    static func credentials(_ header: String?) -> (name: String, password: String)? {
        guard let header, header.lowercased().hasPrefix("basic "),
            let bytes = Data(base64Encoded: String(header.dropFirst(6)))
        else { return nil }
        let parts = String(decoding: bytes, as: UTF8.self).split(
            separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first, !name.isEmpty else { return nil }
        return (String(name), parts.count > 1 ? String(parts[1]) : "")
    }

    /// The variables of RFC 3875 that the program reads.
    private func environment(_ request: Request, _ name: RepositoryName, user: String?, path: String)
        -> Subprocess.Environment
    {
        var variables: [Subprocess.Environment.Key: String?] = [
            "GIT_PROJECT_ROOT": "\(root)/repos", "GIT_HTTP_EXPORT_ALL": "1", "GATEWAY_INTERFACE": "CGI/1.1",
            "SERVER_PROTOCOL": "HTTP/1.1", "PATH_INFO": "/\(name).git/\(path)",
            "REQUEST_METHOD": request.method.rawValue, "QUERY_STRING": request.uri.query ?? "",
            "REMOTE_USER": user, "REMOTE_ADDR": "127.0.0.1",
        ]
        variables["CONTENT_TYPE"] = request.headers[.contentType] ?? ""
        variables["CONTENT_LENGTH"] = request.headers[.contentLength]
        // git compresses the requests of large fetches; the program undoes it.
        variables["HTTP_CONTENT_ENCODING"] = request.headers[.contentEncoding]
        variables["HTTP_GIT_PROTOCOL"] = HTTPField.Name("Git-Protocol").flatMap { request.headers[$0] }
        return GitRepository.environment(variables)
    }

    private static func run(
        _ body: RequestBody, _ environment: Subprocess.Environment, to writer: inout any ResponseBodyWriter
    ) async throws {
        _ = try await Subprocess.run(
            .name("git"), arguments: ["http-backend"], environment: environment, input: .inputWriter,
            output: .sequence, error: .discarded
        ) { execution in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let input = execution.standardInputWriter
                    for try await chunk in body { _ = try await input.write(Array(chunk.readableBytesView)) }
                    try await input.finish()
                }
                var head = CGIHead()
                for try await chunk in execution.standardOutput {
                    let bytes = chunk.withUnsafeBytes { Array($0) }
                    let content = try head.take(bytes)
                    if !content.isEmpty { try await writer.write(ByteBuffer(bytes: content)) }
                }
                group.cancelAll()
            }
        }
    }
}

/// Skips a CGI program's header fields; a `Status` other than 200 is an error.
struct CGIHead {
    private var head: [UInt8] = []
    private var isDone = false

    struct Refused: Error, CustomStringConvertible {
        let head: String
        var description: String { "git http-backend answered: \(head)" }
    }

    /// What of the next bytes belongs to the body.
    mutating func take(_ bytes: [UInt8]) throws -> [UInt8] {
        if isDone { return bytes }
        head += bytes
        let separator = Array("\r\n\r\n".utf8)
        guard let end = head.firstRange(of: separator) else {
            guard head.count < 64 << 10 else { throw Refused(head: "more than 64 KB of header fields") }
            return []
        }
        isDone = true
        let fields = String(decoding: head[..<end.lowerBound], as: UTF8.self)
        for line in fields.split(separator: "\r\n") where line.lowercased().hasPrefix("status:") {
            let status = line.dropFirst(7).drop { $0 == " " }
            guard status.hasPrefix("200") else { throw Refused(head: String(line)) }
        }
        return Array(head[end.upperBound...])
    }
}
