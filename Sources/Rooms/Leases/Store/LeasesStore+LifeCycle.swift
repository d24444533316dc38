import Postgres

extension LeasesStore {
    static let lifeCycleStatements = [
        overdueLeases, lostPlaces, fillMinimum, excessDynamic, dropTombstones, drainingTypes, forgetHistory,
        takeSample, forgetSamples,
    ]

    /// Leases whose holders have shown no life for as long as they may.
    static let overdueLeases = Statement(
        "leases.overdue_leases",
        """
        select name, type, token, owner, run_id
          from leases.resources
         where owner is not null and expires_at < clock_timestamp()
         order by name
         limit 1000
        """)

    /// Places that nobody has asked for in time.
    static let lostPlaces = Statement(
        "leases.lost_places",
        """
        with lost as (
            select id from leases.requests where keep_until < clock_timestamp() - interval '5 seconds' limit 5000
               for update skip locked
        ), lines as (
            select distinct place.type, place.state from leases.places as place join lost on lost.id = place.request
        ), gone as (
            delete from leases.requests as request using lost where request.id = lost.id
        )
        select type, state from lines
        """)

    /// Dynamic resources up to the least number of their type; answers the lines that have more now.
    static let fillMinimum = Statement(
        "leases.fill_minimum",
        """
        with made as (
            insert into leases.resources (name, type, state)
            select gen_random_uuid()::text, pool.type, pool.initial_state
              from leases.pools as pool
             cross join lateral (
                   select count(*) as there from leases.resources as resource where resource.type = pool.type) as now
             cross join lateral generate_series(1, (pool.settings ->> 'minimum')::bigint - now.there)
             where pool.is_dynamic and not pool.is_retired and pool.type = any($1::text[])
            returning type, state
        )
        select distinct type, state from made
        """)

    /// Dynamic resources that nobody holds and that are too many, too old, or not configured any more: on their way out.
    static let excessDynamic = Statement(
        "leases.excess_dynamic",
        """
        with aged as (
            select resource.name, resource.dies_at, pool.is_retired, pool.max_count,
                   row_number() over (partition by resource.type
                                      order by resource.owner is null, resource.state = 'toBeDeleted',
                                               resource.free_since, resource.name) as place
              from leases.resources as resource
              join leases.pools as pool on pool.type = resource.type
             where pool.is_dynamic and pool.type = any($1::text[]) and resource.state <> 'tombstone'
        ), gone as (
            select resource.name
              from leases.resources as resource
              join aged on aged.name = resource.name
             where resource.owner is null and resource.state not in ('toBeDeleted', 'tombstone')
               and (aged.is_retired or resource.is_draining or aged.place > aged.max_count
                    or aged.dies_at < clock_timestamp())
             order by resource.name
               for no key update of resource
        )
        update leases.resources as resource
           set state = 'toBeDeleted', updated_at = clock_timestamp(), free_since = clock_timestamp()
          from gone
         where resource.name = gone.name
        returning resource.name
        """)

    static let dropTombstones = Statement(
        "leases.drop_tombstones",
        """
        with gone as (
            select resource.name
              from leases.resources as resource
              join leases.pools as pool on pool.type = resource.type
             where resource.owner is null and resource.state = 'tombstone' and pool.is_dynamic
               and resource.type = any($1::text[])
             order by resource.name
               for update of resource
        )
        delete from leases.resources as resource using gone where resource.name = gone.name
        returning resource.name
        """)

    /// Types for which the caretaker has something to look at.
    static let drainingTypes = Statement(
        "leases.draining_types",
        """
        select pool.type
          from leases.pools as pool
         where pool.is_dynamic or pool.is_retired
            or exists (select from leases.resources where type = pool.type and is_draining)
         order by pool.type
        """)

    static let forgetHistory = Statement(
        "leases.forget_history",
        "delete from leases.history where ended_at < now() - make_interval(days => $1::integer)")

    /// One row for each type and minute.
    static let takeSample = Statement(
        "leases.take_sample",
        """
        insert into leases.samples (type, at, free, leased, dirty, other, waiting)
        select pool.type, date_trunc('minute', clock_timestamp()),
               coalesce(now.free, 0), coalesce(now.leased, 0), coalesce(now.dirty, 0), coalesce(now.other, 0),
               coalesce(line.waiting, 0)
          from leases.pools as pool
          left join (
               select type, count(*) filter (where owner is null and state = 'free') as free,
                      count(*) filter (where owner is not null) as leased,
                      count(*) filter (where owner is null and state = 'dirty') as dirty,
                      count(*) filter (where owner is null and state not in ('free', 'dirty')) as other
                 from leases.resources
                group by type) as now on now.type = pool.type
          left join (
               select type, count(*) as waiting from leases.places group by type) as line on line.type = pool.type
        on conflict (type, at) do nothing
        """)

    static let forgetSamples = Statement(
        "leases.forget_samples", "delete from leases.samples where at < now() - interval '8 days'")
}
