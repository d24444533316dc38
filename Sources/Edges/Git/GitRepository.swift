package import Forge
package import Subprocess

/// A bare repository, reached through the `git` command.
package struct GitRepository: Sendable {
    /// Absolute path.
    package let folder: String

    package init(folder: String) { self.folder = folder }

    package struct Output: Sendable {
        package var status: Int32
        package var bytes: [UInt8]
        package var error: String

        package var text: String { String(decoding: bytes, as: UTF8.self) }
        package var firstLine: String { String(text.prefix { $0 != "\n" }) }
    }

    /// Who commits where nobody is named.
    package static let identity = GitIdentity(name: "Slipway", email: "slipway@localhost")

    /// Nothing of the machine's or the user's git configuration reaches these repositories.
    ///
    /// - Parameter settings: Further settings of git; they show in no list of processes.
    package static func environment(
        _ extra: [Environment.Key: String?] = [:], settings: [(key: String, value: String)] = []
    ) -> Environment {
        var own: [Environment.Key: String?] = [
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C",
            "GIT_DIR": nil, "GIT_WORK_TREE": nil, "GIT_INDEX_FILE": nil, "GIT_AUTHOR_NAME": identity.name,
            "GIT_AUTHOR_EMAIL": identity.email, "GIT_COMMITTER_NAME": identity.name,
            "GIT_COMMITTER_EMAIL": identity.email,
        ]
        let settings = [(key: "safe.directory", value: "*")] + settings
        own["GIT_CONFIG_COUNT"] = "\(settings.count)"
        for (index, setting) in settings.enumerated() {
            own[.init(stringLiteral: "GIT_CONFIG_KEY_\(index)")] = setting.key
            own[.init(stringLiteral: "GIT_CONFIG_VALUE_\(index)")] = setting.value
        }
        return .inherit.updating(own.merging(extra) { $1 })
    }

    /// Largest output read from one git command, in bytes.
    package static let outputLimit = 64 << 20

    /// Runs a git command in the repository; a status of failure is returned, not thrown. One that is killed throws.
    package func run(
        _ arguments: [String], input: [UInt8] = [], environment: Environment = environment()
    ) async throws -> Output {
        let result = try await Subprocess.run(
            .name("git"), arguments: Arguments(["-C", folder] + arguments), environment: environment,
            input: .array(input), output: .bytes(limit: Self.outputLimit), error: .string(limit: 64 << 10))
        switch result.terminationStatus {
        case .exited(let code):
            return Output(status: Int32(code), bytes: result.standardOutput, error: result.standardError)
        case .signaled(let signal):
            // No answer: whoever takes a failure for "no" would be misled.
            throw GitError(
                command: arguments.first ?? "", status: 128 + Int32(signal), message: "killed by signal \(signal)")
        }
    }

    /// Runs a git command that must succeed.
    package func check(
        _ arguments: [String], input: [UInt8] = [], environment: Environment = environment()
    ) async throws -> Output {
        let output = try await run(arguments, input: input, environment: environment)
        guard output.status == 0 else {
            throw GitError(command: arguments.first ?? "", status: output.status, message: output.error)
        }
        return output
    }

    /// Makes the repository, bare; one that is there stays as it is.
    package func create(defaultBranch: String, settings: [(key: String, value: String)]) async throws {
        let result = try await Subprocess.run(
            .name("git"),
            arguments: ["init", "--quiet", "--bare", "--initial-branch=\(defaultBranch)", folder],
            environment: Self.environment(), output: .discarded, error: .string(limit: 64 << 10))
        guard result.terminationStatus.isSuccess else {
            throw GitError(command: "init", status: 1, message: result.standardError)
        }
        for (key, value) in settings { _ = try await check(["config", key, value]) }
    }

    // MARK: Refs

    /// Branches and tags, fully qualified.
    package func refs() async throws -> [String: String] {
        let output = try await check(["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"])
        var refs: [String: String] = [:]
        for line in output.text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            if parts.count == 2 { refs[String(parts[1])] = String(parts[0]) }
        }
        return refs
    }

    package func updateRef(_ ref: String, to sha: String?) async throws {
        if let sha {
            _ = try await check(["update-ref", ref, sha])
        } else {
            _ = try await run(["update-ref", "-d", ref])
        }
    }

    /// The type of the object a name stands for; nil where it stands for none.
    package func objectType(_ sha: String) async throws -> String? {
        let output = try await run(["cat-file", "-t", sha])
        return output.status == 0 ? output.firstLine : nil
    }

    /// The full name of the commit that a commit, branch or tag name stands for.
    package func resolve(_ name: String) async throws -> String? {
        for candidate in ["refs/heads/\(name)", "refs/tags/\(name)", name] {
            let output = try await run([
                "rev-parse", "--verify", "--quiet", "--end-of-options", "\(candidate)^{commit}",
            ])
            if output.status == 0 { return output.firstLine }
        }
        return nil
    }

    // MARK: History

    package func isAncestor(_ ancestor: String, of descendant: String) async throws -> Bool {
        try await run(["merge-base", "--is-ancestor", ancestor, descendant]).status == 0
    }

    package func mergeBase(_ left: String, _ right: String) async throws -> String? {
        let output = try await run(["merge-base", left, right])
        return output.status == 0 ? output.firstLine : nil
    }

    package func count(_ range: [String]) async throws -> Int {
        Int(try await check(["rev-list", "--count"] + range).firstLine) ?? 0
    }

    /// Commits, newest first.
    package func commits(_ range: [String], limit: Int) async throws -> [GitCommit] {
        let output = try await check(
            ["log", "-z", "--no-show-signature", "--max-count=\(limit)", "--format=\(GitCommit.format)"] + range + [
                "--"
            ])
        return output.bytes.split(separator: 0).compactMap { GitCommit(record: String(decoding: $0, as: UTF8.self)) }
    }

    /// The paths each commit names against its first parent; merges name none.
    package func files(of commits: [String]) async throws -> [String: [(status: Character, path: String)]] {
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
    package func changes(_ base: String, _ head: String) async throws -> [ChangedFile] {
        let output = try await check(["diff-tree", "-r", "-z", "-M", "--raw", "--numstat", base, head])
        return DiffOutput.parse(output.bytes)
    }
}

/// A git command failed that should not have.
package struct GitError: Error, CustomStringConvertible {
    package let command: String
    package let status: Int32
    package let message: String

    package init(command: String, status: Int32, message: String) {
        self.command = command
        self.status = status
        self.message = message
    }

    package var description: String { "git \(command) failed with status \(status): \(message.prefix(500))" }
}
