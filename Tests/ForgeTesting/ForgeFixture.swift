package import Forge
import Foundation
package import LocalForge
package import Signatures
package import SlipwayModel
import SlipwayTesting
import Subprocess

/// A LocalForge with one repository, `harbor/crane`. Members: maria (admin), noor, dora, li. Outside: sam.
package struct ForgeFixture: Sendable {
    package let server: LocalForgeServer
    package let address: ForgeAddress
    /// A working copy whose `origin` is pushed to as maria.
    package let clone: String

    package static let repository = RepositoryName(org: "harbor", repo: "crane")
    package static let adminToken = "admin-token-of-the-tests"
    package static let botToken = "bot-token-of-the-tests"
    package static let hookSecret = "hook-secret-of-the-tests"
    package static let appKey = RSAPrivateKey.generate()
    package static let oauth = LocalForgeConfiguration.OAuthClient(id: "client", secret: "client-secret-of-the-tests")

    /// As Slipway.
    package var bot: ForgeClient { ForgeClient(address: address, token: Self.botToken) }
    package func user(_ name: String) -> ForgeClient {
        ForgeClient(address: address, token: Self.adminToken, actingAs: name)
    }

    /// As Slipway, where it is a GitHub App.
    package func app() throws -> ForgeClient {
        ForgeClient(address: address, credential: .app(try ForgeApp(id: "7", key: Self.appKey.pem)))
    }

    /// Runs a forge for the length of `body`.
    ///
    /// - Parameters:
    ///   - hookURL: where its deliveries go; nil sends none.
    ///   - files: of the first commit of `main`, beside a README.md.
    package static func run(
        hookURL: String? = nil, files: [String: String] = [:],
        _ body: @Sendable @escaping (ForgeFixture) async throws -> Void
    ) async throws {
        try await TestGate.forges.pass { try await serve(hookURL, files, body) }
    }

    private static func serve(
        _ hookURL: String?, _ files: [String: String], _ body: @Sendable @escaping (ForgeFixture) async throws -> Void
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
                    try await fixture.populate(files)
                    try await body(fixture)
                    return
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    private func populate(_ files: [String: String]) async throws {
        let admin = ForgeClient(address: address, token: Self.adminToken)
        for (user, role) in [("maria", "admin"), ("noor", "member"), ("dora", "member"), ("li", "member")] {
            try await admin.setMembership(org: Self.repository.org, user: user, role: role)
        }
        _ = try await admin.createUser("sam")
        _ = try await admin.createRepository(Self.repository)
        let url = address.cloneURL(Self.repository).replacing("http://", with: "http://maria:x@")
        try FileManager.default.createDirectory(atPath: clone, withIntermediateDirectories: true)
        try await git("init", "--quiet", "--initial-branch=main")
        try await git("remote", "add", "origin", url)
        _ = try await push("main", files.merging(["README.md": "crane\n"]) { own, _ in own })
    }

    /// Commits files on a branch (made from `main` where it is new) and pushes it; the commit's name. A nil text takes
    /// a file away.
    package func push(_ branch: String, _ files: [String: String?]) async throws -> String {
        if branch != "main" {
            do {
                try await git("checkout", "--quiet", branch)
            } catch {
                try await git("checkout", "--quiet", "-b", branch, "main")
            }
        } else if try await !git("branch", "--list", "main").isEmpty {
            try await git("checkout", "--quiet", "main")
        }
        for (path, text) in files {
            let file = "\(clone)/\(path)"
            guard let text else {
                try FileManager.default.removeItem(atPath: file)
                continue
            }
            try FileManager.default.createDirectory(
                atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: URL(filePath: file))
        }
        try await git("add", "--all")
        try await git("commit", "--quiet", "--message", "Change \(files.keys.sorted().joined(separator: ", "))")
        try await git("push", "--quiet", "origin", branch)
        return try await git("rev-parse", "HEAD")
    }

    /// Pushes a branch with changes and opens its pull request; its number.
    package func open(_ branch: String, _ files: [String: String?], by author: String = "noor", body: String? = nil)
        async throws -> Int
    {
        _ = try await push(branch, files)
        return try await user(author).openPull(
            Self.repository, title: "Change \(branch)", head: branch, base: "main", body: body
        ).number
    }

    @discardableResult
    package func git(_ arguments: String...) async throws -> String {
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

    package struct GitFailure: Error, CustomStringConvertible {
        package let description: String
    }
}
