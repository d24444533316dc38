import Forge
import Foundation
import LocalForge
import Signatures
import SlipwayModel
import SlipwayTesting
import Subprocess

/// A LocalForge with one repository, `harbor/crane`: `main` has a commit, members are `maria` (admin) and `noor`.
struct ForgeFixture: Sendable {
    let server: LocalForgeServer
    let address: ForgeAddress
    /// A working copy whose `origin` is pushed to as maria.
    let clone: String

    static let repository = RepositoryName(org: "harbor", repo: "crane")
    static let adminToken = "admin-token-of-the-tests"
    static let botToken = "bot-token-of-the-tests"
    static let hookSecret = "hook-secret-of-the-tests"
    static let appKey = RSAPrivateKey.generate()
    static let oauth = LocalForgeConfiguration.OAuthClient(id: "client", secret: "client-secret-of-the-tests")

    /// As Slipway.
    var bot: ForgeClient { ForgeClient(address: address, token: Self.botToken) }
    func user(_ name: String) -> ForgeClient {
        ForgeClient(address: address, token: Self.adminToken, actingAs: name)
    }

    /// As Slipway, where it is a GitHub App.
    func app() throws -> ForgeClient {
        ForgeClient(address: address, credential: .app(try ForgeApp(id: "7", key: Self.appKey.pem)))
    }

    /// Runs a forge for the length of `body`.
    ///
    /// - Parameter hookURL: Where its deliveries go; nil sends none.
    static func run(
        hookURL: String? = nil, _ body: @Sendable @escaping (ForgeFixture) async throws -> Void
    ) async throws {
        try await TestGate.forges.pass { try await serve(hookURL, body) }
    }

    private static func serve(
        _ hookURL: String?, _ body: @Sendable @escaping (ForgeFixture) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "forge-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var configuration = LocalForgeConfiguration(
            root: "\(folder)/forge", port: 0, hookURL: hookURL, hookSecret: hookSecret, adminToken: adminToken,
            botToken: botToken)
        configuration.app = LocalForgeConfiguration.App(id: "7", publicKey: appKey.publicKey)
        configuration.oauth = oauth
        let server = try LocalForgeServer(configuration, logger: quietLogger)
        let (addresses, listening) = AsyncStream<ForgeAddress>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run { listening.yield($0) } }
            group.addTask {
                for await address in addresses {
                    let fixture = ForgeFixture(server: server, address: address, clone: "\(folder)/clone")
                    try await fixture.populate()
                    try await body(fixture)
                    return
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    private func populate() async throws {
        let admin = ForgeClient(address: address, token: Self.adminToken)
        try await admin.setMembership(org: Self.repository.org, user: "maria", role: "admin")
        try await admin.setMembership(org: Self.repository.org, user: "noor", role: "member")
        _ = try await admin.createRepository(Self.repository)
        let url = address.cloneURL(Self.repository).replacing("http://", with: "http://maria:x@")
        try FileManager.default.createDirectory(atPath: clone, withIntermediateDirectories: true)
        try await git("init", "--quiet", "--initial-branch=main")
        try await git("remote", "add", "origin", url)
        _ = try await push("main", files: ["README.md": "crane\n"])
    }

    /// Commits files on a branch (made from `main` where it is new) and pushes it; the commit's name.
    func push(_ branch: String, files: [String: String]) async throws -> String {
        if branch != "main" {
            do {
                try await git("checkout", "--quiet", branch)
            } catch {
                try await git("checkout", "--quiet", "-b", branch, "main")
            }
        }
        for (path, text) in files {
            let file = URL(filePath: "\(clone)/\(path)")
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        try await git("add", "--all")
        try await git("commit", "--quiet", "--message", "Change \(files.keys.sorted().joined(separator: ", "))")
        try await git("push", "--quiet", "origin", branch)
        return try await git("rev-parse", "HEAD")
    }

    /// Pushes a branch with one change and opens its pull request as noor.
    func openPull(_ branch: String = "feature") async throws -> PullRequest {
        _ = try await push(branch, files: ["\(branch).txt": "x\n"])
        return try await user("noor").openPull(Self.repository, title: "Add \(branch)", head: branch, base: "main")
    }

    /// A pull request by somebody who is no member.
    func strangersPull(files: [String: String] = ["gift.txt": "x\n"]) async throws -> PullRequest {
        try await ForgeClient(address: address, token: Self.adminToken).createUser("stranger")
        _ = try await push("gift", files: files)
        return try await user("stranger").openPull(Self.repository, title: "Gift", head: "gift", base: "main")
    }

    @discardableResult
    func git(_ arguments: String...) async throws -> String {
        let result = try await Subprocess.run(
            .name("git"), arguments: Arguments(["-C", clone] + arguments),
            environment: .inherit.updating([
                "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
                "GIT_AUTHOR_NAME": "maria", "GIT_AUTHOR_EMAIL": "maria@example.org", "GIT_COMMITTER_NAME": "maria",
                "GIT_COMMITTER_EMAIL": "maria@example.org",
            ]), output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        guard result.terminationStatus.isSuccess else { throw GitFailure(description: result.standardError) }
        return result.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    struct GitFailure: Error, CustomStringConvertible {
        let description: String
    }
}
