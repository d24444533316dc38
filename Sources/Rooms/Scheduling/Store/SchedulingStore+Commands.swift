package import FoundationEssentials
import Postgres
package import SlipwayModel

extension SchedulingStore {
    static let commandStatements = [listRuns, findRun, runToRepeat, waitingFigures, ledgerFigures]

    /// Newest first; each filter counts where it is not null.
    static let listRuns = Statement(
        "scheduling.list_runs",
        """
        select run_id, build_id, job, kind, org, repo, base_ref, pull_numbers, state, description, cluster, agent,
               attempt, requested_at, started_at, finished_at
          from scheduling.runs
         where ($1::text is null or state = $1) and ($2::text is null or job = $2)
           and ($3::text is null or org = $3) and ($4::text is null or repo = $4)
           and ($5::integer is null or $5 = any(pull_numbers)) and ($6::text is null or kind = $6)
         order by run_id desc
         limit $7
        """)

    /// By the run's id or by the build id of its current attempt.
    static let findRun = Statement(
        "scheduling.find_run",
        """
        select run_id, build_id, job, kind, org, repo, base_ref, pull_numbers, state, description, cluster, agent,
               attempt, requested_at, started_at, finished_at
          from scheduling.runs
         where run_id = $1::uuid or build_id = $2::bigint
        """)

    static let runToRepeat = Statement(
        "scheduling.run_to_repeat",
        """
        select run.kind, run.job, run.job_hash, run.refs, run.priority, run.source, definition.definition
          from scheduling.runs as run
          join scheduling.definitions as definition on definition.hash = run.job_hash
         where run.run_id = $1
        """)

    static let waitingFigures = Statement(
        "scheduling.waiting_figures",
        """
        select count(*) filter (where state in ('waiting', 'dispatched', 'running')),
               count(*) filter (where state = 'running'), count(*)
          from scheduling.runs
         where $1::text[] = '{}' or kind = any($1::text[])
        """)

    /// Requests accepted since an instant, and what became of them. Doubled: more than one run for a request.
    static let ledgerFigures = Statement(
        "scheduling.ledger_figures",
        """
        with told as (
            select request.request_id, count(run.run_id) as runs,
                   count(*) filter (where run.state in ('success', 'failure', 'aborted', 'error')) as finished,
                   count(*) filter (where run.state in ('waiting', 'dispatched', 'running')) as unfinished,
                   coalesce(sum(run.attempt - 1), 0) as repeated
              from scheduling.requests as request
              left join scheduling.runs as run on run.request_id = request.request_id
             where request.requested_at >= $1 and request.run_id is not null
             group by request.request_id
        )
        select count(*), count(*) filter (where finished > 0), count(*) filter (where unfinished > 0),
               count(*) filter (where runs = 0), count(*) filter (where runs > 1),
               coalesce(sum(repeated), 0)::bigint
          from told
        """)
}

/// A run as commands list it. JSON keys as in Prow's documents where it has them.
package struct RunSummary: Sendable, Codable {
    package var runID: RunID
    package var buildID: BuildID
    package var job: String
    package var kind: JobKind
    package var repository: RepositoryName?
    package var baseRef: String?
    package var pulls: [Int]
    package var state: RunState
    package var description: String
    package var cluster: String
    package var agent: String?
    package var attempt: Int
    package var requestedAt: Date
    package var startedAt: Date?
    package var finishedAt: Date?

    enum CodingKeys: String, CodingKey {
        case job, kind, repository, pulls, state, description, cluster, agent, attempt
        case runID = "run_id"
        case buildID = "build_id"
        case baseRef = "base_ref"
        case requestedAt = "requested_at"
        case startedAt = "started_at"
        case finishedAt = "finished_at"
    }

    init(_ row: Row) throws(PostgresError) {
        let (
            runID, buildID, job, kind, org, repo, baseRef, pulls, state, description, cluster, agent, attempt,
            requestedAt, startedAt, finishedAt
        ) = try row.decode(
            (
                UUID, Int64, String, JobKind, String?, String?, String?, [Int], RunState, String, String, String?,
                Int, Date, Date?, Date?
            ).self)
        self.runID = RunID(runID)
        self.buildID = BuildID(buildID)
        self.job = job
        self.kind = kind
        repository = org.flatMap { org in repo.map { RepositoryName(org: org, repo: $0) } }
        self.baseRef = baseRef
        self.pulls = pulls
        self.state = state
        self.description = description
        self.cluster = cluster
        self.agent = agent
        self.attempt = attempt
        self.requestedAt = requestedAt
        self.startedAt = startedAt
        self.finishedAt = finishedAt
    }

    /// `org/repo#1,2`, `org/repo@main`, or nothing.
    package var place: String {
        guard let repository else { return "" }
        if !pulls.isEmpty { return "\(repository)#\(pulls.map(String.init).joined(separator: ","))" }
        return "\(repository)" + (baseRef.map { "@\($0)" } ?? "")
    }
}

/// What became of the requests accepted since some instant.
package struct LedgerFigures: Sendable, Codable, Hashable {
    package var accepted: Int
    package var finished: Int
    package var unfinished: Int
    /// Accepted, and no run is there.
    package var lost: Int
    /// More than one run for one request.
    package var doubled: Int
    /// Attempts beyond the first, because agents vanished.
    package var repeatedAttempts: Int

    enum CodingKeys: String, CodingKey {
        case accepted, finished, unfinished, lost, doubled
        case repeatedAttempts = "repeated_attempts"
    }
}
