import AsyncHTTPClient
import Foundation
import LocalServices
import Logging
import NIOCore
import NIOHTTP1
import Postgres
import SlipwayTesting
import Subprocess
import SystemPackage
import Testing

/// A whole fleet of the built program in a temporary folder: `slipway up`, used as its users would.
struct LiveFleet: Sendable {
    @TaskLocal static var running: LiveFleet?

    /// The fleet of the suite.
    static var current: LiveFleet {
        get throws { try #require(running, "the suite has no fleet: give it the trait .liveFleet") }
    }

    let folder: String
    let url: String
    let environment: [String: String]
    let database: PostgresPool

    /// The checkout that the tests were built from.
    static let checkout = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    static let binary =
        ProcessInfo.processInfo.environment["SLIPWAY_BINARY"] ?? "\(checkout)/.build/release/slipway"

    /// Starts a fleet in a folder of its own, which goes with it.
    static func run(_ body: (LiveFleet) async throws -> Void) async throws {
        try await withFolder { folder in try await run(in: folder, body) }
    }

    /// A folder for fleets that follow each other.
    static func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/slipway-live-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: folder + "/log", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        let outcome: Result<Void, any Error>
        do {
            try await body(folder)
            outcome = .success(())
        } catch {
            printLogs(of: folder)
            outcome = .failure(error)
        }
        try await PrivateServices.remove(folder: folder + "/services")
        try FileManager.default.removeItem(atPath: folder)
        try outcome.get()
    }

    /// The ends of the logs, for whoever looks for the cause of a failure.
    private static func printLogs(of folder: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder + "/log").sorted()) ?? [] {
            let text = (try? String(contentsOfFile: "\(folder)/log/\(name)", encoding: .utf8)) ?? ""
            print("--- \(name)\n" + text.split(separator: "\n").suffix(25).joined(separator: "\n"))
        }
    }

    /// Starts a fleet, and stops it for certain: its lifeline is a pipe that this process holds.
    static func run(in folder: String, _ body: (LiveFleet) async throws -> Void) async throws {
        var ports = FreePorts()
        let port = try ports.choose()
        _ = try ports.choose(port + 1)
        _ = consume ports
        let url = "http://127.0.0.1:\(port)"
        let log = try FileDescriptor.open(
            FilePath(folder + "/log/up.log"), .writeOnly, options: [.create, .append, .closeOnExec],
            permissions: .ownerReadWrite)
        _ = try await Subprocess.run(
            .path(FilePath(binary)), arguments: ["up", "--data", folder, "--port", "\(port)"],
            environment: .inherit.updating([
                "SLIPWAY_LIFELINE": "stdin", "DATABASE_URL": nil, "AMQP_URL": nil,
            ]),
            input: .inputWriter, output: .fileDescriptor(log, closeAfterSpawningProcess: true),
            error: .combinedWithOutput
        ) { execution in
            let outcome: Result<Void, any Error>
            do {
                try await eventually("the fleet is ready", within: .seconds(120)) {
                    (try? await status(of: url + "/readyz")) == 200
                }
                let environment = try readEnvironment(folder)
                var configuration = try PostgresConfiguration(url: try #require(environment["DATABASE_URL"]))
                configuration.maximumConnections = 2
                let pool = PostgresPool(configuration: configuration, logger: quietLogger)
                do {
                    try await body(LiveFleet(folder: folder, url: url, environment: environment, database: pool))
                    outcome = .success(())
                } catch {
                    outcome = .failure(error)
                }
                await pool.close()
            } catch {
                outcome = .failure(error)
            }
            try await execution.standardInputWriter.finish()
            try outcome.get()
        }
    }

    // MARK: The command line

    struct CommandFailed: Error, CustomStringConvertible {
        let description: String
    }

    /// Runs a command of the program against the fleet.
    ///
    /// - Returns: what it printed.
    @discardableResult
    func slipway(_ arguments: String...) async throws -> String { try await shell(["slipway"] + arguments) }

    /// Runs a script of bash with the fleet's environment and the program on its PATH.
    @discardableResult
    func bash(_ script: String) async throws -> String { try await shell(["bash", "-euo", "pipefail", "-c", script]) }

    private func shell(_ command: [String]) async throws -> String {
        var variables: [Environment.Key: String?] = [
            "PATH": (Self.binary as NSString).deletingLastPathComponent + ":/usr/bin:/bin",
            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "author", "GIT_AUTHOR_EMAIL": "author@e2e.example",
            "GIT_COMMITTER_NAME": "author", "GIT_COMMITTER_EMAIL": "author@e2e.example",
        ]
        for (key, value) in environment { variables[Environment.Key(stringLiteral: key)] = value }
        let program = command[0] == "slipway" ? Self.binary : "/bin/\(command[0])"
        let result = try await Subprocess.run(
            .path(FilePath(program)), arguments: Arguments(Array(command.dropFirst())),
            environment: .inherit.updating(variables), output: .string(limit: 4 << 20), error: .string(limit: 1 << 20))
        guard result.terminationStatus.isSuccess else {
            throw CommandFailed(
                description: """
                    \(command.joined(separator: " "))
                    ended with \(result.terminationStatus)
                    \(result.standardOutput)\(result.standardError)
                    """)
        }
        return result.standardOutput
    }

    // MARK: The forge

    /// Makes a repository with a job script and a pull request's branch, by an author of the given role.
    ///
    /// - Returns: its clone with a branch `main`, from which `push` offers changes.
    func makeRepository(_ name: String, author: String, role: String, script: String) async throws {
        let folder = "\(folder)/clones/\(name)"
        try await slipway("forge", "user", "add", author, "--org", "e2e", "--role", role)
        try await bash(
            """
            mkdir -p '\(folder)' && cd '\(folder)' && git init -q -b main
            cat > job <<'SCRIPT'
            \(script)
            SCRIPT
            chmod +x job && git add -A && git commit -qm 'Begin'
            slipway forge repo create e2e/\(name) --from '\(folder)'
            """)
    }

    /// Commits a change of the clone to a branch and pushes it.
    func push(_ name: String, branch: String, author: String, change: String) async throws {
        let forge = try #require(environment["SLIPWAY_FORGE_URL"])
        let address = forge.replacing("://", with: "://\(author):x@", maxReplacements: 1)
        try await bash(
            """
            cd '\(folder)/clones/\(name)'
            git switch -q '\(branch)' 2>/dev/null || git switch -qc '\(branch)' main
            \(change)
            git add -A && git commit -qm 'Change' && git push -q '\(address)/e2e/\(name).git' 'HEAD:\(branch)'
            """)
    }

    func openPull(_ name: String, branch: String, author: String, title: String = "Change") async throws {
        try await slipway(
            "forge", "pr", "open", "e2e/\(name)", "--head", branch, "--title", title, "--body", title, "--author",
            author)
    }

    /// What the forge shows of a pull request: statuses and comments.
    func shown(_ name: String, _ number: Int = 1) async throws -> String {
        try await slipway("forge", "show", "e2e/\(name)#\(number)")
    }

    /// Puts a configuration of one presubmit per repository into force.
    func configure(_ jobs: String) async throws {
        try await bash(
            """
            mkdir -p '\(folder)/jobs' && cat > '\(folder)/jobs/e2e.yaml' <<'YAML'
            \(jobs)
            YAML
            echo 'in_repo_config: {enabled: {e2e/own: true}}' > '\(folder)/prow.yaml'
            slipway config apply '\(folder)/jobs' --prow-config '\(folder)/prow.yaml'
            """)
    }

    // MARK: Runs

    struct Run: Sendable, Equatable {
        var id: String
        var job: String
        var state: String
        var attempt: Int
        var description: String
    }

    /// Runs of a repository, oldest first.
    func runs(of repository: String) async throws -> [Run] {
        try await database.query(
            """
            select run_id::text, job, state, attempt, description from scheduling.runs_v1
             where org = 'e2e' and repo = \(repository) order by run_id
            """
        ).map { row in
            let (id, job, state, attempt, description) = try row.decode((String, String, String, Int, String).self)
            return Run(id: id, job: job, state: state, attempt: attempt, description: description)
        }
    }

    /// Waits until the repository has this many runs and all have ended.
    func ended(_ repository: String, count: Int) async throws -> [Run] {
        var found: [Run] = []
        try await eventually("\(count) runs of \(repository) have ended", within: .seconds(180)) {
            found = try await runs(of: repository)
            return found.count >= count
                && found.allSatisfy { !["waiting", "dispatched", "running"].contains($0.state) }
        }
        return found
    }

    /// Waits until a run of the repository is executed.
    func running(_ repository: String) async throws -> Run {
        var found: Run?
        try await eventually("a run of \(repository) is executed", within: .seconds(120)) {
            found = try await runs(of: repository).first { $0.state == "running" }
            return found != nil
        }
        return try #require(found)
    }

    // MARK: Pages

    func get(_ path: String) async throws -> (status: Int, body: String) {
        let response = try await HTTPClient.shared.execute(
            HTTPClientRequest(url: url + path), timeout: .seconds(30))
        let body = try await response.body.collect(upTo: 16 << 20)
        return (Int(response.status.code), String(buffer: body))
    }

    func post(_ path: String, token: String? = nil) async throws -> Int {
        var request = HTTPClientRequest(url: url + path)
        request.method = .POST
        request.headers.add(name: "Accept", value: "application/json")
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        return Int(try await HTTPClient.shared.execute(request, timeout: .seconds(30)).status.code)
    }

    private static func status(of url: String) async throws -> Int {
        Int(try await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: .seconds(5)).status.code)
    }

    // MARK: Processes

    /// Process ids of a role.
    func pids(_ role: String) async throws -> [pid_t] {
        try await slipway("ps", "--data", folder, "--role", role, "--pids").split(separator: "\n").compactMap {
            pid_t($0)
        }
    }

    private static func readEnvironment(_ folder: String) throws -> [String: String] {
        var variables: [String: String] = [:]
        let text = try String(contentsOfFile: folder + "/environment", encoding: .utf8)
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1)
            variables[String(parts[0])] = parts[1].trimmingCharacters(in: ["'"])
        }
        return variables
    }
}

/// Gives a suite a fleet for its length.
struct LiveFleetTrait: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        guard test.isSuite else { return try await function() }
        try await LiveFleet.run { fleet in
            try await LiveFleet.$running.withValue(fleet) { try await function() }
        }
    }
}

extension Trait where Self == LiveFleetTrait {
    static var liveFleet: Self { LiveFleetTrait() }
}
