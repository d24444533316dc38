import Fleet
import Forge
import FoundationEssentials
import JobConfig
import Postgres
import SlipwayModel

/// Takes the decisions about a batch and carries them out, in its transaction.
struct Decider: Sendable {
    let configuration: ConfigurationCache
    let topology: FleetTopology
    let limits: SchedulingLimits
    let bot: String
    /// Where the links of refs lead.
    let forge: ForgeAddress
    /// Where the pages are, without a slash at its end.
    let pageURL: String

    func commit(_ items: [WorkItem], _ effects: Effects) async throws {
        let catalog = try await configuration.current(effects.database)
        var changes = RunChanges(effects, topology: topology, limits: limits)
        for round in items.rounds {
            try await commit(round, catalog, &changes)
        }
        try await changes.dispatch()
    }

    private func commit(_ round: [WorkItem], _ catalog: JobCatalog, _ changes: inout RunChanges) async throws {
        let database = changes.database
        try await database.store(round.compactMap(\.state))
        let known = try await database.lock(round.compactMap(\.pull))
        let retested = round.compactMap { item -> PullState? in
            switch item.content {
            case .command(let issued, let facts?) where CommandDecision.needsContexts(issued): facts.pull
            case .reconcile(_, let facts?, _): facts.pull
            default: nil
            }
        }
        let contexts = try await database.contexts(of: retested)

        var verdict = Verdict()
        for item in round {
            switch item.content {
            case .pull(let event, let facts):
                guard let pull = known[PullKey(event.repository, event.number)] else { continue }
                try decide(event, facts, pull, catalog, item.traceparent, &verdict)
            case .command(let issued, let facts):
                let key = PullKey(issued.repository, issued.number)
                guard let facts, let pull = known[key] else { continue }
                try decide(issued, facts, pull, catalog, contexts[key] ?? [:], item.traceparent, &verdict)
            case .push(let push, let own, let before):
                try decide(push, own, catalog, item.traceparent, &verdict)
                if let own, let before { try await spread(push, own, before, catalog, &verdict, database) }
            case .request(let request, let own):
                decide(request, own, catalog, item.traceparent, &verdict)
            case .configuration(let applied):
                try await spread(applied, &verdict, database)
            case .reconcile(let reconcile, let facts, let before):
                let key = PullKey(reconcile.repository, reconcile.number)
                guard let facts else { continue }
                let rows = try await database.execute(
                    SchedulingStore.changedPresubmits, reconcile.previous, reconcile.version,
                    reconcile.repository.org, reconcile.repository.repo)
                var changed = try ChangedPresubmits(rows)
                if let before, let now = facts.own?.jobs { changed.add(before: before, now: now) }
                try decide(
                    reconcile, facts, known[key], catalog, changed, contexts[key] ?? [:], item.traceparent, &verdict)
            case .leased(let granted): verdict.leased.append(granted)
            case .leaseWaiting(let waiting): verdict.places[waiting.runID.uuid] = waiting.text
            case .cancel(let cancel):
                verdict.aborts.append(RunAbort(runID: cancel.runID.uuid, by: cancel.by, reason: cancel.reason))
            }
        }
        try await carryOut(verdict, catalog, &changes)
    }

    /// One message per pull request, so that each asks the forge and is tried again by itself.
    private func spread(
        _ applied: ConfigurationApplied, _ verdict: inout Verdict, _ database: Transaction
    ) async throws {
        for row in try await database.execute(SchedulingStore.openPullsOfChange, applied.previous, applied.version) {
            let (org, repo, number) = try row.decode((String, String, Int).self)
            verdict.reconciliations.append(
                PullReconcile(
                    repository: RepositoryName(org: org, repo: repo), number: number, version: applied.version,
                    previous: applied.previous))
        }
    }

    /// The same where a push changed the jobs that the repository's own files give to its branch.
    private func spread(
        _ push: RefPushed, _ now: RepositoryJobs, _ before: RepositoryJobs, _ catalog: JobCatalog,
        _ verdict: inout Verdict, _ database: Transaction
    ) async throws {
        guard now.presubmits.map(\.hash) != before.presubmits.map(\.hash) else { return }
        let pulls = try await database.execute(
            SchedulingStore.openPullsOfBranch, push.repository.org, push.repository.repo, push.ref)
        verdict.reconciliations += try pulls.map { row in
            PullReconcile(
                repository: push.repository, number: try row.decode(Int.self), version: catalog.version,
                previous: catalog.version, push: .init(before: push.before, after: push.after))
        }
    }

    private func carryOut(_ verdict: Verdict, _ catalog: JobCatalog, _ changes: inout RunChanges) async throws {
        let database = changes.database
        var aborts = verdict.aborts
        if !verdict.pullAborts.isEmpty {
            let ends = verdict.pullAborts
            for (end, rows) in zip(
                ends,
                try await database.pipeline(
                    ends.map { end in
                        (
                            SchedulingStore.findUnfinishedOfPulls,
                            [[end.pull.repository.org], [end.pull.repository.repo], [end.pull.number], [end.keptHead]]
                        )
                    }))
            {
                aborts += try rows.map { RunAbort(runID: try $0.decode(UUID.self), by: end.by, reason: end.reason) }
            }
        }
        try await changes.abort(aborts)
        try await changes.refuse(verdict.refusals)
        try await changes.define(verdict.runs.filter { !catalog.defines($0.jobHash) })
        try await changes.accept(verdict.runs.map { $0.linked(to: forge) }, configVersion: catalog.version)
        if !verdict.places.isEmpty {
            try await database.execute(
                SchedulingStore.describeWaiting, Array(verdict.places.keys), Array(verdict.places.values))
        }
        try await changes.admit(verdict.leased)
        try await database.note(verdict.branches)
        for reconcile in verdict.reconciliations {
            changes.effects.emit(reconcile)
        }
        for wish in verdict.wishes { changes.effects.emit(wish) }
        for (pull, tags) in verdict.notices {
            try await database.execute(
                SchedulingStore.noteNotices, pull.repository.org, pull.repository.repo, pull.number, tags)
        }
    }
}

/// What a round of items leads to.
struct Verdict {
    /// Ends the unfinished presubmits of a pull request, those of one head excepted.
    struct PullAbort {
        var pull: PullKey
        var keptHead: String?
        var by: String
        var reason: String
    }

    var runs: [NewRun] = []
    var refusals: [UUID: String] = [:]
    var aborts: [RunAbort] = []
    var pullAborts: [PullAbort] = []
    var wishes: [ForgeDesired] = []
    var reconciliations: [PullReconcile] = []
    var leased: [LeaseGranted] = []
    /// What waiting runs say of themselves.
    var places: [UUID: String] = [:]
    /// The tags of our comments, where they changed.
    var notices: [PullKey: [String]] = [:]
    /// What repositories' own files say at the heads of branches.
    var branches: [BranchJobs] = []

    /// A pull request's base is the head of its branch, as the forge had it a moment ago.
    mutating func note(_ facts: ForgeFacts) {
        guard let own = facts.own, !own.includesChanges else { return }
        branches.append(
            BranchJobs(repository: facts.pull.repository, branch: facts.pull.baseRef, jobs: own.jobs, previous: nil))
    }
}
