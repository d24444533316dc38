import Fleet
import FoundationEssentials
import Postgres
import SlipwayModel

/// The changes of one transaction to runs: what it accepts, aborts and ends, the messages that tell it, and at last the
/// dispatch of every cluster it touched.
struct RunChanges {
    let effects: Effects
    let topology: FleetTopology
    let limits: SchedulingLimits
    private var touched: Set<String> = []

    init(_ effects: Effects, topology: FleetTopology, limits: SchedulingLimits) {
        self.effects = effects
        self.topology = topology
        self.limits = limits
    }

    var database: Transaction { effects.database }

    /// Stores what runs do of whose jobs the configuration itself has none: those of repositories' own files.
    func define(_ runs: [NewRun]) async throws {
        guard !runs.isEmpty else { return }
        try await database.execute(
            SchedulingStore.insertDefinitions, runs.map(\.jobHash), runs.map { JSON($0.job) })
    }

    /// Stores new runs, dispatched where there is room already, tells their requesters, and aborts the older duplicates
    /// that they replace.
    ///
    /// - Returns: those whose request was not known before.
    @discardableResult
    mutating func accept(_ runs: [NewRun], configVersion: Int64) async throws -> [NewRun] {
        let stored = try await database.accept(
            runs, configVersion: configVersion == 0 ? nil : configVersion, agentLostAfter: limits.agentLostAfter)
        let accepted = stored.map(\.run)
        for run in accepted {
            traced(run.traceparent) {
                effects.emit(RunAccepted(requestID: run.requestID, runID: run.runID))
                if !run.leases.isEmpty {
                    effects.emit(
                        LeaseRequested(
                            runID: run.runID, job: run.job.name, items: run.leases, priority: run.priority))
                }
            }
        }
        for (cluster, runs) in Dictionary(grouping: stored, by: \.run.job.cluster) {
            let builds = runs.compactMap(\.build)
            if builds.count < runs.count { touched.insert(cluster) }
            try send(
                builds, to: cluster, together: RunsDispatched.together(capacity: runs.map(\.capacity).max() ?? 0))
        }
        try await replaceOlder(than: accepted.filter { $0.kind == .presubmit })
        try await override(accepted.filter { $0.overriddenBy != nil })
        try await reuse(for: accepted.filter { $0.reuse != .never && $0.refs != nil })
        return accepted
    }

    /// Ends runs at once whose result stands already: the same job succeeded on the tree that their refs merge to.
    private mutating func reuse(for runs: [NewRun]) async throws {
        guard !runs.isEmpty else { return }
        let ages = runs.map { run -> Double? in
            if case .maximumAge(let seconds) = run.reuse { seconds } else { nil }
        }
        let found = try await database.execute(SchedulingStore.findReusable, runs.map(\.runID.uuid), ages).map {
            try $0.decode((UUID, UUID, String).self)
        }
        guard !found.isEmpty else { return }
        let ended = try await database.execute(
            SchedulingStore.reuseResults, found.map(\.0), found.map(\.2),
            found.map { SchedulingText.reused(RunID($0.1)) })
        try announceEnds(of: ended.map(EndedRun.init))
    }

    /// Ends runs at once that somebody declared passed.
    private mutating func override(_ runs: [NewRun]) async throws {
        guard !runs.isEmpty else { return }
        let ended = try await database.execute(
            SchedulingStore.overrideRuns, runs.map(\.runID.uuid),
            runs.map { RunRequested.overridden + ($0.overriddenBy ?? "") })
        try announceEnds(of: ended.map(EndedRun.init))
    }

    private mutating func replaceOlder(than runs: [NewRun]) async throws {
        guard !runs.isEmpty else { return }
        let pairs = try await database.execute(SchedulingStore.findOlderDuplicates, runs.map(\.runID.uuid))
        try await abort(
            pairs.map { row in
                let (older, newer) = try row.decode((UUID, UUID).self)
                return RunAbort(runID: older, by: "slipway", reason: SchedulingText.superseded(by: RunID(newer)))
            })
    }

    /// Lets runs be dispatched that were granted what they need.
    mutating func admit(_ granted: [LeaseGranted]) async throws {
        guard !granted.isEmpty else { return }
        let rows = try await database.execute(
            SchedulingStore.grantLeases, granted.map(\.runID.uuid), granted.map { JSON($0.resources) })
        for row in rows { touch(try row.decode(String.self)) }
    }

    mutating func refuse(_ refusals: [UUID: String]) async throws {
        for id in try await database.refuse(refusals) {
            effects.emit(RunRefused(requestID: id, reason: refusals[id] ?? ""))
        }
    }

    /// Aborts at once what no agent has yet, and tells the agents of the rest.
    @discardableResult
    mutating func abort(_ aborts: [RunAbort]) async throws -> [EndedRun] {
        let runs = try await database.abort(aborts)
        try announceEnds(of: runs)
        return runs
    }

    /// Tells that runs ended, or that their agents shall end them.
    mutating func announceEnds(of runs: [EndedRun]) throws {
        for run in runs {
            try traced(run.traceparent) {
                if run.hasEnded {
                    effects.emit(run.finished)
                    if let passed = PresubmitPassed(run.finished) { effects.emit(passed) }
                    if run.wantedLease { effects.emit(LeaseReturned(runID: run.finished.runID)) }
                } else {
                    // The agent's next heartbeat tells it as well.
                    try effects.signal(
                        RunCancelled(
                            runID: run.finished.runID, buildID: run.finished.buildID,
                            reason: run.cancelReason ?? ""))
                }
            }
            // Without a start it stood in the window; with a limit others wait for it, at once in its own cluster and
            // within the reaper's round in others. Else nothing becomes free.
            if run.hasEnded, run.finished.startedAt == nil || run.isLimited { touched.insert(run.cluster) }
        }
    }

    /// The window of the cluster may have room now.
    mutating func touch(_ cluster: String) { touched.insert(cluster) }

    /// Fills the windows of all clusters touched. The last thing a transaction does.
    func dispatch() async throws {
        guard !touched.isEmpty else { return }
        let clusters = touched.sorted()
        let answers = try await database.pipeline(
            [(SchedulingStore.lockDispatch, [])]
                + clusters.map { (SchedulingStore.dispatchRuns, [$0, limits.agentLostAfter]) })
        for (cluster, rows) in zip(clusters, answers.dropFirst()) {
            let builds = try rows.map { try $0.decode((Int64, Int).self) }
            guard let capacity = builds.first?.1 else { continue }
            try send(builds.map { BuildID($0.0) }, to: cluster, together: RunsDispatched.together(capacity: capacity))
        }
    }

    /// Puts attempts into their cluster's queue, some together in a message. What got lost is sent again by the reaper.
    func send(_ builds: [BuildID], to cluster: String, together: Int = 1) throws {
        for first in stride(from: 0, to: builds.count, by: together) {
            let some = Array(builds[first...].prefix(together))
            try effects.signal(
                RunsDispatched(cluster: cluster, builds: some), toQueue: topology.runs(of: cluster))
        }
    }

    private func traced(_ traceparent: String?, _ body: () throws -> Void) rethrows {
        let trace = traceparent.flatMap { TraceContext($0) } ?? TraceContext.current
        try TraceContext.$current.withValue(trace, operation: body)
    }
}
