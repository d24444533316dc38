import Postgres

extension MergingStore {
    static let runStatements = [
        requestRuns, openRuns, endRuns, cancelRuns, refuseRuns, failedTests, knownFlakes, isIngested, capacity,
    ]

    static let requestRuns = Statement(
        "merging.request_runs",
        """
        insert into merging.runs
               (request_id, pool_id, org, repo, branch, trial, run, job, job_hash, base_sha, pull_numbers, head_shas, tree)
        select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::integer[], $12::text[], $13
        on conflict (request_id) do nothing
        returning request_id
        """)

    /// Runs of a pool that the train has not heard the end of, as scheduling knows them.
    static let openRuns = Statement(
        "merging.open_runs",
        """
        select own.request_id, own.run, own.tree, own.job, own.job_hash, own.is_cancelled, own.refusal, run.run_id,
               run.build_id, run.state, run.tree, run.job_hash, run.description,
               extract(epoch from now() - run.finished_at)::float8, run.cancel_reason is not null,
               run.artifact_path
          from merging.runs as own
          left join scheduling.runs_v1 as run
            on run.org = own.org and run.repo = own.repo and run.pull_numbers = own.pull_numbers
           and run.pull_numbers <> '{}' and run.request_id = own.request_id
         where own.pool_id = $1 and own.ended_at is null
         order by own.run
        """)

    static let endRuns = Statement(
        "merging.end_runs",
        """
        update merging.runs as run
           set verdict = ended.verdict, run_id = ended.run_id, ended_at = now()
          from unnest($1::uuid[], $2::text[], $3::uuid[]) as ended (request_id, verdict, run_id)
         where run.request_id = ended.request_id and run.ended_at is null
        """)

    static let cancelRuns = Statement(
        "merging.cancel_runs",
        "update merging.runs set is_cancelled = true where pool_id = $1 and run = any($2::bigint[]) and ended_at is null"
    )

    /// Scheduling did not take requests: whose pools have to know.
    static let refuseRuns = Statement(
        "merging.refuse_runs",
        """
        update merging.runs as run
           set refusal = refused.reason
          from unnest($1::uuid[], $2::text[]) as refused (request_id, reason)
         where run.request_id = refused.request_id and run.ended_at is null
        returning run.org, run.repo, run.branch
        """)

    /// The tests that failed in an attempt, with what they said.
    static let failedTests = Statement(
        "merging.failed_tests",
        """
        select test_id, suite, name, message, output
          from results.failures_v1
         where build_id = $1 and kind = 'failed'
         order by suite, name
         limit 20
        """)

    /// Those of the tests that were seen flaky within two weeks: they failed and passed in one run, or they failed in a
    /// run of a job on a tree on which the same job passed.
    static let knownFlakes = Statement(
        "merging.known_flakes",
        """
        select distinct asked.test_id
          from unnest($1::bigint[]) as asked (test_id)
          join results.failures_v1 as failure on failure.test_id = asked.test_id
         where failure.build_id <> $2
           and failure.build_id > (extract(epoch from now() - interval '14 days') * 1000)::bigint << 20
           and (failure.kind = 'flaky'
                or exists (
                    select
                      from scheduling.runs_v1 as failed
                      join scheduling.runs_v1 as passed
                        on passed.job_hash = failed.job_hash and passed.tree = failed.tree
                       and passed.state = 'success'
                     where failed.run_id = failure.run_id and failed.state = 'failure' and failed.tree is not null))
        """)

    /// Whether the reports of an attempt were read.
    static let isIngested = Statement(
        "merging.is_ingested", "select exists (select from results.runs_v1 where build_id = $1)")

    /// Runs that the agents seen lately execute at once, and pools that have a train with something in it.
    static let capacity = Statement(
        "merging.capacity",
        """
        select coalesce((select sum(capacity) from scheduling.agents_v1 where seen_at > now() - interval '1 minute'), 0)
                   ::integer,
               (select count(distinct pool_id) from merging.runs where ended_at is null)::integer
        """)
}
