import Postgres

extension LeasesStore {
    static let configurationStatements = [
        lockConfiguration, currentConfiguration, insertVersion, configurationVersions, lockAllPools, putPools,
        retirePools, addResources, drainResources, dropDrained, dropPools, withdrawFromRetired,
    ]

    static let lockConfiguration = Statement(
        "leases.lock_configuration", "select pg_advisory_xact_lock(hashtextextended('leases.configuration', 0))")

    static let currentConfiguration = Statement(
        "leases.current_configuration",
        "select version, hash from leases.config_versions order by version desc limit 1")

    static let insertVersion = Statement(
        "leases.insert_version",
        """
        insert into leases.config_versions (hash, applied_by, source, pools) values ($1, $2, $3, $4)
        returning version
        """)

    static let configurationVersions = Statement(
        "leases.configuration_versions",
        """
        select version, hash, applied_at, applied_by, source, jsonb_array_length(pools)
          from leases.config_versions
         order by version desc
         limit $1
        """)

    static let lockAllPools = Statement(
        "leases.lock_all_pools", "select type from leases.pools order by type for no key update")

    static let putPools = Statement(
        "leases.put_pools",
        """
        insert into leases.pools
               (type, version, settings, is_dynamic, initial_state, max_count, lifespan, cost_per_hour)
        select type, $1, settings, is_dynamic, initial_state, max_count, lifespan, cost_per_hour
          from unnest($2::text[], $3::jsonb[], $4::boolean[], $5::text[], $6::integer[], $7::double precision[],
                      $8::double precision[])
               as pool (type, settings, is_dynamic, initial_state, max_count, lifespan, cost_per_hour)
        on conflict (type) do update
           set version = excluded.version, settings = excluded.settings, is_dynamic = excluded.is_dynamic,
               initial_state = excluded.initial_state, max_count = excluded.max_count, lifespan = excluded.lifespan,
               cost_per_hour = excluded.cost_per_hour, is_retired = false
        """)

    static let retirePools = Statement(
        "leases.retire_pools",
        "update leases.pools set is_retired = true where not is_retired and type <> all($1::text[])")

    /// Brings static resources into being, and those back that were about to go. A name that has moved to another type
    /// follows once nobody holds it.
    static let addResources = Statement(
        "leases.add_resources",
        """
        insert into leases.resources (name, type, state)
        select name, type, state from unnest($1::text[], $2::text[], $3::text[]) as resource (name, type, state)
         order by name
        on conflict (name) do update
           set is_draining = false, type = excluded.type, state = case when resources.type = excluded.type
                                                                       then resources.state else excluded.state end
         where (resources.is_draining or resources.type <> excluded.type)
           and (resources.owner is null or resources.type = excluded.type)
        """)

    /// What is not configured any more goes as soon as nobody holds it. `$1` are the static names, `$2` the dynamic
    /// types.
    static let drainResources = Statement(
        "leases.drain_resources",
        """
        with gone as (
            select resource.name
              from leases.resources as resource
             where not resource.is_draining and resource.type <> all($2::text[])
               and not exists (select from unnest($1::text[], $3::text[]) as kept (name, type)
                                where kept.name = resource.name and kept.type = resource.type)
             order by resource.name
               for no key update
        )
        update leases.resources as resource
           set is_draining = true
          from gone
         where resource.name = gone.name
        returning resource.name
        """)

    static let dropDrained = Statement(
        "leases.drop_drained",
        """
        with gone as (
            select resource.name
              from leases.resources as resource
              join leases.pools as pool on pool.type = resource.type
             where resource.is_draining and resource.owner is null and resource.type = any($1::text[])
               and not pool.is_dynamic
             order by resource.name
               for update of resource
        )
        delete from leases.resources as resource using gone where resource.name = gone.name
        returning resource.name
        """)

    static let dropPools = Statement(
        "leases.drop_pools",
        """
        delete from leases.pools as pool
         where pool.is_retired and not exists (select from leases.resources where type = pool.type)
        """)

    /// Nobody waits for what will never come.
    static let withdrawFromRetired = Statement(
        "leases.withdraw_from_retired",
        """
        delete from leases.requests
         where id in (select place.request
                        from leases.places as place
                        left join leases.pools as pool on pool.type = place.type
                       where coalesce(pool.is_retired, true))
        returning run_id, lease_id
        """)
}
