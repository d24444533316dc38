import Fleet
import Forge
import FoundationEssentials
import Git
import JobConfig
import Logging
import Postgres
import SlipwayModel
import Synchronization

/// What a train wants landed.
struct Landing: Sendable {
    var trial: Int
    var base: TrainBase
    var members: [TrainMember]
    /// What the branch stands at afterwards: the tree that was tested.
    var tree: String

    var numbers: [Int] { members.map(\.number) }
}

/// Lands what passed. What is about to land is written down first; whoever does it again looks at the forge before.
///
/// - All by `merge`, and the forge lets us push: one push of the whole prefix that names the commit the branch has to
///   stand at, so it lands as a whole or not at all.
/// - Otherwise one call of the merge API after the other, each with the head's SHA as its guard. The API cannot name the
///   base, so the branch's tree is compared after each: where it is not the tested one, the rest is tested again.
struct Lander: Sendable {
    /// How long a refusal of a push is remembered.
    private static let pushRefusalLasts = Duration.seconds(600)
    /// Seconds until the forge is taken to show what it was told, or to know what it is finding out.
    private static let forgePatience = 10.0

    let bus: FleetBus
    let forge: ForgeClient
    let mirrors: GitMirrors
    let observer: PoolObserver
    let builder: PrefixBuilder
    /// Whether prefixes are pushed at all.
    let pushes: Bool
    private let refusals = PushRefusals()

    init(
        bus: FleetBus, forge: ForgeClient, mirrors: GitMirrors, observer: PoolObserver, builder: PrefixBuilder,
        pushes: Bool
    ) {
        self.bus = bus
        self.forge = forge
        self.mirrors = mirrors
        self.observer = observer
        self.builder = builder
        self.pushes = pushes
    }

    /// - Parameter jobs: what the members have to pass together, as the configuration is now.
    func land(
        _ landing: Landing, _ look: PoolLook, _ claim: PoolClaim, requiring jobs: () async throws -> [TrainJob]
    ) async throws -> [TrainEvent] {
        let trial = landing.trial
        let steps: [PrefixBuilder.Step]
        let overwritten: [Int: Set<String>]
        do {
            guard let tip = try await observer.base(of: claim.pool) else {
                return [.landingRefused(trial: trial, .temporary(reason: MergingText.branchGone(claim.pool.branch)))]
            }
            if tip.commit != landing.base.commit { return try await resume(landing, tip: tip, look, claim) }
            let contexts = try await contexts(of: landing, look)
            guard case .built(let built) = try await build(landing, look, claim), built.last?.tree == landing.tree
            else {
                return [.landingRefused(trial: trial, .temporary(reason: MergingText.builtOtherwise))]
            }
            steps = built
            let tested = claim.train?.line.first { $0.id == trial }
            if let tested, let train = claim.train {
                guard train.missing(try await jobs(), in: tested, at: claim.time).isEmpty else {
                    return [.landingRefused(trial: trial, .jobsChanged)]
                }
            }
            overwritten = look.pendingContexts(contexts, passedBy: tested)
            try await intend(landing, steps, look, overwritten, claim)
        } catch let error as Unfit {
            return try await refuse(error.number, of: landing, claim)
        } catch let error as GitMirrorError {
            return [.landingRefused(trial: trial, .temporary(reason: "\(error)"))]
        } catch let error as ForgeError {
            return [.landingRefused(trial: trial, .temporary(reason: "\(error)"))]
        }
        // From here on the forge may have done what it never answered: an error ends the turn, and the next one looks first.
        if pushes, steps.allSatisfy({ $0.method == .merge }), refusals.allows(claim.pool) {
            if let events = try await push(landing, steps, claim) { return events }
        }
        return try await merge(landing, steps, look, overwritten, claim)
    }

    private func build(
        _ landing: Landing, _ look: PoolLook, _ claim: PoolClaim
    ) async throws -> PrefixBuilder.Outcome {
        try await builder.build(
            claim.pool.repository, base: landing.base, members: landing.members, plans: look.plans)
    }

    /// A member changed since it was tested.
    private struct Unfit: Error {
        var number: Int
    }

    /// What stands on the members' heads now, asked of the forge itself, as late as possible, because a push has no other
    /// guard against what changed meanwhile.
    private func contexts(of landing: Landing, _ look: PoolLook) async throws -> [Int: [String: ContextState]] {
        var contexts: [Int: [String: ContextState]] = [:]
        for member in landing.members {
            contexts[member.number] = try await freshContexts(of: member.number, head: member.head, look)
        }
        return contexts
    }

    /// - Throws: `Unfit` where it may not land any more.
    private func freshContexts(of number: Int, head: String, _ look: PoolLook) async throws -> [String: ContextState] {
        let pull = try await forge.pull(look.rules.repository, number)
        guard pull.isOpen, pull.head.sha == head, pull.base.ref == look.rules.branch else {
            throw Unfit(number: number)
        }
        guard let found = look.pulls[number] else { return [:] }
        var fresh = found.pull
        fresh.labels = Set(pull.labelNames)
        fresh.isDraft = pull.isDraft ?? false
        fresh.mergeable = nil
        let shown = try await observer.forgeContexts(fresh).1
        // What is asked for again meanwhile was green before; what failed since keeps it out.
        let merged = found.contexts.merging(shown) { known, now in now == .pending ? known : now }
        guard look.rules.standing(of: fresh, contexts: merged).isEligible else { throw Unfit(number: number) }
        return shown
    }

    /// It leaves; the next look asks the forge about it, whatever was known before.
    private func refuse(_ number: Int, of landing: Landing, _ claim: PoolClaim) async throws -> [TrainEvent] {
        let reason = MergingText.changedBeforeLanding
        if let head = landing.members.first(where: { $0.number == number })?.head {
            let pool = claim.pool
            try await bus.commit(holding: claim) { effects, _ in
                try await effects.database.execute(MergingStore.forgetContexts, [pool.org], [pool.repo], [head])
                try await effects.database.execute(
                    MergingStore.note, pool.org, pool.repo, pool.branch, "LEFT", landing.base.commit,
                    JSON([Pull(number: number, author: "", sha: head)]), MergingText.left(number, reason), "")
            }
        }
        return [.left(number: number), .landingRefused(trial: landing.trial, .temporary(reason: reason, seconds: 0))]
    }

    /// - Parameter overwritten: contexts that are told to be green at the forge, by pull request.
    private func intend(
        _ landing: Landing, _ steps: [PrefixBuilder.Step], _ look: PoolLook, _ overwritten: [Int: Set<String>],
        _ claim: PoolClaim
    ) async throws {
        let pool = claim.pool
        try await bus.commit(holding: claim) { effects, now in
            try await effects.database.execute(
                MergingStore.intendLandings, pool.org, pool.repo, pool.branch, landing.trial,
                landing.base.commit, steps.map(\.number), steps.map(\.head), steps.map(\.method.rawValue),
                steps.map(\.commit), steps.map(\.tree))
            for step in steps {
                for context in (overwritten[step.number] ?? []).sorted() {
                    effects.emit(
                        ForgeDesired(
                            repository: pool.repository, target: "commit/\(step.head)",
                            key: "status/\(step.head)/\(context)",
                            value: .status(
                                sha: step.head, context: context, state: "success",
                                description: MergingText.passedTogether, targetURL: nil),
                            version: now.microseconds * 10))
                }
                guard let problem = look.plans[step.number]?.templateProblem else { continue }
                try await effects.database.execute(
                    MergingStore.note, pool.org, pool.repo, pool.branch, "TEMPLATE", landing.base.commit,
                    JSON([Pull(number: step.number, author: "", sha: step.head)]),
                    MergingText.templateFailed(step.number, problem), "")
            }
        }
    }

    // MARK: By a push

    /// - Returns: nil where the forge does not take pushes to the branch.
    private func push(
        _ landing: Landing, _ steps: [PrefixBuilder.Step], _ claim: PoolClaim
    ) async throws -> [TrainEvent]? {
        guard let last = steps.last else { return nil }
        switch try await mirrors.push(
            last.commit, to: claim.pool.branch, of: claim.pool.repository, expecting: landing.base.commit)
        {
        case .landed:
            return [
                .landed(
                    trial: landing.trial, numbers: landing.numbers,
                    base: TrainBase(commit: last.commit, tree: last.tree))
            ]
        case .moved: return try await moved(landing, claim)
        case .refused(let reason):
            let pool = claim.pool
            let words = MergingText.noPush(pool.branch, reason)
            bus.logger.notice("\(pool): \(words)")
            refusals.remember(pool, for: Self.pushRefusalLasts)
            try await bus.commit(holding: claim) { effects, _ in
                try await effects.database.execute(
                    MergingStore.noteOnceADay, pool.org, pool.repo, pool.branch, "NO_PUSH", landing.base.commit, words)
            }
            return nil
        }
    }

    private func moved(_ landing: Landing, _ claim: PoolClaim) async throws -> [TrainEvent] {
        var events: [TrainEvent] = [.landingRefused(trial: landing.trial, .baseMoved)]
        if let tip = try await observer.base(of: claim.pool) { events.append(.baseMoved(tip)) }
        return events
    }

    // MARK: By the merge API

    /// - Parameter overwritten: contexts that the forge was told to be green, by pull request.
    private func merge(
        _ landing: Landing, _ steps: [PrefixBuilder.Step], _ look: PoolLook, _ overwritten: [Int: Set<String>],
        _ claim: PoolClaim
    ) async throws -> [TrainEvent] {
        var events: [TrainEvent] = []
        var expected = landing.base.commit
        let repository = claim.pool.repository
        for (place, step) in steps.enumerated() {
            if place > 0 {
                // Merges take their time: what was found out before the first of them is old by now.
                do {
                    _ = try await freshContexts(of: step.number, head: step.head, look)
                } catch let error as Unfit {
                    return events + (try await refuse(error.number, of: landing, claim))
                }
            }
            guard let before = try await observer.base(of: claim.pool), before.commit == expected else {
                return events + (try await moved(landing, claim))
            }
            let plan = look.plans[step.number]
            let words = plan.map { MergingText.mergeWords($0.pull, $0.method, $0.template) }
            do throws(ForgeError) {
                _ = try await forge.mergePull(
                    repository, step.number, sha: step.head, method: step.method.rawValue, title: words?.title,
                    message: words?.body)
            } catch {
                // The answer may have got lost after the merge.
                let pull = try await forge.pull(repository, step.number)
                guard pull.wasMerged else {
                    let awaited = (overwritten[step.number] ?? []).union([observer.statusContext])
                    return events
                        + (try await refused(step, error, pull, awaited: awaited, plan?.pull, landing, claim))
                }
            }
            guard let tip = try await observer.base(of: claim.pool) else { return events }
            if tip.commit == expected, try await forge.pull(repository, step.number).base.ref != claim.pool.branch {
                // It got another base in between, and was merged into that.
                return events + (try await refuse(step.number, of: landing, claim))
            }
            events.append(.landed(trial: landing.trial, numbers: [step.number], base: tip))
            expected = tip.commit
            guard tip.tree == step.tree else {
                // Somebody else's change came in between the look and the merge: nothing above it was tested with that.
                return events + [.landingRefused(trial: landing.trial, .baseMoved), .baseMoved(tip)]
            }
        }
        return events
    }

    /// Whether the forge refuses because it has yet to show contexts that it was told of.
    private func lags(_ message: String, _ awaited: Set<String>, _ pull: MergeCandidate?) async throws -> Bool {
        if awaited.contains(where: { message.contains("\"\($0)\"") }) { return true }
        // GitHub counts several, and names none of them.
        guard message.lowercased().contains("required status check"), !message.contains("\""), let pull else {
            return false
        }
        let shown = try await observer.forgeContexts(pull).1
        return awaited.contains { shown[$0] == .pending }
    }

    /// - Parameters:
    ///   - pull: as the forge shows it after its refusal.
    ///   - awaited: contexts that the forge was told of and may have yet to show.
    private func refused(
        _ step: PrefixBuilder.Step, _ error: ForgeError, _ pull: PullRequest, awaited: Set<String>,
        _ candidate: MergeCandidate?, _ landing: Landing, _ claim: PoolClaim
    ) async throws -> [TrainEvent] {
        guard pull.isOpen, pull.base.ref == claim.pool.branch, pull.isDraft != true else {
            return try await refuse(step.number, of: landing, claim)
        }
        let isUndecided = pull.mergeable == nil
        let refusal: LandingRefusal
        switch MergeRefusal(status: error.status, message: error.message, isUndecided: isUndecided) {
        case .baseMoved: return try await moved(landing, claim)
        case .headMoved: return try await refuse(step.number, of: landing, claim)
        case .notYet: refusal = .temporary(reason: error.message, seconds: Self.forgePatience)
        case .final where try await lags(error.message, awaited, candidate):
            refusal = .temporary(reason: error.message, seconds: Self.forgePatience)
        case .final: refusal = .member(number: step.number, reason: error.message)
        case .trouble: refusal = .temporary(reason: "\(error)")
        }
        return [.landingRefused(trial: landing.trial, refusal)]
    }

    // MARK: After a crash

    /// The branch is not where the landing begins: a part or the whole of it landed by our hand, or somebody else pushed.
    private func resume(
        _ landing: Landing, tip: TrainBase, _ look: PoolLook, _ claim: PoolClaim
    ) async throws -> [TrainEvent] {
        struct Intent {
            var commit: String
            var tree: String
        }
        let pool = claim.pool
        var intents: [Int: Intent] = [:]
        for row in try await bus.database.execute(
            MergingStore.landingsOfTrial, pool.org, pool.repo, pool.branch, landing.trial)
        {
            let (number, head, _, commit, tree, _) = try row.decode(
                (Int, String, String, String, String, Bool).self)
            if landing.members.contains(where: { $0.number == number && $0.head == head }) {
                intents[number] = Intent(commit: commit, tree: tree)
            }
        }
        let git = try await mirrors.repository(pool.repository, having: [tip.commit])
        // Pushed as a whole: the last commit is in the branch.
        if let last = landing.members.last, let intent = intents[last.number],
            try await git.missing([intent.commit]).isEmpty, try await git.isAncestor(intent.commit, of: tip.commit)
        {
            let base = TrainBase(commit: intent.commit, tree: intent.tree)
            let landed = TrainEvent.landed(trial: landing.trial, numbers: landing.numbers, base: base)
            return base.commit == tip.commit ? [landed] : [landed, .baseMoved(tip)]
        }
        // Merged one by one: those that the forge shows as merged.
        var merged: [Int] = []
        for member in landing.members {
            guard intents[member.number] != nil,
                try await forge.pull(pool.repository, member.number).wasMerged
            else { break }
            merged.append(member.number)
        }
        var events: [TrainEvent] = []
        if let last = merged.last, let intent = intents[last] {
            events.append(.landed(trial: landing.trial, numbers: merged, base: tip))
            // As it was tested: the rest, if there is one, goes on from here with the next turn.
            if intent.tree == tip.tree { return events }
        }
        return events + [.landingRefused(trial: landing.trial, .baseMoved), .baseMoved(tip)]
    }
}

/// Branches that took no push lately.
private final class PushRefusals: Sendable {
    private let until = Mutex<[PoolName: ContinuousClock.Instant]>([:])

    func allows(_ pool: PoolName) -> Bool {
        until.withLock { ($0[pool] ?? .now) <= .now }
    }

    func remember(_ pool: PoolName, for duration: Duration) {
        until.withLock { $0[pool] = .now + duration }
    }
}
