import FoundationEssentials
package import Postgres
import SlipwayModel

/// The only SQL of the room; its statements stand in extensions, by concern.
///
/// Locks: a decision about a pull request holds its row in `scheduling.pulls`; statements that wait for several runs
/// take them in the order of their build ids; the dispatcher takes its advisory lock last and then waits for nothing. So no two transactions of this room wait for each other.
package enum SchedulingStore {
    package static let all: [Statement] =
        configurationStatements + repositoryStatements + pullStatements + runStatements + dispatchStatements
        + ledgerStatements
        + reaperStatements + commandStatements + figureStatements

    /// What an ended run's messages need, from a row called `run`; read by `EndedRun`.
    static let endedColumns = """
        run.run_id, run.build_id, run.request_id, run.origin, run.kind, run.job, run.job_hash, run.refs, run.tree,
        run.state, run.requested_at, run.started_at, run.finished_at, run.config_version, run.cluster,
        run.is_limited
        or coalesce((select (settings ->> 'max_concurrency')::integer > 0
                       from scheduling.config_versions order by version desc limit 1), false), run.traceparent, run.cancel_reason,
        run.artifact_folder, run.leases is not null
        """
}

/// A run that ended, or that was asked to end, in the transaction that did so.
struct EndedRun: Sendable {
    var finished: RunFinished
    var cluster: String
    var isLimited: Bool
    var traceparent: String?
    var cancelReason: String?
    var wantedLease: Bool

    init(_ row: Row) throws(PostgresError) {
        let (
            runID, buildID, requestID, origin, kind, job, jobHash, refs, tree, state, requestedAt, startedAt,
            finishedAt, configVersion, cluster, isLimited, traceparent, cancelReason, artifactFolder, wantedLease
        ) = try row.decode(
            (
                UUID, Int64, UUID, RunOrigin, JobKind, String, String, JSON<Refs>?, String?, RunState,
                Date, Date?, Date?, Int64?, String, Bool, String?, String?, String, Bool
            ).self)
        finished = RunFinished(
            runID: RunID(runID), buildID: BuildID(buildID), requestID: requestID, origin: origin,
            kind: kind, job: job, jobHash: jobHash, refs: refs?.value, tree: tree, state: state,
            requestedAt: requestedAt,
            startedAt: startedAt, finishedAt: finishedAt ?? requestedAt, configVersion: configVersion,
            artifactFolder: artifactFolder)
        self.cluster = cluster
        self.isLimited = isLimited
        self.traceparent = traceparent
        self.cancelReason = cancelReason
        self.wantedLease = wantedLease
    }

    var hasEnded: Bool { finished.state.isFinished }
}
