import Postgres

extension SchedulingStore {
    static let ledgerStatements = [
        announceAgent, removeAgent, claimRuns, unclaimedOf, definitions, keepClaims, describeRun, finishRuns,
        finishedBefore, abandonedByAgent,
    ]

    /// Renews an agent; answers whether it is new, or came back, or changed, so that the cluster's window did too.
    static let announceAgent = Statement(
        "scheduling.announce_agent",
        """
        with known as (
            select cluster = $2 and capacity = $3::integer and seen_at > now() - make_interval(secs => $4) as as_before
              from scheduling.agents
             where name = $1
        ), stored as (
            insert into scheduling.agents (name, cluster, capacity) values ($1, $2, $3::integer)
            on conflict (name) do update set cluster = $2, capacity = $3::integer, seen_at = now()
        )
        select not coalesce((select as_before from known), false)
        """)

    static let removeAgent = Statement("scheduling.remove_agent", "delete from scheduling.agents where name = $1")

    /// Claims what is dispatched, once and at most `$3` of it; answers also what this agent claimed before.
    static let claimRuns = Statement(
        "scheduling.claim_runs",
        """
        with held as materialized (
            \(attemptsHeld)
        ), taken as (
            select run_id from held where state = 'dispatched' order by priority desc, requested_at, run_id limit $3
        ), claimed as (
            update scheduling.runs as run
               set state = 'running', agent = $2, started_at = clock_timestamp(), heartbeat_at = clock_timestamp(),
                   description = ''
              from taken
             where run.run_id = taken.run_id
            returning run.*
        )
        select run.run_id, run.build_id, run.kind, run.job_hash, run.refs, run.attempt, run.requested_at,
               run.started_at, run.config_version, run.traceparent, run.cluster, true, run.artifact_folder,
               run.dispatched_at, run.leased, run.leased_at
          from claimed as run
        union all
        select run.run_id, run.build_id, run.kind, run.job_hash, run.refs, run.attempt, run.requested_at,
               run.started_at, run.config_version, run.traceparent, run.cluster, false, run.artifact_folder,
               run.dispatched_at, run.leased, run.leased_at
          from held as run
         where run.state = 'running' and run.agent = $2
        """)

    /// Those of some attempts that wait to be claimed.
    static let unclaimedOf = Statement(
        "scheduling.unclaimed_of",
        """
        select build_id
          from unnest($1::bigint[]) as asked (build_id)
         where 'dispatched' = (select state from scheduling.runs as run where run.build_id = asked.build_id)
        """)

    static let definitions = Statement(
        "scheduling.definitions", "select hash, definition from scheduling.definitions where hash = any($1::text[])")

    static let keepClaims = Statement(
        "scheduling.keep_claims",
        """
        with held as materialized (
            \(attemptsHeld)
        )
        update scheduling.runs as run
           set heartbeat_at = clock_timestamp()
          from held
         where run.run_id = held.run_id and held.state = 'running' and held.agent = $2
        returning run.build_id, run.cancel_reason
        """)

    static let describeRun = Statement(
        "scheduling.describe_run",
        """
        update scheduling.runs set description = $3
         where build_id = $1 and agent = $2 and state = 'running' and cancel_reason is null
        """)

    /// Completes attempts that are still their agent's.
    static let finishRuns = Statement(
        "scheduling.finish_runs",
        """
        with outcome as (
            select *
              from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::jsonb[])
                   as outcome (build_id, agent, state, message, tree, exit_code, phases)
        ), held as materialized (
            \(attemptsHeld)
        )
        update scheduling.runs as run
           set state = outcome.state, description = outcome.message, tree = outcome.tree,
               exit_code = outcome.exit_code, phases = outcome.phases, finished_at = clock_timestamp()
          from held
          join outcome on outcome.build_id = held.build_id and outcome.agent = held.agent
         where run.run_id = held.run_id and held.state = 'running'
        returning \(endedColumns)
        """)

    /// Which attempts an agent has finished already. Only a completion writes phases: an attempt that the reaper ended is
    /// nobody's any more.
    static let finishedBefore = Statement(
        "scheduling.finished_before",
        """
        select run.build_id
          from unnest($1::bigint[], $2::text[]) as asked (build_id, agent)
          join scheduling.runs as run on run.build_id = asked.build_id and run.agent = asked.agent
         where run.state in ('success', 'failure', 'aborted', 'error') and run.phases is not null
        """)

    /// Attempts that an agent gives back, held until the transaction ends.
    static let abandonedByAgent = Statement(
        "scheduling.abandoned_by_agent",
        """
        with held as materialized (
            \(attemptsHeld)
        )
        select run_id, build_id, agent, attempt, losses, cancel_reason
          from held
         where state = 'running' and agent = $2
         order by build_id
        """)

    /// The attempts with the build ids `$1`, locked in the order of their ids. Looked up one by one by their key: with
    /// the state as a condition the planner prefers an index of all runs in that state, which statistics from an idle
    /// hour make it believe to be empty.
    private static let attemptsHeld = """
        select run.*
              from (select build_id from unnest($1::bigint[]) as asked (build_id) order by build_id) as asked
             cross join lateral (
                   select * from scheduling.runs where build_id = asked.build_id for no key update) as run
        """
}
