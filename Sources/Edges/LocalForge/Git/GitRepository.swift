import Forge
import Subprocess

/// A bare repository, reached through the `git` command.
struct GitRepository: Sendable {
    /// Absolute path.
    let folder: String

    struct Output: Sendable {
        var status: Int32
        var bytes: [UInt8]
        var error: String

        var text: String { String(decoding: bytes, as: UTF8.self) }
        var firstLine: String { String(text.prefix { $0 != "\n" }) }
    }

    /// Nothing of the machine's or the user's git configuration reaches these repositories.
    static func environment(_ extra: [Environment.Key: String?] = [:]) -> Environment {
        let own: [Environment.Key: String?] = [
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C",
            "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*", "GIT_DIR": nil,
            "GIT_WORK_TREE": nil, "GIT_INDEX_FILE": nil, "GIT_AUTHOR_NAME": "LocalForge",
            "GIT_AUTHOR_EMAIL": "forge@localhost", "GIT_COMMITTER_NAME": "LocalForge",
            "GIT_COMMITTER_EMAIL": "forge@localhost",
        ]
        return .inherit.updating(own.merging(extra) { $1 })
    }

    /// Largest output read from one git command, in bytes.
    static let outputLimit = 64 << 20

    /// Runs a git command in the repository; a status of failure is returned, not thrown.
    func run(_ arguments: [String], input: [UInt8] = []) async throws -> Output {
        let result = try await Subprocess.run(
            .name("git"), arguments: Arguments(["-C", folder] + arguments), environment: Self.environment(),
            input: .array(input), output: .bytes(limit: Self.outputLimit), error: .string(limit: 64 << 10))
        let status: Int32 =
            switch result.terminationStatus {
            case .exited(let code): Int32(code)
            case .signaled(let signal): 128 + Int32(signal)
            }
        return Output(status: status, bytes: result.standardOutput, error: result.standardError)
    }

    /// Runs a git command that must succeed.
    func check(_ arguments: [String], input: [UInt8] = []) async throws -> Output {
        let output = try await run(arguments, input: input)
        guard output.status == 0 else {
            throw GitError(command: arguments.first ?? "", status: output.status, message: output.error)
        }
        return output
    }

    /// Makes the repository: bare, with the hook that records pushes and the settings a forge has.
    func create(defaultBranch: String) async throws {
        _ = try await Subprocess.run(
            .name("git"),
            arguments: ["init", "--quiet", "--bare", "--initial-branch=\(defaultBranch)", folder],
            environment: Self.environment(), output: .discarded, error: .string(limit: 64 << 10))
        for (key, value) in [
            // Pull refs are the forge's; any commit may be fetched by its name, as at GitHub.
            ("receive.hideRefs", "refs/pull"), ("uploadpack.allowAnySHA1InWant", "true"),
            ("uploadpack.allowFilter", "true"), ("gc.auto", "0"), ("receive.autogc", "false"),
            ("core.logAllRefUpdates", "false"),
        ] {
            _ = try await check(["config", key, value])
        }
        try PushRecord.install(in: folder)
    }

    // MARK: Refs

    /// Branches and tags, fully qualified.
    func refs() async throws -> [String: String] {
        let output = try await check(["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"])
        var refs: [String: String] = [:]
        for line in output.text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            if parts.count == 2 { refs[String(parts[1])] = String(parts[0]) }
        }
        return refs
    }

    func updateRef(_ ref: String, to sha: String?) async throws {
        if let sha {
            _ = try await check(["update-ref", ref, sha])
        } else {
            _ = try await run(["update-ref", "-d", ref])
        }
    }

    /// The type of the object a name stands for; nil where it stands for none.
    func objectType(_ sha: String) async throws -> String? {
        let output = try await run(["cat-file", "-t", sha])
        return output.status == 0 ? output.firstLine : nil
    }

    /// The full name of the commit that a commit, branch or tag name stands for.
    func resolve(_ name: String) async throws -> String? {
        for candidate in ["refs/heads/\(name)", "refs/tags/\(name)", name] {
            let output = try await run([
                "rev-parse", "--verify", "--quiet", "--end-of-options", "\(candidate)^{commit}",
            ])
            if output.status == 0 { return output.firstLine }
        }
        return nil
    }

    // MARK: History

    func isAncestor(_ ancestor: String, of descendant: String) async throws -> Bool {
        try await run(["merge-base", "--is-ancestor", ancestor, descendant]).status == 0
    }

    func mergeBase(_ left: String, _ right: String) async throws -> String? {
        let output = try await run(["merge-base", left, right])
        return output.status == 0 ? output.firstLine : nil
    }

    func count(_ range: [String]) async throws -> Int {
        Int(try await check(["rev-list", "--count"] + range).firstLine) ?? 0
    }

    /// Commits, newest first.
    func commits(_ range: [String], limit: Int) async throws -> [GitCommit] {
        let output = try await check(
            ["log", "-z", "--no-show-signature", "--max-count=\(limit)", "--format=\(GitCommit.format)"] + range + [
                "--"
            ])
        return output.bytes.split(separator: 0).compactMap { GitCommit(record: String(decoding: $0, as: UTF8.self)) }
    }

    /// The paths each commit names against its first parent; merges name none.
    func files(of commits: [String]) async throws -> [String: [(status: Character, path: String)]] {
        guard !commits.isEmpty else { return [:] }
        let output = try await check(
            ["diff-tree", "--stdin", "-r", "-z", "--root", "--name-status", "--no-renames"],
            input: Array((commits.joined(separator: "\n") + "\n").utf8))
        var files: [String: [(status: Character, path: String)]] = [:]
        var current = ""
        var status: Character?
        for token in output.bytes.split(separator: 0, omittingEmptySubsequences: true) {
            let text = String(decoding: token, as: UTF8.self)
            if let known = status {
                files[current, default: []].append((known, text))
                status = nil
            } else if text.utf8.count >= 40 {
                // A commit's name: git ends it with a line feed before the first path.
                current = String(text.prefix(40))
            } else {
                status = text.first
            }
        }
        return files
    }

    /// What changed between two commits, renames found.
    func changes(_ base: String, _ head: String) async throws -> [ChangedFile] {
        let output = try await check(["diff-tree", "-r", "-z", "-M", "--raw", "--numstat", base, head])
        return DiffOutput.parse(output.bytes)
    }

    // MARK: Merging

    /// Merges two commits without touching any branch; nil where they conflict or share no history.
    func merge(base: String, head: String, message: String) async throws -> String? {
        let merged = try await run(["merge-tree", "--write-tree", "--no-messages", base, head])
        guard merged.status == 0 else { return nil }
        let commit = try await check(
            ["commit-tree", merged.firstLine, "-p", base, "-p", head], input: Array(message.utf8))
        return commit.firstLine
    }
}

/// A git command failed that should not have.
struct GitError: Error, CustomStringConvertible {
    let command: String
    let status: Int32
    let message: String

    var description: String { "git \(command) failed with status \(status): \(message.prefix(500))" }
}
