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

    /// What a run's labels say of where it belongs.
    struct Place: Hashable, Sendable {
        var org: String
        var repo: String
        var baseRef: String?
    }

    var jobKey: JobKey
    var runID: String
    var buildID: BuildID
    var refs: String?
    /// Nil where it tests no refs.
    var place: Place?
    /// The first pull request's number, in decimal.
    var pull: String?
    var state: RunState
    var description: String
    /// RFC 3339, whole seconds.
    var requestedAt: String
    var startedAt: String?
    var finishedAt: String?
}

/// What `/data.js` says of one run.
struct DeckJobRow: Sendable {
    var runID: RunID
    var buildID: BuildID
    var kind: JobKind
    var job: String
    var context: String?
    /// Nil where the definition is gone.
    var agent: String?
    var refs: Refs?
    var state: RunState
    var description: String
    var requestedAt: Date
    var finishedAt: Date?
}

/// Whose runs `/prowjobs.js` lists; what is nil does not matter.
struct ProwJobFilter: Sendable {
    /// Of the run's refs; a run without, of any of its job's extra refs.
    var org: String?
    var repo: String?
    /// The author of a pull request that the run tests: what Prow calls the owner.
    var author: String?
}

extension ResultsStore {
    /// Runs newer than `since` and older than `before`, newest first.
    func prowJobLines(
        since: RunID, before: RunID, _ filter: ProwJobFilter, limit: Int
    ) async throws -> [ProwJobLine] {
        try await database.execute(
            Self.listProwJobs, since, before, filter.org, filter.repo, limit, filter.author
        ).map { row throws(PostgresError) in
            let (
                run, build, kind, job, hash, refs, org, repo, baseRef, pull, state, description, requested, started,
                finished
            ) = try row.decode(
                (
                    String, BuildID, JobKind, String, String, String?, String?, String?, String?, String?, RunState,
                    String, String, String?, String?
                ).self)
            return ProwJobLine(
                jobKey: .init(hash: hash, name: job, kind: kind), runID: run, buildID: build, refs: refs,
                place: org.flatMap { org in repo.map { .init(org: org, repo: $0, baseRef: baseRef) } }, pull: pull,
                state: state, description: description, requestedAt: requested,
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

    /// Runs newer than `since` and older than `before`, newest first.
    func deckJobs(since: RunID, before: RunID, limit: Int) async throws -> [DeckJobRow] {
        try await database.execute(Self.listDeckJobs, since, before, limit).map { row throws(PostgresError) in
            let (run, build, kind, job, context, agent, refs, state, description, requested, finished) =
                try row.decode(
                    (
                        RunID, BuildID, JobKind, String, String?, String?, JSON<Refs>?, RunState, String, Date, Date?
                    ).self)
            return DeckJobRow(
                runID: run, buildID: build, kind: kind, job: job, context: context, agent: agent, refs: refs?.value,
                state: state, description: description, requestedAt: requested, finishedAt: finished)
        }
    }

    static let prowStatements = [listProwJobs, selectProwJobs, listDeckJobs]

    private static let listDeckJobs = Statement(
        "results.list_deck_jobs",
        """
        select run_id, build_id, kind, job, context, job_spec ->> 'agent', refs, state, description, requested_at,
               finished_at
          from scheduling.runs_v1
         where run_id >= $1 and run_id < $2
         order by run_id desc
         limit $3
        """)

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

    /// Whether a run's refs, or those beside a run that has none, have that in a column.
    private static func isOf(_ column: String, _ value: String) -> String {
        """
        (\(value)::text is null or \(column) = \(value) or org is null and job_spec @> jsonb_build_object(
            'extraRefs', jsonb_build_array(jsonb_build_object('\(column)', \(value)::text))))
        """
    }

    /// Ordered by the table's `run_id`, which its index gives in order, and not by the text of that name.
    private static let listProwJobs = Statement(
        "results.list_prow_jobs",
        """
        select run_id::text, build_id, kind, job, job_hash, refs::text, org, repo, base_ref, pulls -> 0 ->> 'number',
               state, to_json(description)::text, \(time("requested_at")), \(time("started_at")), \(time("finished_at"))
          from scheduling.runs_v1 as run
         where run_id >= $1 and run_id < $2 and \(isOf("org", "$3")) and \(isOf("repo", "$4"))
           and ($6::text is null or pulls @> jsonb_build_array(jsonb_build_object('author', $6::text)))
         order by run.run_id desc
         limit $5
        """)
}
