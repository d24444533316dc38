import FoundationEssentials
import Postgres
import SlipwayModel

/// All SQL of the fleet.
enum FleetStore {
    static let all: [Statement] = [
        claimTick, insertOutbox, deleteOutbox, postponeOutbox, dueOutbox, recordHandled, countFailure, forgetFailures,
        insertDeadLetter, listDeadLetters, showDeadLetter, deleteDeadLetter, renewMember, removeMember,
        trimInbox, trimTicks, trimMembers, trimRetries, outboxAge, countDeadLetters,
    ]

    static let claimTick = Statement(
        "fleet_claim_tick",
        "insert into fleet.ticks (name, instant) values ($1, $2) on conflict do nothing")

    /// The direct publisher has five seconds before the sweeper takes a row over.
    static let insertOutbox = Statement(
        "fleet_insert_outbox",
        """
        insert into fleet.outbox (message_id, exchange, routing_key, type, body, mandatory, due_at)
        select message_id, exchange, routing_key, type, body, mandatory,
               coalesce(not_before, clock_timestamp() + interval '5 seconds')
          from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::boolean[], $7::timestamptz[])
               with ordinality as row (message_id, exchange, routing_key, type, body, mandatory, not_before, position)
         order by position
        returning id
        """)

    static let deleteOutbox = Statement("fleet_delete_outbox", "delete from fleet.outbox where id = any($1::bigint[])")

    static let postponeOutbox = Statement(
        "fleet_postpone_outbox",
        "update fleet.outbox set due_at = clock_timestamp() + interval '10 seconds' where id = any($1::bigint[])")

    static let dueOutbox = Statement(
        "fleet_due_outbox",
        """
        select id, message_id, exchange, routing_key, type, body, mandatory
          from fleet.outbox
         where due_at <= clock_timestamp()
         order by due_at
         limit $1
        """)

    static let recordHandled = Statement(
        "fleet_record_handled",
        """
        insert into fleet.inbox (consumer, message_id)
        select $1, message_id from unnest($2::uuid[]) as message_id
        on conflict do nothing
        returning message_id
        """)

    static let countFailure = Statement(
        "fleet_count_failure",
        """
        insert into fleet.retries (consumer, message_id, attempts, last_error) values ($1, $2, 1, $3)
        on conflict (consumer, message_id)
        do update set attempts = fleet.retries.attempts + 1, last_error = excluded.last_error
        returning attempts, extract(epoch from now() - first_at)::float8
        """)

    static let forgetFailures = Statement(
        "fleet_forget_failures",
        "delete from fleet.retries where consumer = $1 and message_id = any($2::uuid[])")

    static let insertDeadLetter = Statement(
        "fleet_insert_dead_letter",
        """
        insert into fleet.dead_letters (consumer, message_id, type, subject, body, reason, attempts)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (consumer, message_id)
        do update set reason = excluded.reason, attempts = excluded.attempts, died_at = now()
        """)

    static let listDeadLetters = Statement(
        "fleet_list_dead_letters",
        """
        select id, consumer, message_id, type, subject, reason, attempts, died_at
          from fleet.dead_letters
         order by id desc
         limit $1
        """)

    static let showDeadLetter = Statement(
        "fleet_show_dead_letter",
        """
        select id, consumer, message_id, type, subject, reason, attempts, died_at, body
          from fleet.dead_letters
         where id = $1
        """)

    static let deleteDeadLetter = Statement(
        "fleet_delete_dead_letter",
        "delete from fleet.dead_letters where id = $1 returning consumer, message_id, type, body")

    static let renewMember = Statement(
        "fleet_renew_member",
        """
        insert into fleet.members (id, role, host, pid, doing) values ($1, $2, $3, $4, $5::jsonb)
        on conflict (id) do update set seen_at = now(), doing = excluded.doing
        """)

    static let removeMember = Statement("fleet_remove_member", "delete from fleet.members where id = $1")

    static let trimInbox = Statement(
        "fleet_trim_inbox",
        """
        delete from fleet.inbox
         where ctid = any(array(
               select ctid from fleet.inbox where handled_at < now() - interval '3 days' limit 10000))
        """)

    static let trimTicks = Statement(
        "fleet_trim_ticks", "delete from fleet.ticks where fired_at < now() - interval '3 days'")

    static let trimMembers = Statement(
        "fleet_trim_members", "delete from fleet.members where seen_at < now() - interval '5 minutes'")

    static let trimRetries = Statement(
        "fleet_trim_retries", "delete from fleet.retries where first_at < now() - interval '3 days'")

    static let outboxAge = Statement(
        "fleet_outbox_age",
        """
        select count(*), coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)::float8
          from fleet.outbox
         where due_at <= clock_timestamp()
        """)

    static let countDeadLetters = Statement("fleet_count_dead_letters", "select count(*) from fleet.dead_letters")
}
