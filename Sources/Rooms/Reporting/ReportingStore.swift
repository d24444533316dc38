import FoundationEssentials
import Postgres
import SlipwayModel

/// All SQL of the room.
enum ReportingStore {
    static let all: [Statement] = [
        runs, lockTable, latestOfPull, reportTemplate, desire, withdraw, desireTable, withdrawTable, claimDue, complete,
        postpone,
        giveUp, trim,
    ]

    private static let columns = """
        run_id, kind, job, context, not (optional or skip_report), skip_report, rerun_command, state, description,
        org, repo, base_sha, requested_at, finished_at, cluster, build_id, refs
        """

    static let runs = Statement(
        "reporting_runs",
        "select \(columns) from scheduling.runs_v1 where run_id = any($1::uuid[]) and org is not null")

    /// Taken before a pull request's runs are read for its table, so that the table stored last was read last.
    static let lockTable = Statement(
        "reporting_lock_table", "select pg_advisory_xact_lock(hashtextextended('reporting.table/' || $1, 0))")

    /// The latest run of each job on the pull request's head; on `$4` where the pull request is not known.
    static let latestOfPull = Statement(
        "reporting_latest_of_pull",
        """
        select distinct on (job) \(columns)
          from scheduling.runs_v1
         where org = $1 and repo = $2 and pull_numbers = array[$3::int] and kind = 'presubmit'
           and head_sha = coalesce(
               (select head_sha from scheduling.pulls_v1 where org = $1 and repo = $2 and number = $3), $4)
         order by job, run_id desc
        """)

    /// The template in force for a repository: its own, its organisation's, or everybody's.
    static let reportTemplate = Statement(
        "reporting_report_template",
        """
        select coalesce(templates ->> ($1 || '/' || $2), templates ->> $1, templates ->> '*')
          from (select settings -> 'report_templates' as templates
                  from scheduling.config_versions_v1
                 order by version desc
                 limit 1) as current
        """)

    /// A newer version replaces what was wished. Where it says what the forge shows already, it is done with that. Takes
    /// several wishes, one of a key, in the order that keeps two transactions from waiting for each other.
    static let desire = Statement(
        "reporting_desire",
        """
        insert into reporting.desired (org, repo, key, target, value, version)
        select org, repo, key, target, value, version
          from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::bigint[])
               as wish (org, repo, key, target, value, version)
         order by org, repo, key
        on conflict (org, repo, key) do update
           set target = excluded.target, value = excluded.value, version = excluded.version, attempts = 0,
               -- People change everything else at the forge as well, so there saying it again may be news.
               done_version = case when (excluded.key like 'status/%' or excluded.key like 'comment/%')
                                        and reporting.desired.done_version = reporting.desired.version
                                        and reporting.desired.value = excluded.value
                                   then excluded.version else reporting.desired.done_version end,
               next_try = now(), given_up = false, last_error = null, changed_at = now()
         where reporting.desired.version < excluded.version
        """)

    /// Removes what was shown before; where nothing was, nothing is written.
    static let withdraw = Statement(
        "reporting_withdraw",
        """
        with wish as (
            select known.org, known.repo, known.key, wish.value, wish.version
              from reporting.desired as known
              join unnest($1::text[], $2::text[], $3::text[], $4::jsonb[], $5::bigint[])
                   as wish (org, repo, key, value, version)
                on (wish.org, wish.repo, wish.key) = (known.org, known.repo, known.key)
             where known.version < wish.version
             order by known.org, known.repo, known.key
               for no key update of known
        )
        update reporting.desired as desired
           set value = wish.value, version = wish.version, attempts = 0, next_try = now(), given_up = false,
               changed_at = now()
          from wish
         where (desired.org, desired.repo, desired.key) = (wish.org, wish.repo, wish.key)
        """)

    /// The same for a table, whose versions are counted here under its lock.
    static let desireTable = Statement(
        "reporting_desire_table",
        """
        insert into reporting.desired (org, repo, key, target, value, version) values ($1, $2, $3, $4, $5::jsonb, 1)
        on conflict (org, repo, key) do update
           set value = excluded.value, version = reporting.desired.version + 1, attempts = 0, next_try = now(),
               given_up = false, last_error = null, changed_at = now()
         where reporting.desired.value <> excluded.value
        """)

    static let withdrawTable = Statement(
        "reporting_withdraw_table",
        """
        update reporting.desired
           set value = $4::jsonb, version = version + 1, attempts = 0, next_try = now(), given_up = false,
               last_error = null, changed_at = now()
         where org = $1 and repo = $2 and key = $3 and value <> $4::jsonb
        """)

    /// Takes due rows for half a minute. A row that nobody completes within them is due again.
    static let claimDue = Statement(
        "reporting_claim_due",
        """
        with due as (
            select org, repo, key
              from reporting.desired
             where done_version < version and not given_up and next_try <= now() and claimed_until <= now()
             order by next_try
             limit $1
               for update skip locked)
        update reporting.desired as desired
           set claimed_until = now() + interval '30 seconds', attempts = desired.attempts + 1
          from due
         where (desired.org, desired.repo, desired.key) = (due.org, due.repo, due.key)
        returning desired.org, desired.repo, desired.key, desired.value, desired.version, desired.attempts
        """)

    /// Notes what the forge shows now. What became newer meanwhile is due at once.
    static let complete = Statement(
        "reporting_complete",
        """
        with shown as (
            select known.org, known.repo, known.key, shown.version
              from reporting.desired as known
              join unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) as shown (org, repo, key, version)
                on (shown.org, shown.repo, shown.key) = (known.org, known.repo, known.key)
             where known.done_version < shown.version
             order by known.org, known.repo, known.key
               for no key update of known
        )
        update reporting.desired as desired
           set done_version = shown.version, claimed_until = '-infinity', last_error = null,
               next_try = case when desired.version > shown.version then now() else next_try end
          from shown
         where (desired.org, desired.repo, desired.key) = (shown.org, shown.repo, shown.key)
        """)

    static let postpone = Statement(
        "reporting_postpone",
        """
        update reporting.desired
           set claimed_until = '-infinity', last_error = $5,
               next_try = case when version > $4 then now() else now() + make_interval(secs => $6) end
         where org = $1 and repo = $2 and key = $3 and done_version < $4
        """)

    static let giveUp = Statement(
        "reporting_give_up",
        """
        update reporting.desired
           set claimed_until = '-infinity', last_error = $5, given_up = version = $4
         where org = $1 and repo = $2 and key = $3
        """)

    static let trim = Statement(
        "reporting_trim",
        """
        delete from reporting.desired
         where ctid = any(array(
               select ctid from reporting.desired
                where changed_at < now() - interval '90 days' and (done_version = version or given_up)
                limit 5000))
        """)

    static func run(_ row: Row) throws -> ReportedRun {
        let (
            runID, kind, job, context, isRequired, skipReport, rerunCommand, state, description, org, repo, baseSHA,
            requestedAt, finishedAt, cluster, buildID, refs
        ) = try row.decode(
            (
                UUID, JobKind, String, String?, Bool, Bool, String?, RunState, String?, String, String, String?,
                Date, Date?, String, Int64, JSON<Refs>?
            ).self)
        return ReportedRun(
            runID: RunID(runID), kind: kind, job: job, context: context, isRequired: isRequired,
            skipReport: skipReport, rerunCommand: rerunCommand, state: state, description: description,
            repository: RepositoryName(org: org, repo: repo), baseSHA: baseSHA, pulls: refs?.value.pulls ?? [],
            requestedAt: requestedAt, finishedAt: finishedAt, cluster: cluster, buildID: BuildID(buildID),
            refs: refs?.value)
    }
}

/// A row that is due, claimed for half a minute.
struct DueReport: Sendable {
    var repository: RepositoryName
    var key: String
    var value: ForgeDesired.Value
    var version: Int64
    var attempts: Int
}
