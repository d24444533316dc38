create schema fleet;

-- Messages that committed with the state change they speak of, until the broker has confirmed them. The process that
-- committed a row publishes it from memory; the sweeper publishes what is left when due_at has come.
create table fleet.outbox (
    id           bigint generated always as identity primary key,
    message_id   uuid        not null,
    exchange     text        not null,
    routing_key  text        not null,
    type         text        not null,
    body         bytea       not null check (octet_length(body) <= 65536),
    mandatory    boolean     not null,
    created_at   timestamptz not null default clock_timestamp(),
    due_at       timestamptz not null
);
create index outbox_due on fleet.outbox (due_at);

-- What each consumer has already taken effect of. Kept for longer than any message can be on its way.
create table fleet.inbox (
    consumer     text        not null,
    message_id   uuid        not null,
    handled_at   timestamptz not null default now(),
    primary key (consumer, message_id)
);
create index inbox_age on fleet.inbox (handled_at);

-- How often a message has failed at a consumer; removed when it succeeds or dies.
create table fleet.retries (
    consumer     text        not null,
    message_id   uuid        not null,
    attempts     integer     not null check (attempts > 0),
    first_at     timestamptz not null default now(),
    last_error   text        not null,
    primary key (consumer, message_id)
);

create table fleet.dead_letters (
    id           bigint generated always as identity primary key,
    consumer     text        not null,
    message_id   uuid        not null,
    type         text        not null,
    subject      text        not null,
    body         bytea       not null,
    reason       text        not null,
    attempts     integer     not null,
    died_at      timestamptz not null default now(),
    unique (consumer, message_id)
);

-- One firing per instant, however many processes notice that it has come.
create table fleet.ticks (
    name         text        not null,
    instant      timestamptz not null,
    fired_at     timestamptz not null default now(),
    primary key (name, instant)
);
create index ticks_age on fleet.ticks (fired_at);

-- The processes of the fleet, each renewing its own row.
create table fleet.members (
    id           uuid        primary key,
    role         text        not null,
    host         text        not null,
    pid          integer     not null,
    started_at   timestamptz not null default now(),
    seen_at      timestamptz not null default now(),
    doing        jsonb       not null default '{}'
);

create view fleet.members_v1 as
    select id, role, host, pid, started_at, seen_at, doing from fleet.members;

create view fleet.dead_letters_v1 as
    select id, consumer, message_id, type, subject, reason, attempts, died_at from fleet.dead_letters;
