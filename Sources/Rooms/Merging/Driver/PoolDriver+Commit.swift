import Fleet
import FoundationEssentials
import JobConfig
import Postgres
import SlipwayModel

/// One step of a train, stored with all that leaves with it.
extension PoolDriver {
    /// Runs of a train go before those that pull requests start by themselves.
    private static let priority = 100

    /// - Returns: the train's actions.
    func commit(
        _ events: [TrainEvent], _ turn: PoolTurn, _ claim: inout PoolClaim, _ known: inout [Int: KnownMember]
    ) async throws -> [TrainAction] {
        guard let before = claim.train else { return [] }
        let current = claim
        let members = known
        let (train, actions, after, version) = try await bus.commit(holding: claim) { effects, now in
            var train = before
            var actions: [TrainAction] = []
            for event in events { actions += train.apply(event, at: now) }
            let landed = events.flatMap(\.landedNumbers)
            var step = PoolStep(
                effects: effects, claim: current, turn: turn, train: train, texts: texts, earlier: members,
                members: members, now: now)
            try await step.storeEnds()
            try await step.storeLook()
            for (trial, number) in landed { try await step.complete(trial: trial, number) }
            for event in events { try await step.noteLeft(event, before: before) }
            for action in actions { try await step.take(action, before: before, priority: Self.priority) }
            try await step.storeStatuses()
            try step.tellStatuses()
            let pool = current.pool
            let version = try await effects.database.execute(
                MergingStore.storeTrain, pool.org, pool.repo, pool.branch, JSON(train)
            ).one().decode(Int64.self)
            return (train, actions, step.members, version)
        }
        claim.train = train
        claim.version = version
        known = after
        return actions
    }
}

extension TrainEvent {
    fileprivate var landedNumbers: [(trial: Int, number: Int)] {
        guard case .landed(let trial, let numbers, _) = self else { return [] }
        return numbers.map { (trial, $0) }
    }
}

/// What one transaction writes beside the train.
struct PoolStep {
    let effects: Effects
    let claim: PoolClaim
    let turn: PoolTurn
    let train: MergeTrain
    let texts: MemberTexts
    /// As they were before the step, with those that are gone now.
    let earlier: [Int: KnownMember]
    var members: [Int: KnownMember]
    let now: Date
    /// Members whose status at the forge is another one.
    private(set) var restated: Set<Int> = []

    private var database: Transaction { effects.database }
    private var pool: PoolName { claim.pool }

    // MARK: Runs

    func storeEnds() async throws {
        let ended = turn.endedRuns
        if !ended.isEmpty {
            try await database.execute(
                MergingStore.endRuns, ended.map(\.run.requestID), ended.map { $0.isCancelled ? "cancelled" : $0.word },
                ended.map { $0.run.runID?.uuid })
        }
        for run in turn.cancelledRuns {
            guard let runID = run.run.runID else { continue }
            effects.emit(RunCancel(runID: runID, by: "merging", reason: MergingText.nobodyWaits))
        }
    }

    private func request(_ run: TrainRun, _ trial: Trial, priority: Int) async throws {
        guard let tree = trial.tree else { return }
        let id = claim.requestID(of: run.id)
        let fresh = try await database.execute(
            MergingStore.requestRuns, id, claim.poolID, pool.org, pool.repo, pool.branch, trial.id, run.id,
            run.job.name, run.job.hash, trial.base.commit, trial.numbers, trial.members.map(\.head), tree)
        guard !fresh.isEmpty else { return }
        let pulls = trial.members.map { member -> Pull in
            let known = members[member.number]
            return Pull(
                number: member.number, author: known?.author ?? "", sha: member.head, title: known?.title,
                headRef: known?.headRef)
        }
        let reuse: ReusePolicy =
            switch run.job.freshness {
            // A run that is asked for again must not be answered by the one before.
            case _ where run.isRetry || run.errors > 0: .never
            case .always: .never
            case .tree, .age: .tree
            }
        effects.emit(
            RunRequested(
                requestID: id, origin: .merging, kind: .batch, job: run.job.name,
                refs: Refs(
                    repository: pool.repository, baseRef: pool.branch, baseSHA: trial.base.commit, pulls: pulls),
                priority: priority, reuse: reuse))
    }

    // MARK: The train's actions

    mutating func take(_ action: TrainAction, before: MergeTrain, priority: Int) async throws {
        switch action {
        case .request(let run, let trial):
            guard let trial = (train.trials + before.trials).first(where: { $0.id == trial && $0.tree != nil })
            else { return }
            try await request(run, trial, priority: priority)
            if run.id == trial.runs.first?.id {
                try await note(
                    trial.members.count > 1 ? "TRIGGER_BATCH" : "TRIGGER", trial.numbers,
                    MergingText.triggered(trial), base: trial.base.commit)
            }
        case .cancel(let runs):
            try await database.execute(MergingStore.cancelRuns, claim.poolID, runs)
        case .eject(let member, let ejection): try await eject(member, ejection)
        case .note(let note): try await take(note, before: before)
        case .land, .build: break
        }
    }

    private mutating func eject(_ member: TrainMember, _ ejection: Ejection) async throws {
        let sentence = MergingText.sentence(ejection)
        try await database.execute(
            MergingStore.eject, pool.org, pool.repo, member.number, member.head, sentence)
        members[member.number]?.ejectedHead = member.head
        members[member.number]?.ejection = sentence
        try await note(
            "EJECT", [member.number], MergingText.ejected(member.number, sentence),
            error: MergingText.mergeError(member.number, ejection))
        effects.emit(
            ForgeDesired(
                repository: pool.repository, target: "pull/\(member.number)",
                key: "comment/\(member.number)/merging",
                value: .comment(
                    number: member.number, tag: MergingText.commentTag,
                    body: texts.ejectionComment(pool, member, ejection, author: members[member.number]?.author)),
                version: now.microseconds))
    }

    private func take(_ note: TrainNote, before: MergeTrain) async throws {
        switch note {
        case .landed(let numbers):
            try await self.note(
                numbers.count > 1 ? "MERGE_BATCH" : "MERGE", numbers, MergingText.landed(numbers, pool.branch))
        case .failed(_, let numbers, let suspects, let failures):
            try await self.note(
                "FAILED", numbers, MergingText.failed(numbers, suspects: suspects, failures),
                error: failures.map(\.job).joined(separator: ", "))
        case .flakeOverridden(_, _, let failures):
            try await self.note("FLAKE", [], MergingText.overridden(failures))
        case .flakeRetried(_, let failure): try await self.note("FLAKE", [], MergingText.retried(failure))
        case .cleared(let numbers): try await self.note("CLEARED", numbers, MergingText.cleared(numbers))
        case .waitsBehind(let number, let files):
            try await self.note("WAITS", [number], MergingText.waitsBehind(number, files))
        case .rebuilt(let base): try await self.note("REBUILD", [], MergingText.rebuilt(base), base: base.commit)
        }
    }

    /// Somebody else's doing: closed, merged by hand, or a rule that is not met any more.
    func noteLeft(_ event: TrainEvent, before: MergeTrain) async throws {
        guard case .left(let number) = event, before.membersByNumber[number] != nil,
            !before.trials.contains(where: { $0.id == before.landing && $0.numbers.contains(number) })
        else { return }
        let found = turn.look?.pulls[number]
        guard found?.hasLanded != true else { return }
        try await note("LEFT", [number], MergingText.left(number, found?.standing.description))
    }

    private func note(
        _ action: String, _ numbers: [Int], _ reason: String, error: String = "", base: String? = nil
    ) async throws {
        let heads = train.membersByNumber
        let pulls = numbers.map { number -> Pull in
            let known = members[number] ?? earlier[number]
            return Pull(
                number: number, author: known?.author ?? "", sha: heads[number]?.head ?? known?.head ?? "",
                title: known?.title)
        }
        try await database.execute(
            MergingStore.note, pool.org, pool.repo, pool.branch, action, base ?? train.base.commit, JSON(pulls), reason,
            error)
    }

    func complete(trial: Int, _ number: Int) async throws {
        try await database.execute(
            MergingStore.completeLandings, pool.org, pool.repo, pool.branch, trial, [number])
    }

    // MARK: Members

    /// Stores a look that is not stored yet: rows of members that changed, those that are gone, the pool's facts.
    ///
    /// - Parameter problem: a sentence, why nothing goes on.
    mutating func storeLook(problem: String? = nil) async throws {
        guard let look = turn.look, !turn.isLookStored else { return }
        var facts = look.facts
        facts.configuration = turn.version
        try await database.execute(
            MergingStore.storeFacts, pool.org, pool.repo, pool.branch, JSON(facts), problem)
        let gone = members.keys.filter { look.pulls[$0] == nil }.sorted()
        if !gone.isEmpty {
            try await database.execute(MergingStore.dropMembers, pool.org, pool.repo, pool.branch, gone)
            for number in gone { members[number] = nil }
        }
        var changed: [(found: PoolLook.Found, member: KnownMember)] = []
        for number in look.pulls.keys.sorted() {
            guard let found = look.pulls[number] else { continue }
            let (old, new) = (members[number], texts.member(found, previous: members[number], train: train))
            if let old, old.ejectedHead != nil, old.ejectedHead != new.head { try withdrawComment(number) }
            members[number] = new
            if old == nil || found.isFresh || old.map({ !$0.isShownAs(new) }) == true { changed.append((found, new)) }
            if old?.state != new.state || old?.text != new.text || old?.head != new.head {
                restated.insert(number)
            }
        }
        guard !changed.isEmpty else { return }
        let rows = changed.map(\.member)
        try await database.execute(
            MergingStore.storeMembers,
            parameters: [
                pool.org, pool.repo, pool.branch, rows.map(\.number), rows.map(\.head),
                rows.map(\.title), rows.map(\.author), changed.map(\.found.pull.link),
                rows.map(\.isEligible), rows.map { $0.method?.rawValue }, rows.map(\.priority),
                rows.map { JSON($0.obstacles) }, rows.map(\.state), rows.map(\.text), rows.map { JSON($0.contexts) },
                rows.map(\.sign), changed.map(\.found.isFresh), rows.map(\.headRef),
            ])
    }

    /// Statuses that follow from the train: what is under test now.
    mutating func storeStatuses() async throws {
        var changed: [KnownMember] = []
        for number in members.keys.sorted() {
            guard var member = members[number] else { continue }
            let (state, text) = texts.status(of: member, train: train)
            guard (state, text) != (member.state, member.text) else { continue }
            (member.state, member.text) = (state, text)
            members[number] = member
            changed.append(member)
            restated.insert(number)
        }
        guard !changed.isEmpty else { return }
        try await database.execute(
            MergingStore.storeStatuses, pool.org, pool.repo, changed.map(\.number), changed.map(\.state),
            changed.map(\.text))
    }

    /// Tells the forge what the statuses are in the end: two of one time would not say which is the later.
    func tellStatuses() throws {
        for number in restated.sorted() {
            if let member = members[number] { try tell(member) }
        }
    }

    private func tell(_ member: KnownMember) throws {
        let context = texts.statusContext
        effects.emit(
            ForgeDesired(
                repository: pool.repository, target: "commit/\(member.head)",
                key: "status/\(member.head)/\(context)",
                value: .status(
                    sha: member.head, context: context, state: member.state, description: member.text,
                    targetURL: texts.statusURL(pool, member, turn.tide)),
                // Statuses of runs count tenths of microseconds.
                version: now.microseconds * 10))
    }

    private func withdrawComment(_ number: Int) throws {
        effects.emit(
            ForgeDesired(
                repository: pool.repository, target: "pull/\(number)", key: "comment/\(number)/merging",
                value: .comment(number: number, tag: MergingText.commentTag, body: nil), version: now.microseconds))
    }
}

extension PoolTurn.EndedRun {
    fileprivate var isCancelled: Bool { run.isCancelled }

    fileprivate var word: String {
        switch verdict {
        case .passed: "passed"
        case .failed: "failed"
        case .errored, .outdated: "errored"
        }
    }
}

extension KnownMember {
    /// Whether a stored row shows the same.
    fileprivate func isShownAs(_ other: KnownMember) -> Bool {
        head == other.head && isEligible == other.isEligible && method == other.method && priority == other.priority
            && obstacles == other.obstacles && state == other.state && text == other.text && sign == other.sign
            && contexts == other.contexts
    }
}

extension Date {
    /// Whole microseconds since 1970.
    var microseconds: Int64 { Int64((timeIntervalSince1970 * 1_000_000).rounded()) }
}
