import Fleet
import FoundationEssentials
import JobConfig
import Postgres
import SlipwayModel

extension PullRequestsStore {
    static let readingStatements = [payloads, currentVersion, currentSettings, presubmits, ownFilesRead, runs]

    /// What deliveries said, where they are still kept.
    static let payloads = Statement(
        "pull_requests.payloads",
        """
        select delivery_id, event, payload::text
          from triggers.deliveries_v1
         where delivery_id = any($1::text[])
        """)

    /// 0 where nothing was ever applied.
    static let currentVersion = Statement(
        "pull_requests.current_version",
        "select coalesce(max(version), 0) from scheduling.config_versions_v1")

    static let currentSettings = Statement(
        "pull_requests.current_settings",
        "select version, settings from scheduling.config_versions_v1 order by version desc limit 1")

    /// The latest run of each context on a head, and the middle of the durations of the job's last ten successes.
    static let runs = Statement(
        "pull_requests.runs",
        """
        select latest.run_id, latest.job, coalesce(latest.context, latest.job),
               not (latest.optional or latest.skip_report), latest.state, latest.requested_at, latest.started_at,
               (select percentile_cont(0.5) within group (order by extract(epoch from finished_at - started_at))
                  from (select finished_at, started_at
                          from scheduling.runs_v1 as known
                         where known.job = latest.job and known.state = 'success' and known.started_at is not null
                         order by known.run_id desc
                         limit 10) as successes)::double precision
          from (select distinct on (job) *
                  from scheduling.runs_v1
                 where org = $1 and repo = $2 and pull_numbers = array[$3::integer] and kind = 'presubmit'
                   and head_sha = $4
                 order by job, run_id desc) as latest
         order by latest.job
        """)

    /// When the repository's own files were looked at last; null where it has none.
    static let ownFilesRead = Statement(
        "pull_requests.own_files_read",
        "select max(read_at) from scheduling.repository_branches_v1 where org = $1 and repo = $2")

    static let presubmits = Statement(
        "pull_requests.presubmits",
        """
        select definition
          from scheduling.current_jobs_v1
         where kind = 'presubmit' and org = $1 and repo = $2
         order by name
        """)
}

extension PostgresClient {
    func runs(on pull: PullSnapshot) async throws -> [PullRun] {
        try await execute(
            PullRequestsStore.runs, pull.repository.org, pull.repository.repo, pull.number, pull.headSHA
        ).map { row in
            let (runID, job, context, isRequired, state, requestedAt, startedAt, usual) = try row.decode(
                (RunID, String, String, Bool, RunState, Date, Date?, Double?).self)
            return PullRun(
                runID: runID, job: job, context: context, isRequired: isRequired, state: state,
                requestedAt: requestedAt, startedAt: startedAt, usualSeconds: usual)
        }
    }
}
