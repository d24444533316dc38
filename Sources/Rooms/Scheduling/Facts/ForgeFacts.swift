import Fleet
import Forge
import JobConfig
import SlipwayModel
import Synchronization

/// What the forge knows of a pull request at the moment of a decision.
struct ForgeFacts: Sendable {
    var pull: PullState
    /// The base branch is there; otherwise `pull.baseSHA` is what the delivery said.
    var baseExists: Bool
    /// The author is trusted.
    var isAuthorTrusted: Bool
    /// Whoever gave a command is trusted.
    var isActorTrusted: Bool
    /// Nil where no change rule seemed to need them.
    var changedFiles: [String]?
    /// The jobs of the repository's own files; nil where it may have none.
    var own: OwnConfiguration?

    /// The pull request as a whole: its author, or the label that somebody with the right to set it has set.
    var isPullTrusted: Bool { isAuthorTrusted || pull.labels.contains(PullDecision.okToTest) }
}

/// What the repository's own files say for a pull request.
struct OwnConfiguration: Sendable {
    var jobs: RepositoryJobs
    /// The pull request changes the files.
    var isChanged = false
    /// The files were read with the pull request's changes.
    var includesChanges = false
}

/// Asks the forge, outside of transactions. While the forge is away it says so at once, without another try of its
/// own, so that a batch of deliveries does not wait for each of its time-outs in turn.
struct ForgeReader: Sendable {
    private let forge: ForgeClient
    private let trust: any TrustJudge
    private let bot: String
    private let repositories: RepositoryReader
    private let outage = Outage()

    init(forge: ForgeClient, trust: any TrustJudge, bot: String, repositories: RepositoryReader) {
        self.forge = forge
        self.trust = trust
        self.bot = bot
        self.repositories = repositories
    }

    /// - Returns: nil where the event can start nothing, or its pull request is gone.
    /// - Throws: `RetryLater` while the forge cannot be asked.
    func facts(for event: PullChanged, _ catalog: JobCatalog) async throws -> ForgeFacts? {
        guard catalog.hasPresubmits(event.repository), PullDecision.mayStartJobs(event, bot: bot) else { return nil }
        return try await facts(event.repository, event.number, actor: nil, catalog) { jobs, branch in
            jobs.contains { $0.needsChangedFiles(branch: branch) }
        }
    }

    func facts(for issued: CommandIssued, _ catalog: JobCatalog) async throws -> ForgeFacts? {
        let central = catalog.presubmits(of: issued.repository)
        let isEnabled = catalog.inRepository.isEnabled(issued.repository)
        // Which comments its own jobs answer to is known only once they are read.
        guard isEnabled || !central.isEmpty && CommandDecision.concerns(issued, jobs: central) else { return nil }
        let facts = try await facts(issued.repository, issued.number, actor: issued.actor, catalog) { jobs, branch in
            CommandDecision.needsChangedFiles(issued, jobs: jobs, branch: branch)
        }
        guard let own = facts?.own else { return facts }
        return CommandDecision.concerns(issued, jobs: central + own.jobs.presubmits) ? facts : nil
    }

    func facts(for reconcile: PullReconcile, _ catalog: JobCatalog) async throws -> ForgeFacts? {
        try await facts(reconcile.repository, reconcile.number, actor: nil, catalog) { _, _ in true }
    }

    /// The jobs of the repository's own files before a push to a branch; nil where it may have had none.
    func before(_ push: RefPushed, _ catalog: JobCatalog) async throws -> RepositoryJobs? {
        guard !push.isTag else { return nil }
        return try await before(push.before, push.repository, catalog)
    }

    func before(_ reconcile: PullReconcile, _ catalog: JobCatalog) async throws -> RepositoryJobs? {
        guard let push = reconcile.push else { return nil }
        return try await before(push.before, reconcile.repository, catalog)
    }

    private func before(
        _ commit: String, _ repository: RepositoryName, _ catalog: JobCatalog
    ) async throws -> RepositoryJobs? {
        // A new branch was nothing before.
        guard catalog.inRepository.isEnabled(repository), commit.contains(where: { $0 != "0" }) else { return nil }
        return try await repositories.jobs(of: repository, at: commit, catalog)
    }

    /// The jobs of the repository's own files at a push; nil where it may have none.
    func own(_ push: RefPushed, _ catalog: JobCatalog) async throws -> RepositoryJobs? {
        guard catalog.inRepository.isEnabled(push.repository) else { return nil }
        return try await repositories.jobs(of: push.repository, at: push.after, catalog)
    }

    /// The same for a request by name; nil where the configuration itself has the job.
    func own(_ request: RunRequested, _ catalog: JobCatalog) async throws -> RepositoryJobs? {
        guard let refs = request.refs, let branch = refs.baseRef, catalog.inRepository.isEnabled(refs.repository),
            catalog.job(request.job, request.kind, refs) == nil
        else { return nil }
        guard let base = refs.baseSHA else {
            return try await repositories.jobs(of: refs.repository, branch: branch, catalog)
        }
        // What is about to be merged has been approved by whoever may.
        let heads = request.origin == .merging ? (refs.pulls ?? []).map(\.sha) : []
        return try await repositories.jobs(of: refs.repository, at: base, merging: heads, catalog)
    }

    private func facts(
        _ repository: RepositoryName, _ number: Int, actor: String?, _ catalog: JobCatalog,
        needsFiles: ([ConfiguredJob], String) -> Bool
    ) async throws -> ForgeFacts? {
        try outage.check()
        let isEnabled = catalog.inRepository.isEnabled(repository)
        let central = catalog.presubmits(of: repository)
        do {
            let pull = try await forge.pull(repository, number)
            async let head = forge.branchHead(repository, pull.base.ref)
            let wantsFiles = isEnabled || needsFiles(central, pull.base.ref)
            async let files = wantsFiles ? forge.pullFiles(repository, number) : nil
            async let isAuthorTrusted = trust.isTrusted(pull.author, in: repository)
            async let isActorTrusted = actor.asyncMap { try await trust.isTrusted($0, in: repository) } ?? false
            let baseSHA = try await head
            let changed = try await files
            var facts = ForgeFacts(
                pull: PullState(pull, repository: repository, baseSHA: baseSHA ?? pull.base.sha),
                baseExists: baseSHA != nil, isAuthorTrusted: try await isAuthorTrusted,
                isActorTrusted: try await isActorTrusted, changedFiles: changed?.map(\.filename))
            if isEnabled { facts.own = try await own(facts, changed ?? [], catalog) }
            return facts
        } catch let error as ForgeError {
            // The repository, the pull request or the right to see it is gone: there is nothing left to decide.
            if error.isPermanent { return nil }
            throw outage.note(error)
        }
    }

    private func own(
        _ facts: ForgeFacts, _ files: [ChangedFile], _ catalog: JobCatalog
    ) async throws -> OwnConfiguration {
        let pull = facts.pull
        guard facts.baseExists else { return OwnConfiguration(jobs: RepositoryJobs(version: catalog.version)) }
        let isChanged = files.contains { file in
            InRepositoryFiles.isPart(file.filename) || file.previousFilename.map(InRepositoryFiles.isPart) ?? false
        }
        let includesChanges = isChanged && facts.isAuthorTrusted && pull.mergeable != false
        let jobs = try await repositories.jobs(
            of: pull.repository, at: pull.baseSHA, merging: includesChanges ? [pull.headSHA] : [], catalog)
        return OwnConfiguration(jobs: jobs, isChanged: isChanged, includesChanges: includesChanges)
    }
}

extension Optional where Wrapped: Sendable {
    fileprivate func asyncMap<T>(_ transform: (Wrapped) async throws -> T) async rethrows -> T? {
        guard let self else { return nil }
        return try await transform(self)
    }
}

extension PullState {
    init(_ pull: PullRequest, repository: RepositoryName, baseSHA: String) {
        self.init(
            repository: repository, number: pull.number, title: pull.title, author: pull.author,
            headRef: pull.head.ref, headSHA: pull.head.sha, baseRef: pull.base.ref, baseSHA: baseSHA,
            isOpen: pull.isOpen, isDraft: pull.isDraft ?? false, isMerged: pull.wasMerged, mergeable: pull.mergeable,
            labels: pull.labelNames, link: pull.htmlURL, version: pull.updatedAt?.milliseconds ?? 0)
    }
}

/// Remembers for some seconds that the forge did not answer.
private final class Outage: Sendable {
    private static let pause: Duration = .seconds(10)
    private let state = Mutex<(until: ContinuousClock.Instant, error: ForgeError)?>(nil)

    func check() throws {
        let current = state.withLock { state in
            if let until = state?.until, until <= .now { state = nil }
            return state
        }
        if let current { throw RetryLater("\(current.error)", after: Self.pause) }
    }

    func note(_ error: ForgeError) -> RetryLater {
        switch error.kind {
        case .unreachable, .rateLimited: state.withLock { $0 = (.now + Self.pause, error) }
        case .status(let code) where code >= 500: state.withLock { $0 = (.now + Self.pause, error) }
        default: break
        }
        return RetryLater("\(error)", after: Self.pause)
    }
}
