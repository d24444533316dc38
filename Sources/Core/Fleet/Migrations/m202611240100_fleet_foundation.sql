create schema fleet;

-- Which worker hears which events. Every process states at start what its version knows; 'slipway migrate' takes away
-- what no version knows any more.
create table fleet.subscriptions (
    consumer     text        not null,
    type         text        not null,
    primary key (type, consumer)
);

-- What each worker has still to take effect of: a row per message and worker, stored by the transaction that caused the
-- message, with all of its events of one type, and deleted by the transaction that takes effect of it. So one row is
-- outbox and inbox: a message whose row is gone was handled, and one whose row stays is published again, whatever the
-- broker has lost.
create table fleet.outbox (
    consumer      text        not null,
    message_id    uuid        not null,
    type          text        not null,
    events        integer     not null default 1 check (events > 0),
    -- Tens of kB that live for moments: PostgreSQL's own compression takes four times as long as storing them.
    body          bytea       compression lz4 not null check (octet_length(body) <= 65536),
    created_at    timestamptz not null default clock_timestamp(),
    -- When the sweeper publishes it: for the first time where publications is 0, else again.
    due_at        timestamptz not null,
    publications  integer     not null check (publications >= 0),
    failures      integer     not null default 0 check (failures >= 0),
    failing_since timestamptz,
    last_error    text,
    primary key (consumer, message_id),
    check ((failures = 0) = (failing_since is null))
);
create index outbox_unpublished on fleet.outbox (due_at) where publications = 0;
create index outbox_overdue on fleet.outbox (consumer, due_at) where publications > 0;

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
