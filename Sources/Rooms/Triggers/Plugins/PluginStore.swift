import Postgres

/// The SQL of forwarding deliveries to external plugins.
enum PluginStore {
    static let all: [Statement] = [insert, dueEndpoints, claim, settle, postpone]

    /// A delivery that was trimmed meanwhile is forwarded to nobody.
    static let insert = Statement(
        "triggers_forward_insert",
        """
        insert into triggers.forwards (delivery_id, endpoint, plugin)
        select forward.delivery_id, forward.endpoint, min(forward.plugin)
          from unnest($1::text[], $2::text[], $3::text[]) as forward (delivery_id, endpoint, plugin)
          join triggers.deliveries using (delivery_id)
         group by forward.delivery_id, forward.endpoint
        on conflict (delivery_id, endpoint) do nothing
        """)

    static let dueEndpoints = Statement(
        "triggers_forward_due_endpoints",
        """
        select distinct endpoint
          from triggers.forwards
         where settled_at is null and next_try <= now() and claimed_until <= now()
        """)

    /// Takes due deliveries of one plugin for a minute. What nobody settles within it is due again.
    static let claim = Statement(
        "triggers_forward_claim",
        """
        with due as (
            select delivery_id, endpoint
              from triggers.forwards
             where endpoint = $1 and settled_at is null and next_try <= now() and claimed_until <= now()
             order by next_try
             limit $2
               for update skip locked)
        update triggers.forwards as forward
           set claimed_until = now() + interval '60 seconds', attempts = forward.attempts + 1
          from due, triggers.deliveries as delivery
         where forward.delivery_id = due.delivery_id and forward.endpoint = due.endpoint
           and delivery.delivery_id = due.delivery_id
        returning forward.delivery_id, forward.plugin, forward.attempts,
                  extract(epoch from now() - delivery.received_at)::float8, delivery.event, delivery.headers,
                  delivery.payload::text
        """)

    static let settle = Statement(
        "triggers_forward_settle",
        """
        update triggers.forwards set settled_at = now(), given_up = $4::text is not null, last_error = $4
         where delivery_id = $1 and endpoint = $2 and attempts = $3 and settled_at is null
        """)

    static let postpone = Statement(
        "triggers_forward_postpone",
        """
        update triggers.forwards
           set claimed_until = '-infinity', next_try = now() + make_interval(secs => $4), last_error = $5
         where delivery_id = $1 and endpoint = $2 and attempts = $3 and settled_at is null
        """)
}
