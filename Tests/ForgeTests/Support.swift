import AsyncHTTPClient
import Forge
import Foundation
import Hummingbird
import LocalForge
import Logging
import NIOCore
import Signatures
import SlipwayModel
import SlipwayTesting
import Subprocess
import Testing

/// A running LocalForge with a sink for its deliveries, and what a test does to it.
struct TestForge: Sendable {
    let server: LocalForgeServer
    let address: ForgeAddress
    let sink: DeliverySink
    /// A folder of the test's own, for clones.
    let folder: String

    static let secret = "a secret of the tests"
    static let adminToken = "admin-token-of-the-tests"
    static let botToken = "bot-token-of-the-tests"

    /// As the CI system's bot.
    var bot: ForgeClient { ForgeClient(address: address, token: Self.botToken, retry: .fast) }
    /// As any user.
    func user(_ name: String) -> ForgeClient {
        ForgeClient(address: address, token: Self.adminToken, actingAs: name, retry: .fast)
    }
    var admin: ForgeClient { ForgeClient(address: address, token: Self.adminToken, retry: .fast) }
    /// As somebody unknown.
    var stranger: ForgeClient { ForgeClient(address: address, token: nil, retry: .fast) }

    static let repository = RepositoryName(org: "harbor", repo: "crane")

    /// Makes `harbor/crane` with members `maria` and `noor`, a stranger `sam`, and one commit on `main`.
    func makeRepository(_ name: RepositoryName = TestForge.repository) async throws -> Clone {
        for (user, role) in [("maria", "admin"), ("noor", "member")] {
            try await admin.setMembership(org: name.org, user: user, role: role)
        }
        try await admin.createUser("sam")
        _ = try await admin.createRepository(name)
        let clone = try await Clone.make(of: name, at: address, in: folder, as: "maria")
        try await clone.commit(["README.md": "crane\n"], "first")
        try await clone.push("main")
        return clone
    }

    /// As the App that the forge knows.
    ///
    /// - Parameter now: The client's clock.
    func app(
        key: RSAPrivateKey = TestForge.appKey, retry: ForgeClient.RetryPolicy = .fast,
        now: @escaping @Sendable () -> Date = { Date() }
    ) throws -> ForgeClient {
        let app = try ForgeApp(id: "7", key: key.pem, now: now)
        return ForgeClient(address: address, credential: .app(app), retry: retry)
    }

    static let appKey = RSAPrivateKey.generate()

    /// Runs a forge, and everything that stands on it, for the length of `body`.
    ///
    /// - Parameter isHooked: Whether it makes deliveries to the sink.
    static func run<Result: Sendable>(
        root: String? = nil, isHooked: Bool = true, now: @escaping @Sendable () -> Date = { Date() },
        _ body: @Sendable @escaping (TestForge) async throws -> Result
    ) async throws -> Result {
        try await TestGate.forges.pass { try await serve(root, isHooked, now, body) }
    }

    private static func serve<Result: Sendable>(
        _ root: String?, _ isHooked: Bool, _ now: @escaping @Sendable () -> Date,
        _ body: @Sendable @escaping (TestForge) async throws -> Result
    ) async throws -> Result {
        let folder = NSTemporaryDirectory() + "/forge-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let sink = DeliverySink()
        return try await sink.serve { hookURL in
            var configuration = LocalForgeConfiguration(
                root: root ?? "\(folder)/forge", port: 0, hookURL: isHooked ? hookURL : nil, hookSecret: secret,
                adminToken: adminToken, botToken: botToken)
            configuration.app = LocalForgeConfiguration.App(id: "7", publicKey: appKey.publicKey)
            configuration.oauth = LocalForgeConfiguration.OAuthClient(id: "client", secret: "client secret")
            configuration.now = now
            let server = try LocalForgeServer(configuration, logger: .quiet)
            return try await serving({ try await server.run(onListening: $0) }) { address in
                try await body(TestForge(server: server, address: address, sink: sink, folder: folder))
            }
        }
    }
}

/// Runs a server until `body`, which gets what the server announces, has ended.
func serving<Announced: Sendable, Result: Sendable>(
    _ server: @Sendable @escaping (@Sendable @escaping (Announced) async -> Void) async throws -> Void,
    _ body: @Sendable @escaping (Announced) async throws -> Result
) async throws -> Result {
    let (announcements, continuation) = AsyncStream<Announced>.makeStream()
    return try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask {
            try await server { continuation.yield($0) }
            return nil
        }
        group.addTask {
            for await announced in announcements { return try await body(announced) }
            return nil
        }
        while let ended = try await group.next() {
            if let result = ended {
                group.cancelAll()
                return result
            }
        }
        throw CancellationError()
    }
}

extension ForgeClient.RetryPolicy {
    static let fast = ForgeClient.RetryPolicy(sleep: { _ in await Task.yield() })
}

extension Logger {
    static let quiet = Logger(label: "tests", factory: { _ in SwiftLogNoOpLogHandler() })
}

/// Takes deliveries as Slipway's gateway would.
actor DeliverySink {
    struct Received: Sendable {
        var headers: [String: String]
        var body: [UInt8]

        var event: String { headers["x-github-event"] ?? "" }
        var guid: String { headers["x-github-delivery"] ?? "" }
        func delivery() throws -> WebhookDelivery { try WebhookDelivery(event: event, payload: body) }
    }

    private(set) var received: [Received] = []
    private var waiting: [CheckedContinuation<Void, Never>] = []
    /// Answered to the next deliveries; then 202.
    private var answers: [Int] = []

    func answer(_ statuses: Int...) { answers = statuses }

    private func take(_ delivery: Received) -> Int {
        received.append(delivery)
        for continuation in waiting { continuation.resume() }
        waiting = []
        return answers.isEmpty ? 202 : answers.removeFirst()
    }

    /// Waits until a delivery for which `matches` holds has come; all that came before stay.
    func first(_ matches: @Sendable (Received) throws -> Bool) async throws -> Received {
        while true {
            if let found = try received.first(where: matches) { return found }
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    /// Waits for the second delivery under one GUID.
    func second(guid: String) async throws -> Received {
        while true {
            let found = received.filter { $0.guid == guid }
            if found.count > 1 { return found[1] }
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    /// Waits for a delivery of a pull request event.
    func pull(_ action: String, _ number: Int) async throws -> PullRequestEvent {
        let found = try await first {
            guard case .pullRequest(let event) = try $0.delivery() else { return false }
            return event.action == action && event.number == number
        }
        guard case .pullRequest(let event) = try found.delivery() else { throw CancellationError() }
        return event
    }

    nonisolated func serve<Result: Sendable>(_ body: @Sendable @escaping (String) async throws -> Result) async throws
        -> Result
    {
        let router = Router()
        router.post("hook") { request, _ in
            let buffer = try await request.body.collect(upTo: 25 << 20)
            var headers: [String: String] = [:]
            for field in request.headers { headers[field.name.canonicalName] = field.value }
            let status = await self.take(Received(headers: headers, body: Array(buffer.readableBytesView)))
            return Response(status: .init(code: status))
        }
        let routes = router.buildResponder()
        return try await serving(
            { announce in
                let application = Application(
                    responder: routes,
                    configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
                    onServerRunning: { channel in
                        await announce("http://127.0.0.1:\(channel.localAddress?.port ?? 0)/hook")
                    }, logger: .quiet)
                try await application.run()
            }, body)
    }
}

/// The body of a page.
func fetch(_ url: String) async throws -> String {
    let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: .seconds(20))
    return String(buffer: try await response.body.collect(upTo: 1 << 20))
}

/// A working copy.
struct Clone: Sendable {
    let folder: String
    let url: String

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static func make(of name: RepositoryName, at address: ForgeAddress, in parent: String, as user: String)
        async throws -> Clone
    {
        let url = address.cloneURL(name).replacing("http://", with: "http://\(user):x@")
        let clone = Clone(folder: "\(parent)/\(UUID().uuidString)", url: url)
        _ = try await clone.git(["clone", "--quiet", url, clone.folder], in: parent)
        return clone
    }

    @discardableResult
    func git(_ arguments: [String], in directory: String? = nil) async throws -> String {
        let result = try await Subprocess.run(
            .name("git"), arguments: Arguments(["-C", directory ?? folder] + arguments),
            environment: .inherit.updating([
                "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
                "GIT_AUTHOR_NAME": "maria", "GIT_AUTHOR_EMAIL": "maria@example.org", "GIT_COMMITTER_NAME": "maria",
                "GIT_COMMITTER_EMAIL": "maria@example.org", "LC_ALL": "C",
            ]), output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        guard result.terminationStatus.isSuccess else {
            throw Failure(description: "git \(arguments.joined(separator: " ")): \(result.standardError)")
        }
        return result.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func write(_ files: [String: String]) throws {
        for (path, text) in files {
            let full = "\(folder)/\(path)"
            try FileManager.default.createDirectory(
                atPath: (full as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: URL(filePath: full))
        }
    }

    /// Commits files on the current branch; the commit's name.
    @discardableResult
    func commit(_ files: [String: String], _ message: String) async throws -> String {
        try write(files)
        try await git(["add", "--all"])
        try await git(["commit", "--quiet", "--message", message])
        return try await head()
    }

    func head() async throws -> String { try await git(["rev-parse", "HEAD"]) }
    func push(_ refs: String...) async throws { try await git(["push", "--quiet", url] + refs) }
    /// A new branch from `main`.
    func branch(_ name: String, from base: String = "main") async throws {
        try await git(["checkout", "--quiet", "-b", name, base])
    }
}
