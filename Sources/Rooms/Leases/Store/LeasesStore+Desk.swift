import Postgres

extension LeasesStore {
    static let deskStatements = [
        lockPools, clock, happened, typesOfNames, poolSettings, giveBack, comeBack, findLeases, freeResources, heads,
        counted,
        grant, keepPlace, leaveLine, standInLine, createDynamic, notifyGranted,
    ]

    /// The types' pools, held until the transaction ends.
    static let lockPools = Statement(
        "leases.lock_pools",
        "select type, version, is_retired from leases.pools where type = any($1::text[]) order by type for no key update"
    )

    /// The time of the transaction's decisions, once it holds its pools.
    static let clock = Statement("leases.clock", "select clock_timestamp()")

    /// Whether a lease was granted, or has ended, at the very moment.
    static let happened = Statement(
        "leases.happened",
        """
        select exists (select from leases.resources where name = $1 and token = $2 and granted_at = $3)
               or exists (select from leases.history
                           where name = $1 and token = $2 and $3::timestamptz in (granted_at, ended_at))
        """)

    static let typesOfNames = Statement(
        "leases.types_of_names", "select name, type from leases.resources where name = any($1::text[])")

    static let poolSettings = Statement(
        "leases.pool_settings", "select type, version, settings from leases.pools where type = any($1::text[])")

    /// Takes resources back from whoever shows that he holds them: by the owner's name or by the token, whichever is
    /// shown, and only by the account that took them unless an operator does it. Remembers each lease that ends. Each
    /// name stands once; `$8`: the types whose pools are held.
    ///
    /// Answers every call whose resource exists: who held it, whether this ended it, for which run and under which token
    /// it was held; and when. What is joined here is so few rows that the planner's guesses do not matter.
    static let giveBack = Statement(
        "leases.give_back",
        """
        with instant as materialized (
            select clock_timestamp() as now
        ), held as (
            select asked.place, asked.dest, asked.ended_by, resource.name, resource.type, resource.token,
                   resource.owner, resource.account, resource.run_id, resource.job, resource.reason,
                   resource.granted_at, pool.lifespan, pool.cost_per_hour,
                   resource.owner is not null and (asked.owner is null or asked.owner = resource.owner)
                   and (asked.token is null or asked.token = resource.token)
                   and (asked.is_operator or asked.account is not distinct from resource.account) as is_ending
              from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::boolean[], $6::text[], $7::text[])
                   with ordinality as asked (name, owner, token, account, is_operator, dest, ended_by, place)
              join leases.resources as resource on resource.name = asked.name and resource.type = any($8::text[])
              join leases.pools as pool on pool.type = resource.type
             order by resource.name
               for no key update of resource
        ), freed as (
            update leases.resources as resource
               set owner = null, account = null, lease_id = null, counted_owner = null, run_id = null, job = null,
                   reason = null, granted_at = null, expires_at = null, lasts = null, state = held.dest,
                   updated_at = (select now from instant), free_since = (select now from instant),
                   dies_at = (select now from instant) + make_interval(secs => held.lifespan)
              from held
             where resource.name = held.name and held.is_ending
        ), remembered as (
            insert into leases.history
                   (name, token, type, owner, account, run_id, job, reason, granted_at, ended_at, state, ended_by, cost)
            select name, token, type, owner, account, run_id, job, reason, granted_at, (select now from instant), dest,
                   ended_by,
                   extract(epoch from (select now from instant) - granted_at) / 3600 * cost_per_hour
              from held
             where is_ending
        )
        select place, coalesce(owner, ''), is_ending, run_id, token, (select now from instant) from held
        """)

    /// Keeps the places of those who ask again.
    static let comeBack = Statement(
        "leases.come_back",
        """
        update leases.requests
           set keep_until = clock_timestamp() + make_interval(secs => patience)
         where key = any($1::text[]) and keep_until > clock_timestamp()
        returning key, id, rank_at, enqueued_at
        """)

    /// Keeps one place.
    static let keepPlace = Statement(
        "leases.keep_place",
        """
        update leases.requests
           set keep_until = clock_timestamp() + make_interval(secs => $2), patience = $2
         where key = $1 and keep_until > clock_timestamp()
        returning wish
        """)

    /// What has been granted under these leases already.
    static let findLeases = Statement(
        "leases.find_leases",
        """
        select lease_id, name, type, state, token, user_data::text, granted_at, dies_at, owner
          from leases.resources
         where lease_id = any($1::uuid[])
         order by name
        """)

    /// The resources of each line that may be granted, oldest first: as many as are asked for at the desk and by those
    /// who stand in the line, and a few to spare. What another transaction has its hands on is left out.
    static let freeResources = Statement(
        "leases.free_resources",
        """
        with asked as (
            select * from unnest($1::text[], $2::text[], $3::bigint[]) as asked (type, state, most)
        )
        select resource.name, resource.type, resource.state, resource.token, resource.user_data::text, resource.dies_at
          from asked
         cross join lateral (
               select free.name, free.type, free.state, free.token, free.user_data, free.dies_at
                 from leases.resources as free
                where free.type = asked.type and free.state = asked.state and free.owner is null
                  and not free.is_draining
                order by free.free_since, free.name
                limit asked.most
                      + (select coalesce(sum(waiting.count), 0)
                           from (select place.count
                                   from leases.places as place
                                  where place.type = asked.type and place.state = asked.state
                                  order by place.rank_at, place.request
                                  limit 500) as waiting)
                  for no key update skip locked) as resource
        """)

    /// People looked at in a line because so many resources are free.
    static let mostHeads = 500

    /// Those who stand first in each line and have not lost their place: as many as there are free resources, or `$3`.
    static let heads = Statement(
        "leases.heads",
        """
        with line as (
            select asked.type, asked.state,
                   case when exists (select from leases.places as place
                                      where place.type = asked.type and place.state = asked.state)
                        then greatest($3::bigint, (
                             select count(*)
                               from (select
                                       from leases.resources as free
                                      where free.type = asked.type and free.state = asked.state
                                        and free.owner is null and not free.is_draining
                                      limit \(mostHeads)) as nearby))
                        else 0 end as most
              from unnest($1::text[], $2::text[]) as asked (type, state)
        ), first as (
            select distinct head.request
              from line
             cross join lateral (
                   select place.request
                     from leases.places as place
                     join leases.requests as request on request.id = place.request
                    where place.type = line.type and place.state = line.state
                      and request.keep_until > clock_timestamp()
                    order by place.rank_at, place.request
                    limit line.most) as head
             where line.most > 0
        )
        select request.id, request.key, request.lease_id, request.owner, request.account, request.wish,
               request.rank_at, request.enqueued_at, request.is_pushed, request.lasts, request.run_id, request.job,
               request.reason
          from first
          join leases.requests as request on request.id = first.request
        """)

    /// How many each owner holds, in pools that count it.
    static let counted = Statement(
        "leases.counted",
        """
        select type, counted_owner, count(*)
          from leases.resources
         where type = any($1::text[]) and counted_owner is not null
         group by type, counted_owner
        """)

    /// Gives resources that this transaction has found free to their new owners, under the next token of each.
    static let grant = Statement(
        "leases.grant",
        """
        update leases.resources as resource
           set owner = granted.owner, account = granted.account, state = granted.dest, token = resource.token + 1,
               lease_id = granted.lease_id, counted_owner = case when granted.is_counted then granted.owner end,
               run_id = granted.run_id, job = granted.job, reason = granted.reason, updated_at = $12::timestamptz,
               granted_at = $12::timestamptz,
               lasts = granted.lasts, expires_at = $12::timestamptz + make_interval(secs => granted.lasts), dies_at = null
          from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::double precision[],
                      $8::uuid[], $9::text[], $10::text[], $11::boolean[])
               as granted (name, token, owner, account, dest, lease_id, lasts, run_id, job, reason, is_counted)
         where resource.name = granted.name and resource.owner is null and resource.token = granted.token
        """)

    /// Takes requests out of their lines: those that were granted, and lost places that would stand in the way.
    static let leaveLine = Statement(
        "leases.leave_line",
        """
        delete from leases.requests
         where id = any($1::bigint[]) or key = any($2::text[]) and keep_until <= clock_timestamp()
        """)

    /// Writes down who waits from now on, a place for each line of the wish.
    static let standInLine = Statement(
        "leases.stand_in_line",
        """
        with asked as (
            select *
              from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::integer[], $7::boolean[],
                          $8::double precision[], $9::double precision[], $10::uuid[], $11::text[], $12::text[])
                   with ordinality
                   as asked (key, lease_id, owner, account, wish, priority, is_pushed, patience, lasts, run_id, job,
                             reason, place)
        ), stored as (
            insert into leases.requests
                   (key, lease_id, owner, account, wish, priority, rank_at, enqueued_at, keep_until, is_pushed, patience,
                    lasts, run_id, job, reason)
            select key, lease_id, owner, account, wish, priority,
                   $13::timestamptz - make_interval(secs => priority * $14::double precision), $13::timestamptz,
                   clock_timestamp() + make_interval(secs => patience), is_pushed, patience, lasts, run_id, job, reason
              from asked
             order by place
            on conflict (key) do nothing
            returning id, key, wish, rank_at
        ), placed as (
            insert into leases.places (type, state, rank_at, request, count)
            select line.type, item.wanted ->> 'state', stored.rank_at, stored.id,
                   sum((item.wanted ->> 'count')::integer)
              from stored
             cross join lateral jsonb_array_elements(stored.wish -> 'items') as item (wanted)
             cross join lateral jsonb_array_elements_text(item.wanted -> 'types') as line (type)
             group by line.type, item.wanted ->> 'state', stored.rank_at, stored.id
        )
        select key from stored
        """)

    /// Adds resources of a dynamic type, as many as asked for and its greatest number allows.
    static let createDynamic = Statement(
        "leases.create_dynamic",
        """
        insert into leases.resources (name, type, state)
        select gen_random_uuid()::text, pool.type, pool.initial_state
          from leases.pools as pool
         cross join lateral generate_series(
               1, least($2::bigint, pool.max_count - (select count(*) from leases.resources where type = pool.type)))
         where pool.type = $1 and pool.is_dynamic and not pool.is_retired
        returning name
        """)

    /// Tells the other processes whose wait is over; at most once in a transaction.
    static let notifyGranted = Statement(
        "leases.notify_granted", "select pg_notify('slipway_leases', $1)")
}
