import Postgres

extension LeasesStore {
    static let renewalStatements = [renew]

    /// Signs of life, and what holders note about their resources: values are added, empty ones taken away. Shows who
    /// holds it by the owner's name or the token, as a return does. `$6`: the state it has to be in; `$9`: a new time.
    ///
    /// Answers every call with what was found and whether it counted.
    static let renew = Statement(
        "leases.renew",
        """
        with asked as (
            select *
              from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::boolean[], $6::text[], $7::jsonb[],
                          $8::jsonb[], $9::double precision[])
                   with ordinality
                   as asked (name, owner, token, account, is_operator, state, noted, forgotten, lasts, place)
        ), held as (
            select resource.name, resource.owner, resource.token, resource.account, resource.state, resource.user_data
              from leases.resources as resource
             where resource.name = any($1::text[])
             order by resource.name
               for no key update
        ), living as (
            select distinct on (asked.name) asked.*
              from asked
              join held on held.name = asked.name
             where held.owner is not null and (asked.owner is null or asked.owner = held.owner)
               and (asked.token is null or asked.token = held.token)
               and (asked.is_operator or asked.account is not distinct from held.account)
               and (asked.state is null or asked.state = held.state)
             order by asked.name, asked.noted is null, asked.place
        ), kept as (
            update leases.resources as resource
               set updated_at = clock_timestamp(), lasts = coalesce(living.lasts, resource.lasts),
                   expires_at = clock_timestamp() + make_interval(secs => coalesce(living.lasts, resource.lasts)),
                   user_data = case when living.noted is null then resource.user_data
                               else (resource.user_data || living.noted)
                                    - array(select jsonb_array_elements_text(living.forgotten)) end
              from living
             where resource.name = living.name
            returning resource.name, resource.expires_at
        )
        select held.name is not null, coalesce(held.owner, ''), coalesce(held.state, ''),
               held.owner is not null and (asked.owner is null or asked.owner = held.owner)
               and (asked.token is null or asked.token = held.token)
               and (asked.is_operator or asked.account is not distinct from held.account),
               (asked.noted is null and kept.name is not null) or living.place is not null, kept.expires_at
          from asked
          left join held on held.name = asked.name
          left join living on living.place = asked.place
          left join kept on kept.name = asked.name
         order by asked.place
        """)
}
