import Fleet
import Forge
import FoundationEssentials
import Git
import JobConfig
import SlipwayModel
import Synchronization

/// Reads OWNERS files out of bare copies of repositories; asked outside of transactions.
struct OwnersReader: Sendable {
    let forge: ForgeClient
    let mirrors: GitMirrors
    let people: People
    private let cache = OwnersCache()

    init(forge: ForgeClient, mirrors: GitMirrors, people: People) {
        self.forge = forge
        self.mirrors = mirrors
        self.people = people
    }

    /// What the base branch says about a pull request. Where it cannot say anything the facts have a `problem`, and
    /// nobody owns anything.
    ///
    /// - Throws: `ForgeError` where the forge, or `RetryLater` where its repository, cannot be asked now.
    func facts(of context: PullContext, changedFiles: [ChangedFile]) async throws -> OwnersFacts {
        let pull = context.pull
        let layout = OwnersLayout(context.settings)
        let changed = changedFiles.flatMap { [$0.filename] + ($0.previousFilename.map { [$0] } ?? []) }
        let head = try await forge.branchHead(pull.repository, pull.baseRef)
        let base = head ?? pull.baseSHA
        do {
            let repository = try await mirrors.repository(pull.repository, having: [base])
            var tree = try await tree(of: base, in: repository, layout)
            if layout.readsMarkdown {
                let files = changed.filter { $0.hasSuffix(".md") }
                tree = tree.adding(markdown: try await sources(files, of: base, in: repository))
            }
            var problem: String?
            if !context.settings.skipsCollaborators {
                let collaborators = try await people.collaborators(of: pull.repository)
                if collaborators == nil { problem = OwnersText.collaboratorsUnknown }
                tree = tree.restricted(to: collaborators ?? [])
            }
            var facts = OwnersFacts(changed, in: tree, headSHA: pull.headSHA, baseSHA: base)
            facts.problem = problem
            try await addHead(of: context, changedFiles, layout, base: base, repository, into: &facts)
            return facts
        } catch let error as GitMirrorError where error.isPermanent {
            var facts = OwnersFacts(changed, in: OwnersTree([], layout: layout), headSHA: pull.headSHA, baseSHA: base)
            facts.problem = OwnersText.baseUnreadable(pull.baseRef)
            return facts
        } catch let error as GitMirrorError {
            throw RetryLater("\(error)", after: .seconds(10))
        } catch let error as GitError {
            throw RetryLater("\(error)", after: .seconds(10))
        }
    }

    /// The OWNERS files of a branch as they are now; nil where the repository or the branch is not there.
    ///
    /// - Throws: `ForgeError`, `GitMirrorError` or `GitError` where it cannot be read now.
    func tree(of branch: String, in name: RepositoryName, _ settings: RepositoryPlugins) async throws -> OwnersTree? {
        guard let head = try await forge.branchHead(name, branch) else { return nil }
        let repository = try await mirrors.repository(name, having: [head])
        let tree = try await tree(of: head, in: repository, OwnersLayout(settings))
        guard !settings.skipsCollaborators else { return tree }
        return tree.restricted(to: try await people.collaborators(of: name) ?? [])
    }

    // MARK: Trees

    private func tree(
        of commit: String, in repository: GitRepository, _ layout: OwnersLayout
    ) async throws -> OwnersTree {
        let hash = try await repository.tree(of: commit)
        if let known = cache.tree(hash, layout) { return known }
        let entries = try await repository.entries(of: hash).filter { $0.isFile && layout.isRead($0.path) }
        // Most commits leave OWNERS files alone.
        let digest = entries.map { "\($0.hash) \($0.path)" }.joined(separator: "\n")
        if let known = cache.tree(digest, layout) {
            cache.keep(known, hash, layout)
            return known
        }
        let blobs = try await repository.blobs(entries.map(\.hash), limit: OwnersFile.byteLimit)
        let tree = OwnersTree(
            entries.map { entry in
                // One that is too large has one byte too many left, which is said about it.
                SourceFile(
                    path: entry.path,
                    bytes: blobs[entry.hash] ?? Array(repeating: 0x23, count: OwnersFile.byteLimit + 1))
            }, layout: layout)
        cache.keep(tree, hash, layout)
        cache.keep(tree, digest, layout)
        return tree
    }

    private func sources(
        _ paths: [String], of commit: String, in repository: GitRepository
    ) async throws -> [SourceFile] {
        guard !paths.isEmpty else { return [] }
        let wanted = Set(paths)
        // One listing, because an argument list is bounded and a change is not.
        let entries = try await repository.entries(of: commit).filter { $0.isFile && wanted.contains($0.path) }
        let blobs = try await repository.blobs(entries.map(\.hash))
        return entries.compactMap { entry in blobs[entry.hash].map { SourceFile(path: entry.path, bytes: $0) } }
    }

    /// What only the pull request's own commits can tell.
    private func addHead(
        of context: PullContext, _ changedFiles: [ChangedFile], _ layout: OwnersLayout, base: String,
        _ repository: GitRepository, into facts: inout OwnersFacts
    ) async throws {
        let files = changedFiles.filter { $0.status != "removed" && layout.isRead($0.filename) }.map(\.filename)
        let verifies = context.settings.isActive("verify-owners") && !files.isEmpty
        guard verifies || context.settings.lgtm.storesTreeHash else { return }
        let head = context.pull.headSHA
        do {
            _ = try await mirrors.repository(context.pull.repository, having: [head])
        } catch let error as GitMirrorError where error.isPermanent {
            // Pushed over already; the next event tells of the new one.
            return
        }
        facts.headTree = try await repository.tree(of: head)
        guard verifies else { return }
        let ours = try await sources(files, of: head, in: repository)
        let theirs = Dictionary(
            try await sources(files + [layout.aliasesName], of: base, in: repository).map { ($0.path, $0.bytes) },
            uniquingKeysWith: { first, _ in first })
        // Aliases that came to the base meanwhile count: they will be there when it is merged.
        let aliases =
            files.contains(layout.aliasesName)
            ? ours.first { $0.path == layout.aliasesName }
            : theirs[layout.aliasesName].map { SourceFile(path: layout.aliasesName, bytes: $0) }
        facts.verification = OwnersVerification(
            ours.map { .init(path: $0.path, head: $0.bytes, base: theirs[$0.path]) }, aliases: aliases, layout: layout,
            bannedLabels: context.settings.bannedOwnersLabels)
    }
}

/// Trees of OWNERS files by the hash of the git tree they were read from: content that never changes.
private final class OwnersCache: Sendable {
    private struct Key: Hashable {
        var hash: String
        var layout: OwnersLayout
    }

    private static let limit = 256
    private let trees = Mutex<(byKey: [Key: OwnersTree], order: [Key])>(([:], []))

    func tree(_ hash: String, _ layout: OwnersLayout) -> OwnersTree? {
        trees.withLock { $0.byKey[Key(hash: hash, layout: layout)] }
    }

    func keep(_ tree: OwnersTree, _ hash: String, _ layout: OwnersLayout) {
        let key = Key(hash: hash, layout: layout)
        trees.withLock { trees in
            if trees.byKey.updateValue(tree, forKey: key) == nil { trees.order.append(key) }
            while trees.order.count > Self.limit { trees.byKey[trees.order.removeFirst()] = nil }
        }
    }
}
