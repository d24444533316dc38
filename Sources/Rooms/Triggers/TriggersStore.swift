import FoundationEssentials
import JobConfig
import Postgres
import SlipwayModel

/// All SQL of the room.
enum TriggersStore {
    static let all: [Statement] = [
        insertDeliveries, movedBases, trimDeliveries, currentVersion, periodicJobs, seePeriodics, periodicStates,
        recordInstant, countRetry,
    ]

    static let insertDeliveries = Statement(
        "triggers_insert_deliveries",
        """
        insert into triggers.deliveries (delivery_id, event, action, org, repo, sender, payload, headers)
        select delivery_id, event, action, org, repo, sender, payload::json, headers
          from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[])
               as delivery (delivery_id, event, action, org, repo, sender, payload, headers)
        on conflict (delivery_id) do nothing
        returning delivery_id
        """)

    /// Those of some pushes that moved a branch against which pull requests are open, or which has a merge pool.
    static let movedBases = Statement(
        "triggers_moved_bases",
        """
        select push.org, push.repo, push.ref, push.sha, push.delivery_id
          from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
               as push (org, repo, ref, sha, delivery_id)
         where exists (
               select from pull_requests.pulls_v1 as pull
                where pull.org = push.org and pull.repo = push.repo and pull.base_ref = push.ref and pull.is_open)
            or exists (
               select from merging.pools_v1 as pool
                where pool.org = push.org and pool.repo = push.repo and pool.branch = push.ref)
        """)

    static let trimDeliveries = Statement(
        "triggers_trim_deliveries",
        """
        delete from triggers.deliveries
         where ctid = any(array(
               select ctid from triggers.deliveries where received_at < now() - interval '14 days' limit 5000))
        """)

    static let currentVersion = Statement(
        "triggers_current_version",
        "select coalesce(max(version), 0) from scheduling.current_jobs_v1 where kind = 'periodic'")

    static let periodicJobs = Statement(
        "triggers_periodic_jobs",
        "select definition from scheduling.current_jobs_v1 where kind = 'periodic' order by name")

    static let seePeriodics = Statement(
        "triggers_see_periodics",
        """
        insert into triggers.periodics (job) select job from unnest($1::text[]) as job
        on conflict (job) do nothing
        """)

    static let periodicStates = Statement(
        "triggers_periodic_states",
        """
        select periodic.job, periodic.first_seen_at, periodic.last_instant, run.requested_at, run.finished_at,
               run.state, periodic.retries, now()
          from triggers.periodics as periodic
          left join lateral (
               select requested_at, finished_at, state
                 from scheduling.runs_v1
                where job = periodic.job and kind = 'periodic'
                order by run_id desc
                limit 1) as run on true
         where periodic.job = any($1::text[])
        """)

    static let recordInstant = Statement(
        "triggers_record_instant",
        """
        update triggers.periodics set last_instant = $2, retries = 0
         where job = $1 and (last_instant is null or last_instant < $2)
        """)

    static let countRetry = Statement(
        "triggers_count_retry", "update triggers.periodics set retries = retries + 1 where job = $1")
}

/// A delivery as it is stored.
struct StoredDelivery: Sendable {
    var id: String
    var event: String
    var action: String?
    var repository: RepositoryName?
    var sender: String?
    /// JSON text.
    var payload: String
    /// Those of the forge that external plugins get too, by lower-case name.
    var headers: [String: String]
    var meaning: DeliveryNormaliser.Meaning
}
