import Postgres

extension LeasesStore {
    static let runStatements = [heldByRuns, withdrawRuns, keepRuns, endedRuns]

    static let heldByRuns = Statement(
        "leases.held_by_runs",
        """
        select resource.name, resource.token, pool.settings ? 'janitor'
          from leases.resources as resource
          join leases.pools as pool on pool.type = resource.type
         where resource.run_id = any($1::uuid[])
         order by resource.name
        """)

    static let withdrawRuns = Statement(
        "leases.withdraw_runs", "delete from leases.requests where run_id = any($1::uuid[]) returning wish")

    /// Leases and places of runs that have not ended last on.
    static let keepRuns = Statement(
        "leases.keep_runs",
        """
        with living as (
            select resource.name
              from leases.resources as resource
              join scheduling.runs_v1 as run on run.run_id = resource.run_id
             where resource.run_id is not null and run.finished_at is null
               and resource.expires_at < clock_timestamp() + interval '100 seconds'
             order by resource.name
               for no key update of resource
        ), waiting as (
            update leases.requests as request
               set keep_until = clock_timestamp() + make_interval(secs => request.patience)
              from scheduling.runs_v1 as run
             where run.run_id = request.run_id and run.finished_at is null
               and request.keep_until < clock_timestamp() + interval '1 hour'
        )
        update leases.resources as resource
           set updated_at = clock_timestamp(), expires_at = clock_timestamp() + make_interval(secs => resource.lasts)
          from living
         where resource.name = living.name
        """)

    /// Runs that have ended, or never were, and still hold or want something.
    static let endedRuns = Statement(
        "leases.ended_runs",
        """
        select concerned.run_id
          from (select run_id from leases.resources where run_id is not null
                 union
                select run_id from leases.requests where run_id is not null) as concerned
          left join scheduling.runs_v1 as run on run.run_id = concerned.run_id
         where run.run_id is null or run.finished_at is not null
        """)
}
