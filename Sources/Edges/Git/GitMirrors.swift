package import Forge
import FoundationEssentials
package import SlipwayModel
import Subprocess

/// Bare copies of the forge's repositories, for whoever has to look at files or to merge. A cache: what is lost is
/// fetched again, and any number of processes may share a folder.
package struct GitMirrors: Sendable {
    package enum Push: Hashable, Sendable {
        case landed
        /// The ref was not where it was expected to be.
        case moved
        /// The forge's own words.
        case refused(String)
    }

    /// Seconds after which a lock that is still there is nobody's.
    private static let lockPatience = 600.0

    private let folder: String
    private let forge: ForgeClient

    package init(folder: String, forge: ForgeClient) {
        self.folder = folder
        self.forge = forge
    }

    /// The copy of a repository with the given commits in it.
    ///
    /// - Parameter commits: Their full names; a commit that the forge has under a ref, or had, is fetched.
    /// - Throws: `GitMirrorError`.
    package func repository(_ name: RepositoryName, having commits: [String]) async throws -> GitRepository {
        if let bad = commits.first(where: { !GitName.isCommit($0) }) {
            throw GitMirrorError(name, "fetch", "'\(bad.prefix(80))' is no git commit hash")
        }
        let repository = try await copy(of: name)
        let missing = try await repository.missing(commits)
        if !missing.isEmpty { try await fetch(missing, of: name, into: repository) }
        return repository
    }

    /// The commit at the head of a branch now, in the copy; nil where there is no such branch.
    package func head(of branch: String, in name: RepositoryName) async throws -> String? {
        try check(branch, name)
        let repository = try await copy(of: name)
        let ref = "refs/heads/\(branch)"
        let output = try await repository.run(
            ["ls-remote", "--refs", forge.address.cloneURL(name), ref], environment: try await environment(for: name))
        guard output.status == 0 else { throw GitMirrorError(name, "ls-remote", output.error) }
        // The pattern also finds refs that end like it.
        let line = output.text.split(separator: "\n").first { $0.hasSuffix("\t\(ref)") }
        guard let commit = line?.split(separator: "\t").first.map(String.init) else { return nil }
        if try await !repository.missing([commit]).isEmpty {
            try await fetch([commit], of: name, into: repository)
            try await remember(commit, as: branch, in: repository)
        }
        return commit
    }

    /// Keeps what was fetched under a ref of ours, so that the next fetch brings only what is newer. Nothing is read
    /// from there: a git command that was killed leaves the ref locked, and nobody shall wait for that lock.
    private func remember(_ commit: String, as branch: String, in repository: GitRepository) async throws {
        let ref = "refs/slipway/heads/\(branch)"
        guard try await repository.run(["update-ref", ref, commit]).status != 0 else { return }
        let lock = "\(repository.folder)/\(ref).lock"
        let made = try? FileManager.default.attributesOfItem(atPath: lock)[.modificationDate] as? Date
        if let made, made < Date(timeIntervalSinceNow: -Self.lockPatience) {
            try? FileManager.default.removeItem(atPath: lock)
        }
    }

    /// Moves a branch of the forge to a commit of the copy, if it is where it is expected to be.
    package func push(
        _ commit: String, to branch: String, of name: RepositoryName, expecting old: String
    ) async throws -> Push {
        try check(branch, name)
        let repository = try await copy(of: name)
        let output = try await repository.run(
            [
                "push", "--porcelain", "--atomic", "--force-with-lease=refs/heads/\(branch):\(old)",
                forge.address.cloneURL(name), "\(commit):refs/heads/\(branch)",
            ], environment: try await environment(for: name))
        if output.status == 0 { return .landed }
        let words = output.text + output.error
        if words.contains("(stale info)") || words.contains("(fetch first)") || words.contains("(non-fast-forward)")
            || words.contains("cannot lock ref")
        {
            return .moved
        }
        if words.contains("[remote rejected]") || words.contains(Self.forbidden) {
            return .refused(Self.reason(words))
        }
        throw GitMirrorError(name, "push", output.error)
    }

    // MARK: Steps

    private func check(_ branch: String, _ name: RepositoryName) throws {
        guard GitName.isRef(branch) else {
            throw GitMirrorError(name, "read", "'\(branch.prefix(80))' is no name of a git branch")
        }
    }

    private func copy(of name: RepositoryName) async throws -> GitRepository {
        guard RepositoryName.isValid(name.org), RepositoryName.isValid(name.repo) else {
            throw GitMirrorError(name, "init", "this is no name of a repository")
        }
        let path = "\(folder)/\(name.org)/\(name.repo).git"
        guard !FileManager.default.fileExists(atPath: path) else { return GitRepository(folder: path) }
        // Several may make it at once: each makes one of its own, and the first to finish gives it the name.
        let own = "\(path).\(UUID.version7().lowercased)"
        defer { try? FileManager.default.removeItem(atPath: own) }
        do {
            try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
            try await GitRepository(folder: own).create(
                defaultBranch: "main",
                // What no ref holds is kept for two weeks, git's own rule, and can be fetched again after that.
                settings: [
                    ("core.logAllRefUpdates", "false"), ("gc.autoDetach", "false"),
                    // A fetch becomes a pack, which is there whole or not at all: object by object, one that is killed
                    // leaves commits without their trees. So there are many packs, and the large ones stay as they are.
                    ("fetch.unpackLimit", "1"), ("gc.autoPackLimit", "200"), ("gc.bigPackThreshold", "256m"),
                ])
        } catch let error as GitError {
            throw GitMirrorError(name, "init", error.message)
        } catch {
            throw GitMirrorError(name, "init", "\(error)")
        }
        do {
            try FileManager.default.moveItem(atPath: own, toPath: path)
        } catch {
            guard FileManager.default.fileExists(atPath: path) else { throw GitMirrorError(name, "init", "\(error)") }
        }
        return GitRepository(folder: path)
    }

    private func fetch(_ commits: [String], of name: RepositoryName, into repository: GitRepository) async throws {
        let output = try await repository.run(
            ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", forge.address.cloneURL(name)] + commits,
            environment: try await environment(for: name))
        guard output.status == 0 else { throw GitMirrorError(name, "fetch", output.error) }
    }

    private func environment(for name: RepositoryName) async throws -> Environment {
        var settings: [(key: String, value: String)] = []
        do throws(ForgeError) {
            if let token = try await forge.token(for: name) {
                let basic = Data("x-access-token:\(token)".utf8).base64EncodedString()
                settings.append(("http.extraHeader", "Authorization: Basic \(basic)"))
            }
        } catch {
            throw GitMirrorError(name, "log in", "\(error)")
        }
        return GitRepository.environment(
            ["GIT_HTTP_LOW_SPEED_LIMIT": "1000", "GIT_HTTP_LOW_SPEED_TIME": "60", "GIT_ASKPASS": "true"],
            settings: settings)
    }

    /// What git says where the forge takes no pushes from us at all.
    private static let forbidden = "The requested URL returned error: 403"

    /// What the forge answered, of all that git printed: ` ! [remote rejected] SHA -> main (protected branch …)`.
    private static func reason(_ words: String) -> String {
        let remote = words.split(separator: "\n").filter { $0.hasPrefix("remote: ") }
            .map { $0.dropFirst("remote: ".count).trimmingSuffix(while: \.isWhitespace) }.filter { !$0.isEmpty }
        if !remote.isEmpty { return remote.joined(separator: " ") }
        guard let line = words.split(separator: "\n").first(where: { $0.contains("[remote rejected]") }) else {
            return forbidden
        }
        guard let open = line.lastIndex(of: "("), let close = line.lastIndex(of: ")"), open < close else {
            return String(line)
        }
        return String(line[line.index(after: open)..<close])
    }
}

extension Substring {
    fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> Substring {
        var text = self
        while let last = text.last, predicate(last) { text.removeLast() }
        return text
    }
}

/// A copy of a repository could not be made, read or pushed.
package struct GitMirrorError: Error, CustomStringConvertible {
    package let repository: RepositoryName
    package let action: String
    package let message: String

    init(_ repository: RepositoryName, _ action: String, _ message: String) {
        self.repository = repository
        self.action = action
        self.message = String(message.prefix(500))
    }

    /// The forge does not have the repository or the commit, or shows them to nobody: asking again does not help.
    package var isPermanent: Bool {
        ["not our ref", "not found", "does not exist", "bad object", "Authentication failed", "error: 403"]
            .contains { message.contains($0) }
    }

    package var description: String { "git \(action) of \(repository) failed: \(message)" }
}
