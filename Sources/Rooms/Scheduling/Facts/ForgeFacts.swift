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

    /// The pull request as a whole: its author, or the label that somebody with the right to set it has set.
    var isPullTrusted: Bool { isAuthorTrusted || pull.labels.contains(PullDecision.okToTest) }
}

/// Asks the forge, outside of transactions. While the forge is away it says so at once, without another try of its
/// own, so that a batch of deliveries does not wait for each of its time-outs in turn.
struct ForgeReader: Sendable {
    private let forge: ForgeClient
    private let trust: Trust
    private let bot: String
    private let outage = Outage()

    init(forge: ForgeClient, trust: Trust, bot: String) {
        self.forge = forge
        self.trust = trust
        self.bot = bot
    }

    /// - Returns: nil where the event can start nothing, or its pull request is gone.
    /// - Throws: `RetryLater` while the forge cannot be asked.
    func facts(for event: PullChanged, _ catalog: JobCatalog) async throws -> ForgeFacts? {
        let jobs = catalog.presubmits(of: event.repository)
        guard !jobs.isEmpty, PullDecision.mayStartJobs(event, bot: bot) else { return nil }
        return try await facts(event.repository, event.number, actor: nil) { branch in
            jobs.contains { $0.needsChangedFiles(branch: branch) }
        }
    }

    func facts(for issued: CommandIssued, _ catalog: JobCatalog) async throws -> ForgeFacts? {
        let jobs = catalog.presubmits(of: issued.repository)
        guard !jobs.isEmpty, CommandDecision.concerns(issued, jobs: jobs) else { return nil }
        return try await facts(issued.repository, issued.number, actor: issued.actor) { branch in
            CommandDecision.needsChangedFiles(issued, jobs: jobs, branch: branch)
        }
    }

    func facts(for reconcile: PullReconcile) async throws -> ForgeFacts? {
        try await facts(reconcile.repository, reconcile.number, actor: nil) { _ in true }
    }

    private func facts(
        _ repository: RepositoryName, _ number: Int, actor: String?, needsFiles: (String) -> Bool
    ) async throws -> ForgeFacts? {
        try outage.check()
        do {
            let pull = try await forge.pull(repository, number)
            async let head = forge.branchHead(repository, pull.base.ref)
            let wantsFiles = needsFiles(pull.base.ref)
            async let files = wantsFiles ? forge.pullFiles(repository, number).map(\.filename) : nil
            async let isAuthorTrusted = trust.isTrusted(pull.author, in: repository.org)
            async let isActorTrusted = actor.asyncMap { try await trust.isTrusted($0, in: repository.org) } ?? false
            let baseSHA = try await head
            return ForgeFacts(
                pull: PullState(pull, repository: repository, baseSHA: baseSHA ?? pull.base.sha),
                baseExists: baseSHA != nil, isAuthorTrusted: try await isAuthorTrusted,
                isActorTrusted: try await isActorTrusted, changedFiles: try await files)
        } catch let error as ForgeError {
            // The repository, the pull request or the right to see it is gone: there is nothing left to decide.
            if error.isPermanent { return nil }
            throw outage.note(error)
        }
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
