import Postgres

/// The SQL of recovering what was missed.
enum RecoveryStore {
    static let all: [Statement] = [
        repositories, sources, watch, advance, forget, storedDeliveries, knownPulls, hasDelivery,
    ]

    /// Every repository that jobs are configured for, and whether any of them are of pull requests.
    static let repositories = Statement(
        "triggers_recovery_repositories",
        """
        select org, repo, bool_or(kind = 'presubmit'), now()
          from scheduling.current_jobs_v1
         where org is not null and repo is not null
         group by org, repo
         order by org, repo
        """)

    static let sources = Statement(
        "triggers_recovery_sources",
        "select source, checked_until, etag from triggers.recovery where source = any($1::text[])")

    static let watch = Statement(
        "triggers_recovery_watch",
        """
        insert into triggers.recovery (source, checked_until) select source, now() from unnest($1::text[]) as source
        on conflict (source) do nothing
        """)

    static let advance = Statement(
        "triggers_recovery_advance",
        "update triggers.recovery set checked_until = greatest(checked_until, $2), etag = $3 where source = $1")

    /// What is not watched any more begins anew when it is again.
    static let forget = Statement(
        "triggers_recovery_forget",
        "delete from triggers.recovery where source ^@ $1 and not source = any($2::text[])")

    static let storedDeliveries = Statement(
        "triggers_recovery_stored_deliveries",
        "select delivery_id from triggers.deliveries where delivery_id = any($1::text[])")

    static let knownPulls = Statement(
        "triggers_recovery_known_pulls",
        """
        select number, head_sha, base_ref, is_open, is_draft, labels
          from scheduling.pulls_v1
         where org = $1 and repo = $2 and number = any($3::integer[])
        """)

    /// Whether a delivery of the last day told this already, and waits to be acted on.
    static let hasDelivery = Statement(
        "triggers_recovery_has_delivery",
        """
        select exists (
               select from triggers.deliveries
                where received_at > now() - interval '1 day' and event = 'pull_request' and action = $4
                  and org = $1 and repo = $2 and (payload ->> 'number')::integer = $3
                  and payload #>> '{pull_request,head,sha}' = $5)
        """)
}
