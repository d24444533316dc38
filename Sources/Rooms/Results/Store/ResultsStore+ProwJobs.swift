package import FoundationEssentials
import Postgres
package import SlipwayModel

/// What `/prowjobs.js` says of one run.
package struct ProwJobRow: Sendable {
    package var runID: RunID
    package var buildID: BuildID
    package var kind: JobKind
    package var refs: Refs?
    /// Nil where the definition is gone; the name remains.
    package var job: ResolvedJob?
    package var jobName: String
    package var state: RunState
    package var description: String
    package var requestedAt: Date
    package var startedAt: Date?
    package var finishedAt: Date?
}

extension ResultsStore {
    /// Runs newer than `since` and older than `before`, newest first.
    package func prowJobs(
        since: RunID, before: RunID, repository: (org: String?, repo: String?), limit: Int
    ) async throws -> [ProwJobRow] {
        try await database.execute(Self.listProwJobs, since, before, repository.org, repository.repo, limit)
            .map { row throws(PostgresError) in try Self.prowJob(row) }
    }

    package func prowJob(_ run: RunID) async throws -> ProwJobRow? {
        try await database.execute(Self.selectProwJob, run).first.map { row throws(PostgresError) in
            try Self.prowJob(row)
        }
    }

    private static func prowJob(_ row: Row) throws(PostgresError) -> ProwJobRow {
        let (run, build, kind, job, refs, spec, state, description, requested, started, finished) =
            try row.decode(
                (
                    RunID, BuildID, JobKind, String, JSON<Refs>?, JSON<ResolvedJob>?, RunState, String, Date, Date?,
                    Date?
                ).self)
        return ProwJobRow(
            runID: run, buildID: build, kind: kind, refs: refs?.value, job: spec?.value, jobName: job, state: state,
            description: description, requestedAt: requested, startedAt: started, finishedAt: finished)
    }

    static let prowStatements = [listProwJobs, selectProwJob]

    private static let prowColumns =
        "run_id, build_id, kind, job, refs, job_spec, state, description, requested_at, started_at, finished_at"

    private static let selectProwJob = Statement(
        "results.select_prow_job", "select \(prowColumns) from scheduling.runs_v1 where run_id = $1")

    private static let listProwJobs = Statement(
        "results.list_prow_jobs",
        """
        select \(prowColumns)
          from scheduling.runs_v1
         where run_id >= $1 and run_id < $2 and ($3::text is null or org = $3) and ($4::text is null or repo = $4)
         order by run_id desc limit $5
        """)
}
