package import Fleet
package import Forge
import FoundationEssentials
import Postgres
package import SlipwayModel
import Synchronization

/// The ledger over PostgreSQL. Completions are fenced by build id, agent and state; messages commit with them.
package struct SchedulingLedger: RunLedger {
    private let bus: FleetBus
    private let limits: SchedulingLimits
    private let forge: ForgeAddress
    private let definitions = DefinitionCache()
    private let completions: GroupCommit<Completion, Bool>

    private struct Completion: Sendable {
        var build: BuildID
        var agent: String
        var outcome: RunOutcome
        var traceparent: String?
    }

    /// - Parameter forge: where extra refs are cloned from unless their configuration says.
    package init(bus: FleetBus, limits: SchedulingLimits, forge: ForgeAddress) {
        self.bus = bus
        self.forge = forge
        self.limits = limits
        completions = GroupCommit { try await Self.finish($0, bus, limits) }
    }

    package func announce(agent: String, cluster: String, capacity: Int) async throws {
        try await bus.commit { [bus, limits] effects in
            guard capacity > 0 else {
                try await effects.database.execute(SchedulingStore.removeAgent, agent)
                return
            }
            let changed = try await effects.database.execute(
                SchedulingStore.announceAgent, agent, cluster, capacity, limits.agentLostAfter
            ).one().decode(Bool.self)
            guard changed else { return }
            var changes = RunChanges(effects, topology: bus.topology, limits: limits)
            changes.touch(cluster)
            try await changes.dispatch()
        }
    }

    package func claim(_ builds: [BuildID], agent: String, atMost room: Int) async throws -> Claims {
        guard !builds.isEmpty else { return Claims(runs: []) }
        return try await bus.commit { [bus, limits, forge, definitions] effects in
            let rows = try await effects.database.execute(
                SchedulingStore.claimRuns, builds.map(\.number), agent, room)
            let claims = try rows.map(Claim.init)
            let jobs = try await definitions.jobs(claims.map(\.jobHash), effects.database)
            var changes = RunChanges(effects, topology: bus.topology, limits: limits)
            for claim in claims where claim.isNew {
                changes.announceStart(of: claim)
            }
            let left = try await Self.unclaimed(Set(builds).subtracting(claims.map(\.buildID)), effects.database)
            try await changes.dispatch()
            return Claims(
                runs: claims.compactMap { claim in jobs[claim.jobHash].map { claim.run(of: $0, forge) } }, left: left)
        }
    }

    private static func unclaimed(_ builds: Set<BuildID>, _ database: Transaction) async throws -> Set<BuildID> {
        guard !builds.isEmpty else { return [] }
        let rows = try await database.execute(SchedulingStore.unclaimedOf, builds.map(\.number))
        return Set(try rows.map { BuildID(try $0.decode(Int64.self)) })
    }

    package func heartbeat(_ builds: [BuildID], agent: String) async throws -> [BuildID: HeartbeatVerdict] {
        guard !builds.isEmpty else { return [:] }
        var verdicts: [BuildID: HeartbeatVerdict] = [:]
        for row in try await bus.database.execute(SchedulingStore.keepClaims, builds.map(\.number), agent) {
            let (build, reason) = try row.decode((Int64, String?).self)
            verdicts[BuildID(build)] = reason.map { .cancel(reason: $0) } ?? .keep
        }
        for build in builds where verdicts[build] == nil { verdicts[build] = .lost }
        return verdicts
    }

    package func setDescription(_ text: String, of build: BuildID, agent: String) async throws {
        try await bus.database.execute(SchedulingStore.describeRun, build.number, agent, text)
    }

    package func finish(_ run: ClaimedRun, outcome: RunOutcome, agent: String) async throws -> Bool {
        guard outcome.state.isFinished else { throw LedgerError(state: outcome.state) }
        return try await completions.submit(
            Completion(build: run.buildID, agent: agent, outcome: outcome, traceparent: run.traceparent))
    }

    package func handBack(_ builds: [BuildID], agent: String) async throws {
        guard !builds.isEmpty else { return }
        try await bus.commit { [bus, limits] effects in
            let rows = try await effects.database.execute(
                SchedulingStore.abandonedByAgent, builds.map(\.number), agent)
            var changes = RunChanges(effects, topology: bus.topology, limits: limits)
            try await changes.giveUp(rows.map(HeldAttempt.init), because: .handedBack)
            try await changes.dispatch()
        }
    }

    private static func finish(
        _ completions: [Completion], _ bus: FleetBus, _ limits: SchedulingLimits
    ) async throws -> [Bool] {
        try await bus.commit { effects in
            let rows = try await effects.database.execute(
                SchedulingStore.finishRuns, completions.map(\.build.number), completions.map(\.agent),
                completions.map(\.outcome.state.rawValue), completions.map(\.outcome.message),
                completions.map(\.outcome.tree), completions.map(\.outcome.exitCode),
                completions.map { JSON($0.outcome.phases) })
            let ended = try rows.map(EndedRun.init)
            var changes = RunChanges(effects, topology: bus.topology, limits: limits)
            try changes.announceEnds(of: ended)
            var done = Set(ended.map(\.finished.buildID.number))
            let rest = completions.filter { !done.contains($0.build.number) }
            if !rest.isEmpty {
                let before = try await effects.database.execute(
                    SchedulingStore.finishedBefore, rest.map(\.build.number), rest.map(\.agent))
                for row in before { done.insert(try row.decode(Int64.self)) }
            }
            try await changes.dispatch()
            return completions.map { done.contains($0.build.number) }
        }
    }
}

/// A row of `claim_runs`.
struct Claim: Sendable {
    var runID: RunID
    var buildID: BuildID
    var kind: JobKind
    var jobHash: String
    var refs: Refs?
    var attempt: Int
    var requestedAt: Date
    var claimedAt: Date
    var configVersion: Int64?
    var traceparent: String?
    var cluster: String
    /// Claimed just now, not by an earlier call.
    var isNew: Bool
    var artifactFolder: String
    var dispatchedAt: Date?
    var leased: [LeasedResource]?
    var leasedAt: Date?

    init(_ row: Row) throws(PostgresError) {
        let (
            runID, buildID, kind, jobHash, refs, attempt, requestedAt, claimedAt, configVersion, traceparent, cluster,
            isNew, artifactFolder, dispatchedAt, leased, leasedAt
        ) = try row.decode(
            (
                UUID, Int64, JobKind, String, JSON<Refs>?, Int, Date, Date, Int64?, String?, String, Bool, String,
                Date?, JSON<[LeasedResource]>?, Date?
            ).self)
        self.runID = RunID(runID)
        self.buildID = BuildID(buildID)
        self.kind = kind
        self.jobHash = jobHash
        self.refs = refs?.value
        self.attempt = attempt
        self.requestedAt = requestedAt
        self.claimedAt = claimedAt
        self.configVersion = configVersion
        self.traceparent = traceparent
        self.cluster = cluster
        self.isNew = isNew
        self.artifactFolder = artifactFolder
        self.dispatchedAt = dispatchedAt
        self.leased = leased?.value
        self.leasedAt = leasedAt
    }

    /// Several pull requests make a presubmit a batch, so the kind is the run's, not the definition's.
    func run(of job: ResolvedJob, _ forge: ForgeAddress) -> ClaimedRun {
        var job = job
        job.kind = kind
        job.extraRefs = job.extraRefs.map { $0.linked(to: forge) }
        return ClaimedRun(
            runID: runID, buildID: buildID, job: job, refs: refs, artifactFolder: artifactFolder, attempt: attempt,
            requestedAt: requestedAt, dispatchedAt: dispatchedAt, claimedAt: claimedAt, configVersion: configVersion,
            traceparent: traceparent, leased: leased, leasedAt: leasedAt)
    }
}

extension RunChanges {
    fileprivate mutating func announceStart(of claim: Claim) {
        let trace = claim.traceparent.flatMap { TraceContext($0) } ?? TraceContext.current
        TraceContext.$current.withValue(trace) {
            effects.emit(RunStarted(runID: claim.runID, buildID: claim.buildID, cluster: claim.cluster))
        }
        touch(claim.cluster)
    }
}

/// Jobs by their hash, which never change; so an agent that runs the same few jobs reads each once.
private final class DefinitionCache: Sendable {
    private let jobs = Mutex<[String: ResolvedJob]>([:])
    private static let limit = 500

    func jobs(_ hashes: [String], _ client: some PostgresClient) async throws -> [String: ResolvedJob] {
        let wanted = Set(hashes)
        var found = jobs.withLock { $0.filter { wanted.contains($0.key) } }
        let missing = wanted.filter { found[$0] == nil }
        guard !missing.isEmpty else { return found }
        for row in try await client.execute(SchedulingStore.definitions, Array(missing)) {
            let (hash, definition) = try row.decode((String, JSON<ResolvedJob>).self)
            found[hash] = definition.value
        }
        jobs.withLock { jobs in
            if jobs.count + missing.count > Self.limit { jobs.removeAll() }
            jobs.merge(found) { $1 }
        }
        return found
    }
}

/// A completion that is none.
struct LedgerError: Error, CustomStringConvertible {
    let state: RunState

    var description: String {
        "an attempt cannot be completed as '\(state.rawValue)', which is no final state"
    }
}
