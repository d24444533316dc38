import Forge
import Foundation
import Git
import LocalForge
import Logging
import SlipwayModel
import SlipwayTesting
import Subprocess

/// A LocalForge with one repository, `harbor/crane`, and a working copy that pushes to it as maria.
struct MergingForge: Sendable {
    static let repository = RepositoryName(org: "harbor", repo: "crane")
    private static let adminToken = "admin-token-of-the-tests"
    static let botToken = "bot-token-of-the-tests"

    let address: ForgeAddress
    let folder: String
    let faults: FaultInjector

    private var clone: String { "\(folder)/clone" }
    /// As Slipway.
    var bot: ForgeClient { ForgeClient(address: address, token: Self.botToken) }
    var maria: ForgeClient { ForgeClient(address: address, token: Self.adminToken, actingAs: "maria") }
    var mirrors: GitMirrors { GitMirrors(folder: "\(folder)/mirrors", forge: bot) }
    /// The forge's own copy.
    var bare: GitRepository { GitRepository(folder: "\(folder)/forge/repos/harbor/crane.git") }

    /// - Parameter files: of the first commit of `main`.
    static func run(
        files: [String: String] = ["README.md": "crane\n"],
        _ body: @Sendable @escaping (MergingForge) async throws -> Void
    ) async throws {
        try await TestGate.forges.pass {
            let folder = FileManager.default.temporaryDirectory.appending(path: "merging-\(UUID().uuidString)").path
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let configuration = LocalForgeConfiguration(
                root: "\(folder)/forge", port: 0, hookURL: nil, hookSecret: "secret", adminToken: adminToken,
                botToken: botToken)
            let server = try LocalForgeServer(configuration, logger: quietLogger)
            let (addresses, listening) = AsyncStream<ForgeAddress>.makeStream()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.run { listening.yield($0) } }
                group.addTask {
                    for await address in addresses {
                        let forge = MergingForge(address: address, folder: folder, faults: server.faults)
                        try await forge.populate(files)
                        try await body(forge)
                        return
                    }
                }
                try await group.next()
                group.cancelAll()
            }
        }
    }

    private func populate(_ files: [String: String]) async throws {
        let admin = ForgeClient(address: address, token: Self.adminToken)
        try await admin.setMembership(org: "harbor", user: "maria", role: "admin")
        _ = try await admin.createRepository(Self.repository)
        let url = address.cloneURL(Self.repository).replacing("http://", with: "http://maria:x@")
        try FileManager.default.createDirectory(atPath: clone, withIntermediateDirectories: true)
        try await git("init", "--quiet", "--initial-branch=main")
        try await git("remote", "add", "origin", url)
        try await commit(files)
        try await git("push", "--quiet", "origin", "main")
    }

    private func commit(_ files: [String: String]) async throws {
        for (path, text) in files {
            let url = URL(filePath: "\(clone)/\(path)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
        try await git("add", "--all")
        try await git(
            "commit", "--quiet", "--allow-empty", "--message", "Change \(files.keys.sorted().joined(separator: ", "))")
    }

    /// Pushes a branch per change, made from `main` as it stands, in one push, and opens their pull requests.
    func open(
        _ changes: [(branch: String, files: [String: String])], base: String = "main", body: String? = nil
    ) async throws -> [Int] {
        try await git("pull", "--quiet", "--ff-only", "origin", "main")
        for change in changes {
            try await git("checkout", "--quiet", "-B", change.branch, "main")
            try await commit(change.files)
        }
        try await git("push", "--quiet", "origin", "--all")
        try await git("checkout", "--quiet", "main")
        var numbers: [Int] = []
        for change in changes {
            numbers.append(
                try await maria.openPull(
                    Self.repository, title: "Change \(change.branch)", head: change.branch, base: base, body: body
                ).number)
        }
        return numbers
    }

    /// Another commit on a branch.
    func push(_ branch: String, _ files: [String: String], removing gone: [String] = []) async throws {
        try await git("checkout", "--quiet", branch)
        if branch == "main" { try await git("pull", "--quiet", "--ff-only", "origin", "main") }
        if !gone.isEmpty { try await git(["rm", "--quiet"] + gone) }
        try await commit(files.filter { !gone.contains($0.key) })
        try await git("push", "--quiet", "origin", branch)
        try await git("checkout", "--quiet", "main")
    }

    /// A branch made anew from `main` as it was when it was cloned: pushed over what was there.
    func replace(_ branch: String, _ files: [String: String]) async throws {
        try await git("checkout", "--quiet", "-B", branch, "main")
        try await commit(files)
        try await git("push", "--quiet", "--force", "origin", branch)
        try await git("checkout", "--quiet", "main")
    }

    /// Many commits on a branch, each of which changes a file, at once.
    func pushManyCommits(_ branch: String, count: Int) async throws {
        var stream = ""
        for number in 0..<count {
            stream += "commit refs/heads/\(branch)\n"
            stream += "committer maria <maria@example.org> \(1_700_000_000 + number) +0000\ndata 1\nx\n"
            if number == 0 { stream += "from refs/heads/\(branch)^0\n" }
            let text = "\(number)\n"
            stream += "M 100644 inline counter\ndata \(text.utf8.count)\n\(text)\n"
        }
        try await git(["fast-import", "--quiet"], input: stream)
        try await git("push", "--quiet", "origin", branch)
    }

    // MARK: Settings of the forge

    /// - Parameter body: GitHub's JSON of a branch's protection.
    func protect(_ branch: String, _ body: String) async throws {
        try await call("PUT", "branches/\(branch)/protection", body)
    }

    /// - Parameter body: GitHub's JSON of a repository's settings.
    func allow(_ body: String) async throws { try await call("PATCH", "", body) }

    /// Makes a check run, as an App of somebody else does; a conclusion completes it.
    func check(_ name: String, on sha: String, conclusion: String? = nil) async throws {
        var run = ["name": name, "head_sha": sha]
        run["conclusion"] = conclusion
        try await maria.perform("POST", "/repos/\(Self.repository)/check-runs", run, idempotent: false)
    }

    func makeDraft(_ number: Int) async throws { try await call("PATCH", "pulls/\(number)", #"{"draft": true}"#) }

    func close(issue: Int) async throws { try await call("PATCH", "issues/\(issue)", #"{"state": "closed"}"#) }

    private func call(_ method: String, _ path: String, _ body: String) async throws {
        let value = try JSONDecoder().decode(JSONValue.self, from: Data(body.utf8))
        let suffix = path.isEmpty ? "" : "/\(path)"
        try await maria.perform(method, "/repos/\(Self.repository)\(suffix)", value, idempotent: true)
    }

    /// What `main` holds.
    func mainFiles() async throws -> Set<String> {
        Set(try await bare.entries(of: "refs/heads/main").map(\.path))
    }

    @discardableResult
    func git(_ arguments: String...) async throws -> String { try await git(arguments) }

    @discardableResult
    private func git(_ arguments: [String], input: String = "") async throws -> String {
        let result = try await Subprocess.run(
            .name("git"), arguments: Arguments(["-C", clone] + arguments),
            environment: .inherit.updating([
                "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
                "GIT_AUTHOR_NAME": "maria", "GIT_AUTHOR_EMAIL": "maria@example.org", "GIT_COMMITTER_NAME": "maria",
                "GIT_COMMITTER_EMAIL": "maria@example.org",
            ]), input: .string(input), output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        guard result.terminationStatus.isSuccess else { throw GitFailure(description: result.standardError) }
        return result.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    struct GitFailure: Error, CustomStringConvertible {
        let description: String
    }
}
