package import Fleet
package import FoundationEssentials
import JobConfig
import Postgres
package import SlipwayModel

/// By which definition a run is repeated.
package enum RerunMode: String, CaseIterable, Sendable {
    /// The one in force; the run's own where the job is configured no more.
    case current
    /// The one in force and no other.
    case latest
    /// The run's own.
    case original
}

/// What people do to runs, from pages and the command line.
package struct RunOperations: Sendable {
    private let bus: FleetBus
    private let configuration: ConfigurationCache
    /// Nil where nothing depends on who asks.
    private let repositories: RepositoryReader?
    private let limits: SchedulingLimits

    package init(bus: FleetBus, limits: SchedulingLimits) {
        self.init(bus: bus, configuration: ConfigurationCache(), repositories: nil, limits: limits)
    }

    init(
        bus: FleetBus, configuration: ConfigurationCache, repositories: RepositoryReader?, limits: SchedulingLimits
    ) {
        self.bus = bus
        self.configuration = configuration
        self.repositories = repositories
        self.limits = limits
    }

    /// A run by its id, or by the build id of its current attempt.
    package func find(_ text: String) async throws -> RunSummary? {
        let runID = RunID(text)?.uuid
        let buildID = BuildID(text)?.number
        guard runID != nil || buildID != nil else { return nil }
        return try await bus.database.execute(SchedulingStore.findRun, runID, buildID).first.map(RunSummary.init)
    }

    /// Which runs to list; nil matches any.
    package struct Filter: Sendable {
        package var state: RunState?
        package var job: String?
        package var repository: RepositoryName?
        package var pull: Int?
        package var kind: JobKind?

        package init() {}
    }

    /// Newest first.
    package func list(_ filter: Filter, limit: Int) async throws -> [RunSummary] {
        try await bus.database.execute(
            SchedulingStore.listRuns, filter.state?.rawValue, filter.job, filter.repository?.org,
            filter.repository?.repo, filter.pull, filter.kind?.rawValue, limit
        ).map(RunSummary.init)
    }

    package enum RerunOutcome: Hashable, Sendable {
        case started(RunID)
        /// Its job is not configured any more, and only its present definition would do.
        case noSuchJob
        case noSuchRun
    }

    /// Starts a run again, on the same commits. A job of the repository's own files is what it was in every mode but
    /// `latest`, because the commits say what it is.
    package func rerun(_ run: RunID, _ mode: RerunMode = .current) async throws -> RerunOutcome {
        try await bus.commit { [bus, configuration, limits] effects in
            guard let row = try await effects.database.execute(SchedulingStore.runToRepeat, run.uuid).first else {
                return .noSuchRun
            }
            let (kind, name, hash, refs, priority, source, definition) = try row.decode(
                (JobKind, String, String, JSON<Refs>?, Int, String?, JSON<ResolvedJob>).self)
            let catalog = try await configuration.current(effects.database)
            let current = mode == .original ? nil : catalog.job(name, kind, refs?.value)
            if mode == .latest, current == nil { return .noSuchJob }
            var new = NewRun(
                requestID: .version7(), origin: .rerun, kind: kind, job: current?.job ?? definition.value,
                jobHash: current?.hash ?? hash, refs: refs?.value, priority: priority,
                traceparent: TraceContext.current?.description)
            if current == nil { new.source = source }
            if let pull = new.pull { _ = try await effects.database.lock([pull]) }
            var changes = RunChanges(effects, topology: bus.topology, limits: limits)
            try await changes.accept([new], configVersion: catalog.version)
            try await changes.dispatch()
            return .started(new.runID)
        }
    }

    /// Who may run a run's job again: the job's rule and the installation's.
    func rerunRules(of run: RunSummary) async throws -> [RerunAuthorization] {
        let catalog = try await configuration.current(bus.database)
        let refs = run.repository.map { Refs(repository: $0, baseRef: run.baseRef) }
        var job = catalog.job(run.job, run.kind, refs)
        if job == nil, let refs, let branch = run.baseRef, catalog.inRepository.isEnabled(refs.repository) {
            job = try await repositories?.jobs(of: refs.repository, branch: branch, catalog).job(
                run.job, run.kind, branch: branch)
        }
        // A periodic counts as its first extra repository's, as in Prow.
        let repository = run.repository ?? job?.job.extraRefs.first?.repository
        let cluster = job?.job.cluster ?? run.cluster
        return [job?.rerun, catalog.settings.rerunAuthorization(of: repository, cluster: cluster)].compactMap(\.self)
    }

    package enum AbortOutcome: Hashable, Sendable {
        case aborted
        /// Its agent was told, and ends it within seconds.
        case stopping
        case alreadyEnded(RunState)
        case unknown
    }

    /// Aborts a run, whatever it is doing. Again has no further effect.
    package func abort(_ run: RunID, by name: String) async throws -> AbortOutcome {
        try await bus.commit { [bus, limits] effects in
            var changes = RunChanges(effects, topology: bus.topology, limits: limits)
            let ended = try await changes.abort([
                RunAbort(runID: run.uuid, by: name, reason: SchedulingText.abortedBy(name))
            ])
            try await changes.dispatch()
            if let ended = ended.first { return ended.hasEnded ? .aborted : .stopping }
            guard let row = try await effects.database.execute(SchedulingStore.findRun, run.uuid, Int64?.none).first
            else { return .unknown }
            let state = try RunSummary(row).state
            return state.isFinished ? .alreadyEnded(state) : .stopping
        }
    }

    /// How many runs of these kinds have not ended, are executed now, and are known at all. All kinds where empty.
    package func figures(_ kinds: [JobKind]) async throws -> (unfinished: Int, running: Int, all: Int) {
        try await bus.database.execute(SchedulingStore.waitingFigures, kinds.map(\.rawValue)).one()
            .decode((Int, Int, Int).self)
    }

    /// The books since an instant: everything accepted must have one run.
    package func ledger(since instant: Date) async throws -> LedgerFigures {
        let (accepted, finished, unfinished, lost, doubled, repeated) = try await bus.database.execute(
            SchedulingStore.ledgerFigures, instant
        ).one().decode((Int, Int, Int, Int, Int, Int).self)
        return LedgerFigures(
            accepted: accepted, finished: finished, unfinished: unfinished, lost: lost, doubled: doubled,
            repeatedAttempts: repeated)
    }
}

extension NewRun {
    /// The pull request that a presubmit tests.
    var pull: PullKey? {
        guard kind == .presubmit, let refs, let pull = refs.pulls?.first else { return nil }
        return PullKey(refs.repository, pull.number)
    }
}
