import Fleet
import Git
import JobConfig
import SlipwayModel
import Synchronization

/// Reads the configuration that repositories carry themselves, out of copies of them.
///
/// Whose word counts, so that nobody starts what nobody trusted has seen:
///
/// | what is tested | the files are read at |
/// |---|---|
/// | a push | the pushed commit |
/// | a pull request | the head of its base branch |
/// | a pull request that changes the files, of a trusted author | what it merges to |
/// | a pull request that changes the files, of anybody else | the head of its base branch, `ok-to-test` or not |
/// | what is about to be merged | what it merges to |
///
/// Prow reads every pull request's files at what it merges to, whoever wrote them.
struct RepositoryReader: Sendable {
    private let mirrors: GitMirrors
    private let cache = RepositoryCache()

    init(mirrors: GitMirrors) { self.mirrors = mirrors }

    /// The jobs of a repository's own files at a commit, or at what heads merge to on it.
    ///
    /// - Returns: none where the repository, the commit or the files are not there, and where the heads conflict.
    /// - Throws: `RetryLater` while the forge cannot be asked.
    func jobs(
        of repository: RepositoryName, at base: String, merging heads: [String] = [], _ catalog: JobCatalog
    ) async throws -> RepositoryJobs {
        let place = RepositoryCache.Place(repository: repository, base: base, heads: heads, version: catalog.version)
        if let known = cache.jobs(at: place) { return known }
        let loaded: LoadedConfiguration
        do {
            loaded = try await load(repository, base, heads, catalog)
        } catch let error as GitMirrorError {
            guard error.isPermanent else { throw RetryLater("\(error)", after: .seconds(10)) }
            return RepositoryJobs(version: catalog.version)
        } catch let error as GitError {
            throw RetryLater("\(error)", after: .seconds(10))
        }
        let jobs = RepositoryJobs(
            loaded, version: catalog.version, commit: ([base] + heads).joined(separator: "+"))
        cache.set(jobs, at: place)
        return jobs
    }

    /// The same at the head of a branch as it is now.
    func jobs(
        of repository: RepositoryName, branch: String, _ catalog: JobCatalog
    ) async throws -> RepositoryJobs {
        do {
            guard let head = try await mirrors.head(of: branch, in: repository) else {
                return RepositoryJobs(version: catalog.version)
            }
            return try await jobs(of: repository, at: head, catalog)
        } catch let error as GitMirrorError {
            guard error.isPermanent else { throw RetryLater("\(error)", after: .seconds(10)) }
            return RepositoryJobs(version: catalog.version)
        }
    }

    private func load(
        _ repository: RepositoryName, _ base: String, _ heads: [String], _ catalog: JobCatalog
    ) async throws -> LoadedConfiguration {
        let copy = try await mirrors.repository(repository, having: [base] + heads)
        guard let tree = try await merged(base, heads, in: copy) else { return LoadedConfiguration() }
        let entries = try await copy.entries(
            of: tree, paths: [InRepositoryFiles.file, InRepositoryFiles.folder, InRepositoryFiles.ignoreFile]
        ).filter { InRepositoryFiles.isPart($0.path) }
        let rules = entries.filter { $0.path.split(separator: "/").last == Substring(InRepositoryFiles.ignoreFile) }
        let ignoreFiles = try await copy.blobs(rules.map(\.hash), limit: 65_536)
        var ignoreRules: [String: String] = [:]
        for rule in rules {
            ignoreRules[rule.path] = ignoreFiles[rule.hash].map { String(decoding: $0, as: UTF8.self) }
        }
        let chosen = Set(InRepositoryFiles.choose(from: entries.map(\.path), ignoreRules: ignoreRules))
        let files = entries.filter { chosen.contains($0.path) }
        let content = RepositoryCache.Content(
            repository: repository, entries: files.map { "\($0.mode) \($0.hash) \($0.path)" },
            version: catalog.version)
        if let known = cache.loaded(content) { return known }
        let loaded = try await load(repository, files, from: copy, catalog)
        cache.set(loaded, content)
        return loaded
    }

    private func load(
        _ repository: RepositoryName, _ entries: [TreeEntry], from copy: GitRepository, _ catalog: JobCatalog
    ) async throws -> LoadedConfiguration {
        let readable = entries.filter(\.isFile).prefix(InRepositoryFiles.countLimit + 1)
        let blobs = try await copy.blobs(readable.map(\.hash), limit: InRepositoryFiles.totalLimit)
        var loaded = JobConfiguration.load(
            inRepository: repository,
            files: readable.compactMap { entry in
                blobs[entry.hash].map { SourceFile(path: entry.path, bytes: $0) }
            },
            rules: catalog.inRepository,
            central: catalog.presubmits(of: repository) + catalog.postsubmits(of: repository))
        loaded.errors += entries.filter { !$0.isFile }.map {
            ConfigProblem(file: $0.path, line: 0, message: SchedulingText.noFile)
        }
        loaded.errors += readable.filter { blobs[$0.hash] == nil }.map {
            ConfigProblem(file: $0.path, line: 0, message: SchedulingText.fileTooLarge)
        }
        return loaded
    }

    /// The tree of the commit with the heads merged one after the other; nil where they conflict.
    private func merged(_ base: String, _ heads: [String], in copy: GitRepository) async throws -> String? {
        var (commit, tree) = (base, try await copy.tree(of: base))
        for (index, head) in heads.enumerated() {
            guard let merged = try await copy.merge(commit, head).tree else { return nil }
            tree = merged
            guard index + 1 < heads.count else { break }
            commit = try await copy.commitTree(tree, parents: [commit, head], message: "merge", date: 0)
        }
        return tree
    }
}

/// What was read lately: by commit, and by the files' contents, which most commits share.
private final class RepositoryCache: Sendable {
    struct Place: Hashable {
        var repository: RepositoryName
        var base: String
        var heads: [String]
        var version: Int64
    }

    struct Content: Hashable {
        var repository: RepositoryName
        /// Mode, hash and path of each file.
        var entries: [String]
        var version: Int64
    }

    private struct State {
        var jobs: [Place: RepositoryJobs] = [:]
        var loaded: [Content: LoadedConfiguration] = [:]
    }

    private static let limit = 128
    private let state = Mutex(State())

    func jobs(at place: Place) -> RepositoryJobs? { state.withLock { $0.jobs[place] } }

    func loaded(_ content: Content) -> LoadedConfiguration? { state.withLock { $0.loaded[content] } }

    func set(_ jobs: RepositoryJobs, at place: Place) {
        state.withLock { state in
            if state.jobs.count >= Self.limit { state.jobs.removeAll() }
            state.jobs[place] = jobs
        }
    }

    func set(_ loaded: LoadedConfiguration, _ content: Content) {
        // What was read is not read again; what it gave is all that is needed.
        var loaded = loaded
        loaded.files = loaded.files.map { SourceFile(path: $0.path, bytes: []) }
        state.withLock { [loaded] state in
            if state.loaded.count >= Self.limit { state.loaded.removeAll() }
            state.loaded[content] = loaded
        }
    }
}
