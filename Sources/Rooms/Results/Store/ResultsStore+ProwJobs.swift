package import FoundationEssentials
import Postgres
package import SlipwayModel

/// What Prow's clients are told of one run.
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

/// What `/prowjobs.js` says of one run beside its job, as JSON where it is more than a word.
struct ProwJobLine: Sendable {
    /// A job's content, and as what it ran.
    struct JobKey: Hashable, Sendable {
        var hash: String
        /// A hash whose definition is gone stands for more than one name.
        var name: String
        var kind: JobKind
    }

    var jobKey: JobKey
    var runID: String
    var buildID: BuildID
    var refs: String?
    /// An object.
    var refsLabels: String?
    var state: RunState
    var description: String
    /// RFC 3339, whole seconds.
    var requestedAt: String
    var startedAt: String?
    var finishedAt: String?
}

extension ResultsStore {
    /// Runs newer than `since` and older than `before`, newest first.
    func prowJobLines(
        since: RunID, before: RunID, repository: (org: String?, repo: String?), labels: Bool, limit: Int
    ) async throws -> [ProwJobLine] {
        try await database.execute(Self.listProwJobs, since, before, repository.org, repository.repo, limit, labels)
            .map { row throws(PostgresError) in
                let (run, build, kind, job, hash, refs, labels, state, description, requested, started, finished) =
                    try row.decode(
                        (
                            String, BuildID, JobKind, String, String, String?, String?, RunState, String, String,
                            String?, String?
                        ).self)
                return ProwJobLine(
                    jobKey: .init(hash: hash, name: job, kind: kind), runID: run, buildID: build, refs: refs,
                    refsLabels: labels, state: state, description: description, requestedAt: requested,
                    startedAt: started, finishedAt: finished)
            }
    }

    package func prowJob(_ run: RunID) async throws -> ProwJobRow? { try await prowJobs([run]).first }

    func prowJobs(_ runs: [RunID]) async throws -> [ProwJobRow] {
        try await database.execute(Self.selectProwJobs, runs.map(\.uuid)).map { row throws(PostgresError) in
            let (run, build, kind, job, refs, spec, state, description, requested, started, finished) =
                try row.decode(
                    (
                        RunID, BuildID, JobKind, String, JSON<Refs>?, JSON<ResolvedJob>?, RunState, String, Date,
                        Date?, Date?
                    ).self)
            return ProwJobRow(
                runID: run, buildID: build, kind: kind, refs: refs?.value, job: spec?.value, jobName: job,
                state: state, description: description, requestedAt: requested, startedAt: started,
                finishedAt: finished)
        }
    }

    static let prowStatements = [listProwJobs, selectProwJobs]

    private static let selectProwJobs = Statement(
        "results.select_prow_jobs",
        """
        select run_id, build_id, kind, job, refs, job_spec, state, description, requested_at, started_at, finished_at
          from scheduling.runs_v1
         where run_id = any($1::uuid[])
        """)

    private static func time(_ column: String) -> String {
        "to_char(\(column) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
    }

    /// Ordered by the table's `run_id`, which its index gives in order, and not by the text of that name.
    private static let listProwJobs = Statement(
        "results.list_prow_jobs",
        """
        select run_id::text, build_id, kind, job, job_hash, refs::text,
               case when $6::boolean and org is not null then json_strip_nulls(json_build_object(
                   'prow.k8s.io/refs.org', left(org, 63), 'prow.k8s.io/refs.repo', left(repo, 63),
                   'prow.k8s.io/refs.base_ref', left(refs ->> 'base_ref', 63),
                   'prow.k8s.io/refs.pull', pulls -> 0 ->> 'number'))::text end,
               state, to_json(description)::text, \(time("requested_at")), \(time("started_at")), \(time("finished_at"))
          from scheduling.runs_v1 as run
         where run_id >= $1 and run_id < $2 and ($3::text is null or org = $3) and ($4::text is null or repo = $4)
         order by run.run_id desc
         limit $5
        """)
}
