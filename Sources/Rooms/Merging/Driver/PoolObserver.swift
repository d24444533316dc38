import Fleet
import Forge
import FoundationEssentials
import Git
import JobConfig
import Logging
import Postgres
import SlipwayModel
import Synchronization

/// Looks at a pool: its pull requests, what the forge shows on them, its branch, what blocks it.
struct PoolObserver: Sendable {
    private static let concurrentCalls = 8
    /// Seconds after which contexts that are not ours are asked for again, where only they are missing.
    private static let contextsAge = 60.0

    let database: PostgresPool
    let forge: ForgeClient
    let mirrors: GitMirrors
    let statusContext: String
    let maximumTrials: Int
    let logger: Logger
    private let hidden = HiddenChecks()

    init(
        database: PostgresPool, forge: ForgeClient, mirrors: GitMirrors, statusContext: String, maximumTrials: Int,
        logger: Logger
    ) {
        self.database = database
        self.forge = forge
        self.mirrors = mirrors
        self.statusContext = statusContext
        self.maximumTrials = maximumTrials
        self.logger = logger
    }

    /// - Parameter train: nil before the first look.
    func look(
        _ pool: PoolName, tide: TideSettings, presubmits: [ConfiguredJob], known: [Int: KnownMember], train: MergeTrain?
    ) async throws -> PoolLook {
        let pulls = try await openPulls(of: pool)
        var rules = PoolRules(
            repository: pool.repository, branch: pool.branch, tide: tide, presubmits: presubmits,
            allowedMethods: try await allowedMethods(in: pool.repository),
            blockers: try await blockers(of: pool.repository, label: tide.blockerLabel), statusContext: statusContext)
        let own = try await ownContexts(of: pulls, in: pool)
        let read = try await contexts(of: pulls, own: own, known: known, rules: rules)
        rules.hidesChecks = hidden.contains(pool.repository)
        let landed = Set(
            try await database.execute(MergingStore.landedHeads, pool.org, pool.repo, pool.branch).map {
                let (number, head) = try $0.decode((Int, String).self)
                return "\(number)@\(head)"
            })
        let passes = try await passes(of: pulls, presubmits, in: pool)
        var found: [Int: PoolLook.Found] = [:]
        for pull in pulls {
            let (contexts, isFresh) = read[pull.number] ?? ([:], false)
            let member = known[pull.number]
            found[pull.number] = PoolLook.Found(
                pull: pull, standing: rules.standing(of: pull, contexts: contexts), contexts: contexts,
                sign: own[pull.number]?.sign ?? "", isFresh: isFresh, passes: passes[pull.number] ?? [:],
                ejection: member?.ejectedHead == pull.headSHA ? member?.ejection : nil,
                hasLanded: landed.contains("\(pull.number)@\(pull.headSHA)"))
        }
        let inside = Set(train?.membersByNumber.keys.map { $0 } ?? [])
        try await checkBlocks(&found, rules, inside: inside)
        // Idle branches are not fetched.
        let needsBase = !inside.isEmpty || found.values.contains(where: \.mayEnter)
        return PoolLook(
            pulls: found, rules: rules, presubmits: presubmits, needsBase: needsBase,
            base: needsBase ? try await base(of: pool) : nil,
            capacity: try await capacity(rules, presubmits))
    }

    // MARK: Facts

    private func openPulls(of pool: PoolName) async throws -> [MergeCandidate] {
        try await database.execute(MergingStore.openPulls, pool.org, pool.repo, pool.branch).map { row in
            let (
                number, title, body, author, headRef, headSHA, isDraft, mergeable, labels, milestone, decision, link
            ) = try row.decode(
                (
                    Int, String, String?, String, String, String, Bool, Bool?, [String], String?, String?, String?
                ).self)
            return MergeCandidate(
                repository: pool.repository, number: number, title: title, body: body ?? "", author: author,
                headRef: headRef, headSHA: headSHA, baseRef: pool.branch, isDraft: isDraft, mergeable: mergeable,
                labels: Set(labels), milestone: milestone, reviewDecision: decision, link: link)
        }
    }

    /// Where the branch stands; nil where there is none.
    func base(of pool: PoolName) async throws -> TrainBase? {
        guard let commit = try await mirrors.head(of: pool.branch, in: pool.repository) else { return nil }
        let git = try await mirrors.repository(pool.repository, having: [commit])
        return TrainBase(commit: commit, tree: try await git.tree(of: commit))
    }

    /// What the repository's settings allow; everything where the forge does not say.
    private func allowedMethods(in repository: RepositoryName) async throws -> Set<MergeMethod> {
        let settings = try await forge.repository(repository)
        var methods: Set<MergeMethod> = []
        if settings.allowsMergeCommit ?? true { methods.insert(.merge) }
        if settings.allowsSquashMerge ?? true { methods.insert(.squash) }
        if settings.allowsRebaseMerge ?? true { methods.insert(.rebase) }
        return methods
    }

    private func blockers(of repository: RepositoryName, label: String?) async throws -> [MergeBlocker] {
        guard let label else { return [] }
        return try await forge.openIssues(repository, label: label).map {
            MergeBlocker(number: $0.number, title: $0.title, link: $0.htmlURL)
        }
    }

    /// Trials that the agents can test at once, shared between the pools that are at it.
    private func capacity(_ rules: PoolRules, _ presubmits: [ConfiguredJob]) async throws -> Int {
        let (slots, pools) = try await database.execute(MergingStore.capacity).one().decode((Int, Int).self)
        let jobs = presubmits.count { $0.runsAgainst(branch: rules.branch) && $0.job.isRequired && $0.alwaysRun }
        return min(max(1, slots / max(1, jobs) / max(1, pools)), maximumTrials)
    }

    /// Under the policy `block`, what the forge says is blocked does not enter. Those in the train are left alone: while
    /// they are tested our own status may be what blocks them.
    private func checkBlocks(
        _ found: inout [Int: PoolLook.Found], _ rules: PoolRules, inside: Set<Int>
    ) async throws {
        guard rules.tide.mergeBlocksPolicy(of: rules.repository) == .block else { return }
        for number in found.keys.sorted() where found[number]?.mayEnter == true && !inside.contains(number) {
            guard try await forge.pull(rules.repository, number).mergeableState == "blocked" else { continue }
            found[number]?.standing.refuse("error", MergingText.forgeBlocks, [MergingText.forgeBlocksObstacle])
        }
    }

    // MARK: Contexts

    private struct OwnContexts {
        var states: [String: RunState] = [:]
        /// Changes with every run, and with every end of one.
        var sign = ""
    }

    private func ownContexts(of pulls: [MergeCandidate], in pool: PoolName) async throws -> [Int: OwnContexts] {
        var own: [Int: OwnContexts] = [:]
        for row in try await database.execute(
            MergingStore.latestContexts, pool.org, pool.repo, pulls.map(\.number), pulls.map(\.headSHA))
        {
            let (number, context, state, run) = try row.decode((Int, String, RunState, UUID).self)
            own[number, default: OwnContexts()].states[context] = state
            own[number]?.sign += "\(run.lowercased.suffix(12))\(state.rawValue.prefix(2)),"
        }
        return own
    }

    /// What stands on each head. The forge is asked about those that could enter the pool, when they or our runs on them
    /// changed, and again from time to time while something that is not ours is missing.
    private func contexts(
        of pulls: [MergeCandidate], own: [Int: OwnContexts], known: [Int: KnownMember], rules: PoolRules
    ) async throws -> [Int: (contexts: [String: ContextState], isFresh: Bool)] {
        var result: [Int: (contexts: [String: ContextState], isFresh: Bool)] = [:]
        var asked: [MergeCandidate] = []
        for pull in pulls {
            let runs = own[pull.number] ?? OwnContexts()
            let member = known[pull.number]
            let isKnown =
                member?.head == pull.headSHA && member?.sign == runs.sign && member?.contextsAge ?? .infinity < 1e9
            let kept = isKnown ? member?.contexts ?? [:] : [:]
            let merged = Self.overlay(kept, runs.states)
            result[pull.number] = (merged, false)
            // Whatever its contexts are, something else keeps it out.
            let others = rules.standing(of: pull, contexts: rules.satisfied).obstacles
            guard others.isEmpty else { continue }
            let unsuccessful = rules.unsuccessful(merged)
            let isOver = isKnown && (unsuccessful.isEmpty || member?.contextsAge ?? .infinity < Self.contextsAge)
            if !isOver { asked.append(pull) }
        }
        try await withThrowingTaskGroup(of: (Int, [String: ContextState]).self) { group in
            var waiting = asked[...]
            for _ in 0..<Self.concurrentCalls {
                guard let pull = waiting.popFirst() else { break }
                group.addTask { try await forgeContexts(pull) }
            }
            while let (number, contexts) = try await group.next() {
                result[number] = (Self.overlay(contexts, own[number]?.states ?? [:]), true)
                if let pull = waiting.popFirst() { group.addTask { try await forgeContexts(pull) } }
            }
        }
        return result
    }

    func forgeContexts(_ pull: MergeCandidate) async throws -> (Int, [String: ContextState]) {
        do {
            let statuses = try await forge.combinedStatus(pull.repository, ref: pull.headSHA).statuses
            let checks = try await forge.checkRuns(pull.repository, ref: pull.headSHA)
            if hidden.note(pull.repository, isHidden: checks == nil) {
                logger.notice("\(MergingText.hiddenChecks(pull.repository))")
            }
            return (pull.number, ContextState.shown(by: statuses, and: checks ?? []))
        } catch {
            // The head went away since it was told.
            guard error.isNotFound || error.status == 422 else { throw error }
            return (pull.number, [:])
        }
    }

    /// The forge's word, except where a run of ours has ended and the forge has yet to show it.
    static func overlay(_ contexts: [String: ContextState], _ runs: [String: RunState]) -> [String: ContextState] {
        var result = contexts
        for (context, state) in runs {
            switch result[context] {
            case nil, .pending?:
                switch state {
                case .waiting, .dispatched, .running: result[context] = .pending
                case .success: result[context] = .success
                case .failure, .aborted: result[context] = .failure
                case .error: result[context] = .error
                }
            default: break
            }
        }
        return result
    }

    private func passes(
        of pulls: [MergeCandidate], _ presubmits: [ConfiguredJob], in pool: PoolName
    ) async throws -> [Int: [String: Date]] {
        let hashes = presubmits.filter { if case .age = $0.job.mergeFreshness { true } else { false } }.map(\.hash)
        guard !hashes.isEmpty else { return [:] }
        var passes: [Int: [String: Date]] = [:]
        for row in try await database.execute(
            MergingStore.passesOfHeads, pool.org, pool.repo, pulls.map(\.number), pulls.map(\.headSHA), hashes)
        {
            let (number, hash, time) = try row.decode((Int, String, Date).self)
            passes[number, default: [:]][hash] = time
        }
        return passes
    }
}

extension PoolRules {
    /// Contexts with which nothing is unsuccessful.
    var satisfied: [String: ContextState] {
        Dictionary(policy.required.map { ($0, .success) }) { first, _ in first }
    }
}

/// Repositories whose check runs the forge does not show us.
private final class HiddenChecks: Sendable {
    private let repositories = Mutex<Set<RepositoryName>>([])

    func contains(_ repository: RepositoryName) -> Bool { repositories.withLock { $0.contains(repository) } }

    /// - Returns: whether they are hidden and were not known to be.
    func note(_ repository: RepositoryName, isHidden: Bool) -> Bool {
        repositories.withLock { known in
            if isHidden { return known.insert(repository).inserted }
            known.remove(repository)
            return false
        }
    }
}
