import Postgres

extension LeasesStore {
    static let pageStatements = [
        poolSettingsAll, samplesOfDay, waitingOfType, resourcesOfType, historyOfResource, costs, figures, waitingAges,
        expiredOfHour, placesOfRuns, notePlaces,
    ]

    static let poolSettingsAll = Statement(
        "leases.pool_settings_all", "select type, settings, is_retired from leases.pools order by type")

    /// The samples of a day, joined to quarters of an hour.
    static let samplesOfDay = Statement(
        "leases.samples_of_day",
        """
        select to_timestamp(floor(extract(epoch from at) / 900) * 900) as quarter,
               avg(free)::double precision, avg(leased)::double precision, avg(dirty)::double precision,
               avg(other)::double precision, avg(waiting)::double precision
          from leases.samples
         where type = $1 and at > now() - interval '1 day'
         group by quarter
         order by quarter
        """)

    static let waitingOfType = Statement(
        "leases.waiting_of_type",
        """
        select request.owner, request.job, request.reason, request.run_id, request.enqueued_at, request.priority
          from leases.places as place
          join leases.requests as request on request.id = place.request
         where place.type = $1
         order by place.rank_at, place.request
         limit $2
        """)

    /// Held ones first.
    static let resourcesOfType = Statement(
        "leases.resources_of_type",
        """
        select resource.name, resource.state, resource.owner, resource.job, resource.run_id, resource.granted_at,
               resource.expires_at, resource.free_since, resource.is_draining, cleaning.last_error
          from leases.resources as resource
          left join leases.cleanings as cleaning on cleaning.name = resource.name and cleaning.failures > 0
         where resource.type = $1
         order by resource.owner is null, resource.granted_at, resource.state, resource.name
         limit $2
        """)

    static let historyOfResource = Statement(
        "leases.history_of_resource",
        """
        select token, owner, job, reason, run_id, granted_at, ended_at, ended_by, cost
          from leases.history
         where name = $1
         order by token desc
         limit $2
        """)

    /// Sums of the last `$1` days by owner, job, type and day.
    static let costs = Statement(
        "leases.costs",
        """
        with ended as (
            select owner, job, type, (ended_at at time zone 'UTC')::date::text as day, cost,
                   extract(epoch from ended_at - granted_at) / 3600 as hours
              from leases.history
             where ended_at > now() - make_interval(days => $1::integer)
        )
        select case when grouping(owner) = 0 then 'owner' when grouping(job) = 0 then 'job'
                    when grouping(type) = 0 then 'type' else 'day' end,
               coalesce(owner, job, type, day, ''), count(*), sum(hours)::double precision,
               sum(cost)::double precision
          from ended
         group by grouping sets ((owner), (job), (type), (day))
         order by 1, 5 desc, 4 desc
        """)

    static let figures = Statement(
        "leases.figures",
        "select type, state, count(*), count(owner) from leases.resources group by type, state")

    static let waitingAges = Statement(
        "leases.waiting_ages",
        """
        select pool.type, count(place.request), coalesce(extract(epoch from now() - min(request.enqueued_at)), 0)
          from leases.pools as pool
          left join leases.places as place on place.type = pool.type
          left join leases.requests as request on request.id = place.request
         group by pool.type
        """)

    static let expiredOfHour = Statement(
        "leases.expired_of_hour",
        """
        select pool.type, count(ended.name)
          from leases.pools as pool
          left join leases.history as ended
            on ended.type = pool.type and ended.ended_by = 'expiry' and ended.ended_at > now() - interval '1 hour'
         group by pool.type
        """)

    /// Where waiting runs stand, the first of each line, and what they were told last.
    static let placesOfRuns = Statement(
        "leases.places_of_runs",
        """
        with placed as (
            select place.request, place.type,
                   row_number() over (partition by place.type, place.state
                                      order by place.rank_at, place.request) - 1 as before
              from leases.places as place
             where exists (select from leases.requests where run_id is not null)
        )
        select request.id, request.run_id, placed.type, placed.before, request.told
          from (select distinct on (request) request, type, before from placed order by request, before desc) as placed
          join leases.requests as request on request.id = placed.request
         where request.run_id is not null
         order by placed.before
         limit 200
        """)

    static let notePlaces = Statement(
        "leases.note_places",
        """
        update leases.requests as request
           set told = note.told
          from unnest($1::bigint[], $2::text[]) as note (id, told)
         where request.id = note.id
        """)
}
