import Subprocess

/// How a merge of two commits ended.
package enum GitMerge: Hashable, Sendable {
    case clean(tree: String)
    /// The paths on which the two sides disagree; none where they share no history.
    case conflict(paths: [String])

    package var tree: String? {
        if case .clean(let tree) = self { tree } else { nil }
    }
}

/// Merging without a working copy, and without touching any branch.
extension GitRepository {
    /// What `git merge` of two commits would leave.
    package func merge(_ base: String, _ head: String) async throws -> GitMerge {
        let output = try await run(["merge-tree", "--write-tree", "--no-messages", "--name-only", "-z", base, head])
        let parts = output.bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        switch output.status {
        case 0:
            guard let tree = parts.first else { break }
            return .clean(tree: tree)
        case 1: return .conflict(paths: Array(parts.dropFirst()))
        default: if output.error.contains("unrelated histories") { return .conflict(paths: []) }
        }
        throw GitError(command: "merge-tree", status: output.status, message: output.error)
    }

    /// What a commit's own change leaves on another commit: one step of a rebase.
    package func cherryPick(_ commit: String, of parent: String, onto base: String) async throws -> GitMerge {
        // The parent becomes the merge base of the two: a commit on it that has the base's tree stands for the base.
        let stand = try await commitTree(try await tree(of: base), parents: [parent], message: "base")
        return try await merge(stand, commit)
    }

    /// Makes a commit.
    ///
    /// - Parameters:
    ///   - author: Who wrote it, and when in seconds since 1970; by default the committer.
    ///   - date: When it is committed, in seconds since 1970; equal arguments with a date make equal commits.
    package func commitTree(
        _ tree: String, parents: [String], message: String, author: (identity: GitIdentity, date: Int64)? = nil,
        committer: GitIdentity = identity, date: Int64? = nil
    ) async throws -> String {
        let authored = author?.identity ?? committer
        let environment = Self.environment([
            "GIT_AUTHOR_NAME": authored.name, "GIT_AUTHOR_EMAIL": authored.email,
            "GIT_AUTHOR_DATE": (author?.date ?? date).map { "@\($0) +0000" },
            "GIT_COMMITTER_NAME": committer.name, "GIT_COMMITTER_EMAIL": committer.email,
            "GIT_COMMITTER_DATE": date.map { "@\($0) +0000" },
        ])
        return try await check(
            ["commit-tree", tree] + parents.flatMap { ["-p", $0] } + ["-F", "-"], input: Array(message.utf8),
            environment: environment
        ).firstLine
    }
}
