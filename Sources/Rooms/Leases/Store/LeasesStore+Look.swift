import Postgres

extension LeasesStore {
    static let lookStatements = [
        poolFigures, countStates, countOwners, resourcesOfLease, listLeases, byState, resetOwned, placeInLine,
        holdTimes,
        nextExpiry, withdraw, isKnownType, resourceRow,
        waitingFigures,
    ]

    /// How many resources of each type stand in which state, held or not.
    static let poolFigures = Statement(
        "leases.pool_figures",
        """
        select type, state, owner is not null, count(*)
          from leases.resources
         group by type, state, owner is not null
         order by type, state
        """)

    static let waitingFigures = Statement(
        "leases.waiting_figures",
        """
        select pool.type, count(place.request)
          from leases.pools as pool
          left join leases.places as place on place.type = pool.type
         group by pool.type
        """)

    static let countStates = Statement(
        "leases.count_states", "select state, count(*) from leases.resources where type = $1 group by state")

    static let countOwners = Statement(
        "leases.count_owners",
        "select coalesce(owner, ''), count(*) from leases.resources where type = $1 group by coalesce(owner, '')")

    static let isKnownType = Statement(
        "leases.is_known_type", "select exists (select from leases.pools where type = $1 and not is_retired)")

    static let resourceRow = Statement(
        "leases.resource_row",
        """
        select name, type, state, coalesce(owner, ''), updated_at, user_data::text, dies_at, token
          from leases.resources
         where name = $1
        """)

    static let resourcesOfLease = Statement(
        "leases.resources_of_lease",
        """
        select name, type, state, token, owner, account, granted_at, expires_at, user_data::text
          from leases.resources
         where lease_id = $1
         order by name
        """)

    static let listLeases = Statement(
        "leases.list_leases",
        """
        select name, type, state, token, owner, coalesce(account, ''), lease_id, run_id, job, reason, granted_at,
               expires_at
          from leases.resources
         where owner is not null and ($1::text is null or type = $1) and ($2::text is null or owner = $2)
         order by type, granted_at, name
         limit $3
        """)

    /// All of the named resources, if every one is free and in the state: all or nothing.
    static let byState = Statement(
        "leases.by_state",
        """
        with found as (
            select name, type, token
              from leases.resources
             where name = any($1::text[]) and state = $2 and owner is null and not is_draining
             order by name
               for no key update
        )
        update leases.resources as resource
           set owner = $3, account = $4, state = $5, token = resource.token + 1, updated_at = clock_timestamp(),
               granted_at = clock_timestamp(), lasts = (pool.settings ->> 'patience')::double precision,
               expires_at = clock_timestamp() + make_interval(secs => (pool.settings ->> 'patience')::double precision),
               counted_owner = case when pool.settings ? 'quota' or pool.settings -> 'quotas' <> '{}'
                                         or pool.settings -> 'reservations' <> '{}' then $3 end,
               dies_at = null
          from found
          join leases.pools as pool on pool.type = found.type
         where resource.name = found.name and (select count(*) from found) = cardinality($1::text[])
        returning resource.name, resource.type, resource.state, resource.owner, resource.updated_at,
                  resource.user_data::text, resource.dies_at
        """)

    /// Held resources of a type in a state that have shown no life for a time.
    static let resetOwned = Statement(
        "leases.reset_owned",
        """
        select name, owner, token
          from leases.resources
         where type = $1 and state = $2 and owner is not null
           and updated_at <= clock_timestamp() - make_interval(secs => $3)
         order by name
        """)

    /// How many stand before a request in the line of it that is longest, and since when it waits.
    static let placeInLine = Statement(
        "leases.place_in_line",
        """
        select place.type, place.state, request.enqueued_at, request.keep_until,
               (select count(*)
                  from leases.places as other
                 where other.type = place.type and other.state = place.state
                   and (other.rank_at, other.request) < (place.rank_at, place.request)) as before
          from leases.requests as request
          join leases.places as place on place.request = request.id
         where request.key = $1
         order by before desc
        """)

    /// What a lease of the type lasts usually, in seconds: the median of the last ones, or where none has ended yet twice
    /// what those that are held have lasted; and how many resources there are, and of these are held.
    static let holdTimes = Statement(
        "leases.hold_times",
        """
        select coalesce((select percentile_cont(0.5) within group (order by seconds)
                           from (select extract(epoch from ended_at - granted_at) as seconds
                                   from leases.history
                                  where type = $1 and ended_at > now() - interval '1 day'
                                  order by ended_at desc
                                  limit 200) as last),
                        2 * percentile_cont(0.5) within group (
                            order by extract(epoch from clock_timestamp() - granted_at))
                            filter (where owner is not null),
                        0),
               count(*), count(*) filter (where owner is not null)
          from leases.resources
         where type = $1 and not is_draining
        """)

    /// Seconds until the next lease of the type ends unless it is renewed.
    static let nextExpiry = Statement(
        "leases.next_expiry",
        """
        select extract(epoch from min(expires_at) - clock_timestamp())
          from leases.resources
         where type = $1 and owner is not null
        """)

    static let withdraw = Statement(
        "leases.withdraw",
        """
        with gone as (
            delete from leases.requests where key = $1 and owner = $2 and ($4 or account is not distinct from $3)
            returning id, wish
        )
        select wish from gone
        """)
}
