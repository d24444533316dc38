import FoundationEssentials
import Postgres
import SlipwayModel

/// All SQL of the fleet.
enum FleetStore {
    static let all: [Statement] = [
        subscribe, unsubscribeOthers, discardUnheard, claimTick, insertOutbox, takeMessages, takeApart,
        publishHeld, overdueConsumers, publishAgain, countFailure, holdBack, buryMessage, insertDeadLetter,
        listDeadLetters,
        showDeadLetter, replayDeadLetter, discardDeadLetter, renewMember, removeMember, trimTicks, trimMembers,
        backlog, countDeadLetters,
    ]

    static let subscribe = Statement(
        "fleet_subscribe",
        """
        insert into fleet.subscriptions (consumer, type)
        select consumer, type from unnest($1::text[], $2::text[]) as heard (consumer, type)
        on conflict do nothing
        """)

    static let unsubscribeOthers = Statement(
        "fleet_unsubscribe_others",
        """
        delete from fleet.subscriptions
         where (consumer, type) not in (
               select consumer, type from unnest($1::text[], $2::text[]) as heard (consumer, type))
        """)

    /// Messages for workers that no version has any more.
    static let discardUnheard = Statement(
        "fleet_discard_unheard", "delete from fleet.outbox where not consumer = any($1::text[])")

    static let claimTick = Statement(
        "fleet_claim_tick",
        "insert into fleet.ticks (name, instant) values ($1, $2) on conflict do nothing")

    /// A row per worker that hears the type. `$5`: the caller publishes at once what is not held back, and the sweeper
    /// looks again after five seconds; without it the sweeper publishes.
    ///
    /// Answers the messages that any worker hears, and those of the types `$6` that any worker hears.
    static let insertOutbox = Statement(
        "fleet_insert_outbox",
        """
        with stored as (
            insert into fleet.outbox (consumer, message_id, type, events, body, due_at, publications)
            select subscription.consumer, message.message_id, message.type, message.events, message.body,
                   case when message.not_before is null and $5::boolean
                        then clock_timestamp() + interval '5 seconds'
                        else coalesce(message.not_before, clock_timestamp()) end,
                   case when message.not_before is null and $5::boolean then 1 else 0 end
              from unnest($1::uuid[], $2::text[], $3::bytea[], $4::timestamptz[], $7::integer[])
                   as message (message_id, type, body, not_before, events)
              join fleet.subscriptions as subscription on subscription.type = message.type
            returning message_id
        )
        select distinct message_id, null::text from stored
        union all
        select distinct null::uuid, type from fleet.subscriptions where type = any($6::text[])
        """)

    /// Takes the messages that nobody has taken effect of; those that another process is about to are left to it.
    static let takeMessages = Statement(
        "fleet_take_messages",
        """
        with mine as (
            select message_id
              from fleet.outbox
             where consumer = $1 and message_id = any($2::uuid[])
             order by message_id
               for update skip locked
        )
        delete from fleet.outbox as message
         using mine
         where message.consumer = $1 and message.message_id = mine.message_id
        returning message.message_id
        """)

    /// Gives each event of a message that failed a row of its own. Nothing where somebody has handled it meanwhile.
    static let takeApart = Statement(
        "fleet_take_apart",
        """
        with whole as (
            delete from fleet.outbox where consumer = $1 and message_id = $2 returning type, created_at
        )
        insert into fleet.outbox (consumer, message_id, type, events, body, created_at, due_at, publications)
        select $1, part.message_id, whole.type, 1, part.body, whole.created_at,
               clock_timestamp() + interval '5 seconds', 1
          from whole
         cross join unnest($3::uuid[], $4::bytea[]) as part (message_id, body)
        """)

    /// What nobody has published yet and whose time has come.
    static let publishHeld = Statement(
        "fleet_publish_held",
        """
        with held as (
            select consumer, message_id
              from fleet.outbox
             where publications = 0 and due_at <= clock_timestamp()
             order by due_at
             limit $1
               for update skip locked
        )
        update fleet.outbox as message
           set publications = 1, due_at = clock_timestamp() + interval '5 seconds'
          from held
         where message.consumer = held.consumer and message.message_id = held.message_id
        returning message.consumer, message.message_id, message.type, message.body
        """)

    /// Workers with messages that were published and not handled in time.
    ///
    /// The index ends at a time that does not change while it is read, so that it is not searched for the first living
    /// row: nearly all that it holds are handled messages that nobody has vacuumed yet.
    static let overdueConsumers = Statement(
        "fleet_overdue_consumers",
        """
        select known.consumer
          from (select distinct consumer from fleet.subscriptions) as known
         cross join lateral (
               select message.due_at
                 from fleet.outbox as message
                where message.consumer = known.consumer and message.publications > 0
                  and message.due_at <= statement_timestamp()
                order by message.due_at
                limit 1) as first
         order by known.consumer
        """)

    /// What a worker has not handled in time, older than an age in seconds; each time the pause doubles, up to five
    /// minutes.
    static let publishAgain = Statement(
        "fleet_publish_again",
        """
        with overdue as (
            select consumer, message_id
              from fleet.outbox
             where consumer = $1 and publications > 0 and due_at <= clock_timestamp()
               and created_at < clock_timestamp() - make_interval(secs => $2)
             order by due_at
             limit $3
               for update skip locked
        )
        update fleet.outbox as message
           set publications = message.publications + 1,
               due_at = clock_timestamp()
                        + least(interval '5 seconds' * 2 ^ least(message.publications, 10), interval '5 minutes')
          from overdue
         where message.consumer = overdue.consumer and message.message_id = overdue.message_id
        returning message.consumer, message.message_id, message.type, message.body
        """)

    /// Counts a failed try: how many there were, and for how many seconds they have gone on. No row where somebody has
    /// handled the message meanwhile.
    static let countFailure = Statement(
        "fleet_count_failure",
        """
        update fleet.outbox
           set failures = failures + 1, failing_since = coalesce(failing_since, now()), last_error = $3
         where consumer = $1 and message_id = $2
        returning failures, extract(epoch from now() - failing_since)::float8
        """)

    /// Lets a message wait for some seconds until its next try.
    static let holdBack = Statement(
        "fleet_hold_back",
        """
        update fleet.outbox
           set publications = 0, due_at = clock_timestamp() + make_interval(secs => $3)
         where consumer = $1 and message_id = $2
        """)

    /// Lays a message among the dead letters.
    static let buryMessage = Statement(
        "fleet_bury_message",
        """
        with dead as (
            delete from fleet.outbox
             where consumer = $1 and message_id = $2
            returning consumer, message_id, type, body, failures, last_error
        )
        insert into fleet.dead_letters (consumer, message_id, type, subject, body, reason, attempts)
        select consumer, message_id, type, $3, body, last_error, failures from dead
        on conflict (consumer, message_id)
        do update set reason = excluded.reason, attempts = excluded.attempts, died_at = now()
        """)

    /// Lays what cannot be read among them, with whatever row it has.
    static let insertDeadLetter = Statement(
        "fleet_insert_dead_letter",
        """
        with known as (
            delete from fleet.outbox where consumer = $1 and message_id = $2
        )
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

    static let replayDeadLetter = Statement(
        "fleet_replay_dead_letter",
        """
        with letter as (
            delete from fleet.dead_letters where id = $1 returning consumer, message_id, type, body
        )
        insert into fleet.outbox (consumer, message_id, type, body, due_at, publications)
        select consumer, message_id, type, body, clock_timestamp(), 0 from letter
        """)

    static let discardDeadLetter = Statement(
        "fleet_discard_dead_letter", "delete from fleet.dead_letters where id = $1")

    static let renewMember = Statement(
        "fleet_renew_member",
        """
        insert into fleet.members (id, role, host, pid, doing) values ($1, $2, $3, $4, $5::jsonb)
        on conflict (id) do update set seen_at = now(), doing = excluded.doing
        """)

    static let removeMember = Statement("fleet_remove_member", "delete from fleet.members where id = $1")

    static let trimTicks = Statement(
        "fleet_trim_ticks", "delete from fleet.ticks where fired_at < now() - interval '3 days'")

    static let trimMembers = Statement(
        "fleet_trim_members", "delete from fleet.members where seen_at < now() - interval '5 minutes'")

    /// Events that wait for each worker, and the age of the oldest in seconds. Held back messages do not count: they wait
    /// for their time.
    static let backlog = Statement(
        "fleet_backlog",
        """
        select known.consumer, coalesce(sum(message.events), 0),
               coalesce(extract(epoch from clock_timestamp() - min(message.created_at)), 0)::float8
          from (select distinct consumer from fleet.subscriptions) as known
          left join fleet.outbox as message
            on message.consumer = known.consumer
           and (message.publications > 0 or message.due_at <= clock_timestamp())
         group by known.consumer
         order by known.consumer
        """)

    static let countDeadLetters = Statement("fleet_count_dead_letters", "select count(*) from fleet.dead_letters")
}
