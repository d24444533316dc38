import Postgres

extension LeasesStore {
    static let cleaningStatements = [
        dirtyResources, takeDirty, noteFailure, noteCleaned, toBeDeleted, bury, unbuilt, noteParts, keepParts,
        failingCleanings,
    ]

    /// Dirty resources whose time has come, of pools with a janitor: first each pool's first, then each one's second, as
    /// many of each as it has workers for, less those at work.
    static let dirtyResources = Statement(
        "leases.dirty_resources",
        """
        select due.name, due.type, due.failures, due.settings
          from (select resource.name, resource.type, coalesce(cleaning.failures, 0) as failures, pool.settings,
                       row_number() over (partition by resource.type
                                          order by resource.free_since, resource.name) as place,
                       (pool.settings -> 'janitor' ->> 'workers')::integer
                       - (select count(*) from leases.resources as busy
                           where busy.type = resource.type and busy.owner is not null
                             and busy.state = 'cleaning') as room
                  from leases.resources as resource
                  join leases.pools as pool on pool.type = resource.type
                  left join leases.cleanings as cleaning on cleaning.name = resource.name
                 where resource.owner is null and resource.state = 'dirty' and not resource.is_draining
                   and pool.settings ? 'janitor'
                   and coalesce(cleaning.next_at, clock_timestamp()) <= clock_timestamp()) as due
         where due.place <= due.room
         order by due.place, due.type
         limit $1
        """)

    /// One dirty resource by its name.
    static let takeDirty = Statement(
        "leases.take_dirty",
        """
        with dirty as (
            select name
              from leases.resources
             where name = $1 and owner is null and state = 'dirty' and not is_draining
               for no key update skip locked
        ), noted as (
            insert into leases.cleanings (name, began_at) select name, clock_timestamp() from dirty
            on conflict (name) do update set began_at = excluded.began_at
        )
        update leases.resources as resource
           set owner = $2, state = 'cleaning', token = resource.token + 1, updated_at = clock_timestamp(),
               granted_at = clock_timestamp(), lasts = $3,
               expires_at = clock_timestamp() + make_interval(secs => $3::double precision)
          from dirty
         where resource.name = dirty.name
        returning resource.token
        """)

    static let noteFailure = Statement(
        "leases.note_failure",
        """
        insert into leases.cleanings (name, failures, last_error, next_at)
        values ($1, 1, $2, clock_timestamp() + make_interval(secs => $3))
        on conflict (name) do update
           set failures = cleanings.failures + 1, last_error = excluded.last_error, next_at = excluded.next_at
        """)

    static let noteCleaned = Statement("leases.note_cleaned", "delete from leases.cleanings where name = $1")

    static let failingCleanings = Statement(
        "leases.failing_cleanings",
        """
        select resource.type, count(*), max(cleaning.failures)
          from leases.cleanings as cleaning
          join leases.resources as resource on resource.name = cleaning.name
         where cleaning.failures > 0
         group by resource.type
        """)

    /// Dynamic resources on their way out that nobody holds, with what they are made of.
    static let toBeDeleted = Statement(
        "leases.to_be_deleted",
        """
        select resource.name, resource.user_data ->> 'leasedResources'
          from leases.resources as resource
          join leases.pools as pool on pool.type = resource.type
         where resource.owner is null and resource.state = 'toBeDeleted' and pool.is_dynamic
         order by resource.name
         limit 100
        """)

    static let bury = Statement(
        "leases.bury",
        """
        update leases.resources
           set state = 'tombstone', updated_at = clock_timestamp(), user_data = user_data - 'leasedResources'
         where name = $1 and owner is null and state = 'toBeDeleted'
        """)

    /// Dirty dynamic resources that need others and have noted none yet; with those that they hold already.
    static let unbuilt = Statement(
        "leases.unbuilt",
        """
        select resource.name, pool.settings -> 'needs',
               array(select part.name from leases.resources as part
                      where part.owner = 'part-of/' || resource.name and part.owner like 'part-of/%'
                      order by part.name)
          from leases.resources as resource
          join leases.pools as pool on pool.type = resource.type
         where resource.owner is null and resource.state = 'dirty' and pool.is_dynamic and not pool.is_retired
           and not resource.is_draining and pool.settings -> 'needs' <> '{}'
           and not resource.user_data ? 'leasedResources'
         order by resource.free_since, resource.name
         limit 20
        """)

    static let noteParts = Statement(
        "leases.note_parts",
        """
        update leases.resources
           set user_data = user_data || jsonb_build_object('leasedResources', $2::text), state = 'free',
               updated_at = clock_timestamp(), free_since = clock_timestamp()
         where name = $1 and owner is null and state = 'dirty' and not user_data ? 'leasedResources'
        returning type, state
        """)

    static let keepParts = Statement(
        "leases.keep_parts",
        """
        with parts as (
            select name
              from leases.resources
             where owner like 'part-of/%' and expires_at < clock_timestamp() + make_interval(secs => lasts / 2)
               and exists (select from leases.resources as whole
                            where whole.name = substr(resources.owner, length('part-of/') + 1))
             order by name
               for no key update
        )
        update leases.resources as resource
           set updated_at = clock_timestamp(), expires_at = clock_timestamp() + make_interval(secs => resource.lasts)
          from parts
         where resource.name = parts.name
        """)
}
