import FoundationEssentials
import Postgres

extension SchedulingStore {
    static let dispatchStatements = [lockCluster, dispatchRuns, liveClusters]

    /// One dispatcher per cluster at a time, until its transaction ends: so each sees what the last one took.
    static let lockCluster = Statement(
        "scheduling.lock_cluster",
        "select pg_advisory_xact_lock(hashtextextended('scheduling.dispatch/' || $1, 0))")

    /// Fills a cluster's window: twice what its live agents can execute, less what was dispatched and not claimed yet.
    /// By priority, then age; a job with a limit of its own only up to it, counted over all clusters.
    static let dispatchRuns = Statement(
        "scheduling.dispatch_runs",
        """
        with recursive free as (
            select greatest(
                       0,
                       2 * coalesce((select sum(agent.capacity)
                                       from scheduling.agents as agent
                                      where agent.cluster = $1
                                        and agent.seen_at > now() - make_interval(secs => $2)), 0)
                       - (select count(*) from scheduling.runs where cluster = $1 and state = 'dispatched')) as slots
        ), unlimited as (
            select run_id, priority, requested_at
              from scheduling.runs
             where cluster = $1 and state = 'waiting' and max_concurrency = 0
             order by priority desc, requested_at, run_id
             limit (select slots from free)
        ), limited_job as (
            (select job
               from scheduling.runs
              where cluster = $1 and state = 'waiting' and max_concurrency > 0 and (select slots from free) > 0
              order by job
              limit 1)
            union all
            select (select run.job
                      from scheduling.runs as run
                     where run.cluster = $1 and run.state = 'waiting' and run.max_concurrency > 0
                       and run.job > limited_job.job
                     order by run.job
                     limit 1)
              from limited_job
             where limited_job.job is not null
        ), limited as (
            select run.run_id, run.priority, run.requested_at
              from limited_job
             cross join lateral (
                   select count(*) as runs
                     from scheduling.runs
                    where job = limited_job.job and state in ('dispatched', 'running') and max_concurrency > 0
                   ) as active
             cross join lateral (
                   select run_id, priority, requested_at, max_concurrency,
                          row_number() over (order by priority desc, requested_at, run_id) as place
                     from (select run_id, priority, requested_at, max_concurrency
                             from scheduling.runs
                            where cluster = $1 and state = 'waiting' and max_concurrency > 0 and job = limited_job.job
                            order by priority desc, requested_at, run_id
                            limit (select slots from free)) as oldest
                   ) as run
             where run.place + active.runs <= run.max_concurrency
        ), chosen as (
            select run_id
              from (select * from unlimited union all select * from limited) as candidate
             order by priority desc, requested_at, run_id
             limit (select slots from free)
        ), held as (
            select run_id
              from scheduling.runs
             where run_id in (select run_id from chosen) and state = 'waiting'
               for no key update skip locked
        ), dispatched as (
            update scheduling.runs as run
               set state = 'dispatched', dispatched_at = now(), description = ''
              from held
             where run.run_id = held.run_id
            returning run.run_id, run.build_id, run.traceparent, run.priority, run.requested_at
        )
        select run_id, build_id, traceparent from dispatched order by priority desc, requested_at, run_id
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
}
