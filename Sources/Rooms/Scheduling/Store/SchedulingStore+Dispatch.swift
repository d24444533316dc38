import FoundationEssentials
import Postgres

extension SchedulingStore {
    static let dispatchStatements = [lockDispatch, dispatchRuns, liveClusters, grantLeases, describeWaiting]

    /// One dispatcher at a time, until its transaction ends: so each sees what the last one took, and limits that hold
    /// over all clusters are kept.
    static let lockDispatch = Statement(
        "scheduling.lock_dispatch", "select pg_advisory_xact_lock(hashtextextended('scheduling.dispatch', 0))")

    /// Fills a cluster's window: twice what its live agents can execute, less what was dispatched and not claimed yet.
    /// No more than the whole installation may run. By priority, then age; a job with a limit of its own and the jobs of
    /// a queue only up to theirs, counted over all clusters. Prow's order: the whole, then the job, then the queue.
    ///
    /// Answers with each also what the smallest of the cluster's live agents executes at once.
    static let dispatchRuns = Statement(
        "scheduling.dispatch_runs",
        """
        with recursive setting as (
            select coalesce((settings ->> 'max_concurrency')::integer, 0) as whole, settings -> 'queue_capacities' as queues
              from scheduling.config_versions
             order by version desc
             limit 1
        ), capacity as (
            select coalesce(sum(agent.capacity), 0) as whole, coalesce(min(agent.capacity), 0) as least
              from scheduling.agents as agent
             where agent.cluster = $1 and agent.seen_at > now() - make_interval(secs => $2)
        ), free as (
            select greatest(0, least(
                       2 * (select whole from capacity)
                       - (select count(*) from scheduling.runs where cluster = $1 and state = 'dispatched'),
                       (select whole - (select count(*) from scheduling.runs where state = 'dispatched')
                               - (select count(*) from scheduling.runs where state = 'running')
                          from setting
                         where whole > 0))) as slots
        ), unlimited as (
            select run_id, priority, requested_at
              from scheduling.runs
             where cluster = $1 and state = 'waiting' and not is_limited and not awaits_lease
             order by priority desc, requested_at, run_id
             limit (select slots from free)
        ), limited_job as (
            (select job
               from scheduling.runs
              where cluster = $1 and state = 'waiting' and is_limited and not awaits_lease and (select slots from free) > 0
              order by job
              limit 1)
            union all
            select (select run.job
                      from scheduling.runs as run
                     where run.cluster = $1 and run.state = 'waiting' and run.is_limited and not run.awaits_lease
                       and run.job > limited_job.job
                     order by run.job
                     limit 1)
              from limited_job
             where limited_job.job is not null
        ), limited as (
            select run.run_id, run.priority, run.requested_at, run.queue
              from limited_job
             cross join lateral (
                   select count(*) as runs
                     from scheduling.runs
                    where job = limited_job.job and state in ('dispatched', 'running') and is_limited
                   ) as active
             cross join lateral (
                   select run_id, priority, requested_at, max_concurrency, queue,
                          row_number() over (order by priority desc, requested_at, run_id) as place
                     from (select run_id, priority, requested_at, max_concurrency, queue
                             from scheduling.runs
                            where cluster = $1 and state = 'waiting' and is_limited and not awaits_lease
                              and job = limited_job.job
                            order by priority desc, requested_at, run_id
                            limit (select slots from free)) as oldest
                   ) as run
             where run.max_concurrency = 0 or run.place + active.runs <= run.max_concurrency
        ), queued as (
            select run_id, priority, requested_at, queue,
                   row_number() over (partition by queue order by priority desc, requested_at, run_id) as place
              from limited
             where queue is not null
        ), admitted as (
            select queued.run_id, queued.priority, queued.requested_at
              from queued
              left join lateral (select (queues ->> queued.queue)::integer as runs from setting) as capacity on true
             where coalesce(capacity.runs, -1) < 0
                or queued.place + (select count(*)
                                     from scheduling.runs as active
                                    where active.queue = queued.queue
                                      and active.state in ('dispatched', 'running')) <= capacity.runs
            union all
            select run_id, priority, requested_at from limited where queue is null
        ), chosen as (
            select run_id
              from (select * from unlimited union all select * from admitted) as candidate
             order by priority desc, requested_at, run_id
             limit (select slots from free)
        ), held as materialized (
            select run.run_id, run.state
              from chosen
             cross join lateral (
                   select run_id, state from scheduling.runs where run_id = chosen.run_id
                      for no key update skip locked) as run
        ), dispatched as (
            update scheduling.runs as run
               set state = 'dispatched', dispatched_at = now(), description = ''
              from held
             where run.run_id = held.run_id and held.state = 'waiting'
            returning run.run_id, run.build_id, run.priority, run.requested_at
        )
        select build_id, (select least from capacity)
          from dispatched
         order by priority desc, requested_at, run_id
        """)

    /// Clusters with live agents for which runs wait.
    static let liveClusters = Statement(
        "scheduling.live_clusters",
        """
        select distinct agent.cluster
          from scheduling.agents as agent
         where agent.seen_at > now() - make_interval(secs => $1)
           and exists (select from scheduling.runs where cluster = agent.cluster and state = 'waiting')
        """)

    /// What runs say of themselves while they wait for a lease.
    static let describeWaiting = Statement(
        "scheduling.describe_waiting",
        """
        with waiting as (
            select run.run_id, asked.text
              from unnest($1::uuid[], $2::text[]) as asked (run_id, text)
              join scheduling.runs as run on run.run_id = asked.run_id
             where run.state = 'waiting' and run.awaits_lease
             order by run.build_id
               for no key update of run
        )
        update scheduling.runs as run
           set description = waiting.text
          from waiting
         where run.run_id = waiting.run_id
        """)

    /// Runs that have what they waited for: dispatched like any other from now on.
    static let grantLeases = Statement(
        "scheduling.grant_leases",
        """
        with granted as (
            select run.run_id, asked.leased
              from unnest($1::uuid[], $2::jsonb[]) as asked (run_id, leased)
              join scheduling.runs as run on run.run_id = asked.run_id
             where run.state = 'waiting' and run.awaits_lease
             order by run.build_id
               for no key update of run
        )
        update scheduling.runs as run
           set awaits_lease = false, leased = granted.leased, leased_at = clock_timestamp(), description = ''
          from granted
         where run.run_id = granted.run_id
        returning run.cluster
        """)
}
