import Fleet
import Forge
import FoundationEssentials
import Git
import JobConfig
import Logging
import Postgres
import SlipwayModel

/// Drives pools: claims those that are due, looks, tells their trains what happened, and does what the trains want.
///
/// Everything that a train decides is stored with the train in one transaction, fenced by the claim; runs, statuses and
/// comments leave with it through the outbox. Building and landing follow after the commit. A process that dies in
/// between is followed by another, which asks the train what is outstanding and does it again: building the same members
/// makes the same commits, and a landing first looks whether it happened.
struct PoolDriver: Sendable {
    private static let window = 16
    private static let concurrentPools = 4
    /// Seconds between two looks at a pool in which nothing happened: with somebody in it, and without.
    private static let lookAge = 30.0
    private static let emptyLookAge = 120.0
    /// Seconds until the next turn where runs are under way.
    private static let busyPause = 1.0
    /// Seconds until the next turn after something failed.
    private static let failurePause = 10.0
    /// Rounds of building and landing in one turn; what is left then has the next turn.
    private static let rounds = 50

    let bus: FleetBus
    let configuration: MergingConfiguration
    let observer: PoolObserver
    let builder: PrefixBuilder
    let lander: Lander
    let texts: MemberTexts
    let failureLines: FailureLines

    var database: PostgresPool { bus.database }

    /// One pass: until nothing is due.
    func round() async throws {
        while true {
            let claim = UUID()
            let claims = try await database.execute(
                MergingStore.claimPools, Self.window, claim, PoolClaim.seconds
            ).map { try PoolClaim($0, claim: claim) }
            guard !claims.isEmpty else { return }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, claim) in claims.enumerated() {
                    if index >= Self.concurrentPools { try await group.next() }
                    group.addTask { try await turn(claim) }
                }
                try await group.waitForAll()
            }
        }
    }

    /// One pool's turn, its claim renewed beside it.
    private func turn(_ claim: PoolClaim) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await drive(claim)
                return true
            }
            group.addTask {
                while true {
                    try await Task.sleep(for: PoolClaim.renewal)
                    let renewed = try await database.execute(
                        MergingStore.renewClaim, claim.pool.org, claim.pool.repo, claim.pool.branch, claim.claim,
                        PoolClaim.seconds)
                    if renewed.isEmpty { return false }
                }
            }
            defer { group.cancelAll() }
            _ = try await group.next()
        }
    }

    private func drive(_ claim: PoolClaim) async throws {
        var claim = claim
        var pause = Self.lookAge
        var problem: String?
        do {
            pause = try await work(&claim)
        } catch is ClaimLost {
            return
        } catch _ where Task.isCancelled {
            // The claim runs out, and another process goes on.
            throw CancellationError()
        } catch {
            bus.logger.warning("the pool \(claim.pool) could not be driven, the next turn follows: \(error)")
            problem = MergingText.problem(error)
            pause = Self.failurePause
        }
        let pool = claim.pool
        try await database.execute(
            MergingStore.releasePool, pool.org, pool.repo, pool.branch, claim.claim, pause, problem)
    }

    /// - Returns: seconds until the next turn.
    private func work(_ claim: inout PoolClaim) async throws -> Double {
        let version = try await configuration.current(database)
        guard let tide = version.tide, !tide.queries(of: claim.pool.repository).isEmpty else {
            try await drop(claim)
            return Self.emptyLookAge
        }
        var known = try await members(of: claim.pool)
        var turn = PoolTurn(pool: claim.pool, version: version.number, tide: tide)
        let isEmpty = claim.train?.membersByNumber.isEmpty ?? true
        if claim.isDirty || claim.age > (isEmpty ? Self.emptyLookAge : Self.lookAge) {
            let presubmits = try await configuration.presubmits(
                of: claim.pool, at: version, database)
            let look = try await observer.look(
                claim.pool, tide: tide, presubmits: presubmits, known: known,
                train: claim.train)
            turn.look = look
            if look.needsBase, look.base == nil {
                try await stall(claim, turn, known)
                return Self.lookAge
            }
            if claim.train == nil {
                // Nobody may enter yet, so where the branch stands is of no matter.
                claim.train = MergeTrain(
                    base: look.base ?? TrainBase(commit: "", tree: ""), capacity: look.capacity)
            }
        }
        let ended = try await endedRuns(of: claim)
        turn.endedRuns = ended.ended
        turn.cancelledRuns = ended.cancelled
        guard var train = claim.train else { return Self.emptyLookAge }
        // What an earlier driver left undone comes first.
        var tasks = train.outstanding().filter { $0.isForDriver }
        var events = turn.events(for: train, at: claim.time)
        if let look = turn.look { train.policy.maxMembers = look.maxMembers }
        claim.train = train
        events.append(.tick)
        for _ in 0..<Self.rounds {
            let step = try await commit(events, turn, &claim, &known)
            turn.isStored()
            for action in step where action.isForDriver && !tasks.contains(action) { tasks.append(action) }
            guard !tasks.isEmpty else { break }
            events = try await perform(tasks.removeFirst(), &turn, claim, known)
        }
        guard let train = claim.train, !train.membersByNumber.isEmpty else { return Self.emptyLookAge }
        let isBusy = train.landing != nil || train.trials.contains { $0.state != .passed }
        let untilLanding = train.landsAgainAt.map { $0.timeIntervalSince(claim.time) } ?? Self.lookAge
        return isBusy ? Self.busyPause : min(max(untilLanding, Self.busyPause), Self.lookAge)
    }

    // MARK: Doing what the train wants

    private func perform(
        _ action: TrainAction, _ turn: inout PoolTurn, _ claim: PoolClaim, _ known: [Int: KnownMember]
    ) async throws -> [TrainEvent] {
        switch action {
        case .build(let trial, let base, let members):
            guard claim.train?.trials.contains(where: { $0.id == trial && $0.state == .building }) == true else {
                return []
            }
            let look = try await lookIfNeeded(&turn, claim, known)
            return [try await build(trial, base, members, look, claim)]
        case .land(let trial, let base, let members, _, let tree):
            guard claim.train?.landing == trial else { return [] }
            let look = try await lookIfNeeded(&turn, claim, known)
            return try await lander.land(
                Landing(trial: trial, base: base, members: members, tree: tree), look, claim
            ) { [claim] in try await jobs(base, members, tree: tree, look, claim) }
        default: return []
        }
    }

    /// A turn that only followed runs has not looked; building and landing need to know the pull requests.
    private func lookIfNeeded(
        _ turn: inout PoolTurn, _ claim: PoolClaim, _ known: [Int: KnownMember]
    ) async throws -> PoolLook {
        if let look = turn.look { return look }
        let version = try await configuration.current(database)
        let tide = version.tide ?? TideSettings()
        let presubmits = try await configuration.presubmits(of: claim.pool, at: version, database)
        let look = try await observer.look(
            claim.pool, tide: tide, presubmits: presubmits, known: known,
            train: claim.train)
        turn.setLook(look)
        return look
    }

    private func build(
        _ trial: Int, _ base: TrainBase, _ members: [TrainMember], _ look: PoolLook, _ claim: PoolClaim
    ) async throws -> TrainEvent {
        // It went away, or may not be merged any more, since the train was told of it.
        if let gone = members.first(where: { look.plans[$0.number] == nil }) { return .left(number: gone.number) }
        let repository = claim.pool.repository
        switch try await builder.build(repository, base: base, members: members, plans: look.plans) {
        case .conflicted(let number, let withBase, let files):
            return .conflicted(trial: trial, number: number, withBase: withBase, files: files)
        case .unbuildable(let number, let reason):
            return .unbuildable(trial: trial, number: number, reason: reason)
        case .built(let steps):
            guard let last = steps.last else {
                return .unbuildable(trial: trial, number: 0, reason: MergingText.emptyTrial)
            }
            let jobs = try await jobs(base, members, tree: last.tree, look, claim)
            return .built(trial: trial, commit: last.commit, tree: last.tree, jobs: jobs)
        }
    }

    /// What the members have to pass together, as the configuration is now.
    private func jobs(
        _ base: TrainBase, _ members: [TrainMember], tree: String, _ look: PoolLook, _ claim: PoolClaim
    ) async throws -> [TrainJob] {
        let files = try await builder.changedFiles(claim.pool.repository, from: base, to: tree)
        let version = try await configuration.current(database)
        let presubmits = try await configuration.presubmits(
            of: claim.pool, at: version, base: base.commit, merging: members.map(\.head), database)
        return TrialJobs.required(
            of: presubmits, branch: claim.pool.branch, policy: look.rules.policy, changedFiles: files)
    }

    // MARK: Pools that nothing is merged in

    /// No query covers the repository any more.
    private func drop(_ claim: PoolClaim) async throws {
        let open = try await openRuns(of: claim)
        try await bus.commit(holding: claim) { effects, _ in
            for run in open {
                guard let runID = run.runID, run.state?.isFinished == false else { continue }
                effects.emit(RunCancel(runID: runID, by: "merging", reason: MergingText.nothingIsMerged))
            }
            let pool = claim.pool
            try await effects.database.execute(
                MergingStore.endRuns, open.map(\.requestID), open.map { _ in "cancelled" },
                open.map { $0.runID?.uuid })
            try await effects.database.execute(MergingStore.dropMembersOfPool, pool.org, pool.repo, pool.branch)
            try await effects.database.execute(MergingStore.dropPool, pool.org, pool.repo, pool.branch)
        }
    }

    /// There is nothing to merge into: each pull request says so, and what was in the train stays as it is.
    private func stall(_ claim: PoolClaim, _ turn: PoolTurn, _ known: [Int: KnownMember]) async throws {
        var turn = turn
        turn.look?.missBranch()
        try await bus.commit(holding: claim) { [turn] effects, now in
            var step = PoolStep(
                effects: effects, claim: claim, turn: turn,
                train: claim.train ?? MergeTrain(base: TrainBase(commit: "", tree: ""), capacity: 0), texts: texts,
                earlier: known, members: known, now: now)
            try await step.storeLook(problem: MergingText.branchGone(claim.pool.branch))
            try step.tellStatuses()
        }
    }

    private func members(of pool: PoolName) async throws -> [Int: KnownMember] {
        var known: [Int: KnownMember] = [:]
        for row in try await database.execute(MergingStore.members, pool.org, pool.repo, pool.branch) {
            let member = try KnownMember(row)
            known[member.number] = member
        }
        return known
    }
}

extension TrainAction {
    /// Done by the driver after the commit; the others leave with the transaction.
    var isForDriver: Bool {
        switch self {
        case .build, .land: true
        default: false
        }
    }
}

extension KnownMember {
    init(_ row: Row) throws {
        let (
            number, head, isEligible, since, method, priority, obstacles, state, text, contexts, sign, age, ejectedHead,
            ejection, title, author, headRef
        ) = try row.decode(
            (
                Int, String, Bool, Date?, String?, Int, JSON<[MergeObstacle]>, String, String,
                JSON<[String: ContextState]>, String, Double, String?, String?, String, String, String
            ).self)
        self.init(
            number: number, head: head, title: title, author: author, headRef: headRef, isEligible: isEligible,
            eligibleSince: since,
            method: method.flatMap(MergeMethod.init), priority: priority, obstacles: obstacles.value, state: state,
            text: text, contexts: contexts.value, sign: sign, contextsAge: age, ejectedHead: ejectedHead,
            ejection: ejection)
    }
}
