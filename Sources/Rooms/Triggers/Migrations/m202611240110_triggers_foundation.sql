create schema triggers;

-- Every webhook delivery that was accepted. The primary key makes a repeated delivery harmless.
create table triggers.deliveries (
    delivery_id  text        primary key check (length(delivery_id) between 1 and 100),
    event        text        not null,
    action       text,
    org          text,
    repo         text,
    sender       text,
    received_at  timestamptz not null default clock_timestamp(),
    -- As text, to the byte: its signature holds for these bytes only. Several kB each, on the way to an answer.
    payload      json        compression lz4 not null,
    headers      jsonb       not null default '{}'
);
create index deliveries_age on triggers.deliveries (received_at);

-- When each periodic job was first seen, the instant it was last fired for, and how often it was tried again since.
create table triggers.periodics (
    job           text        primary key,
    first_seen_at timestamptz not null default now(),
    last_instant  timestamptz,
    -- Tries again since then.
    retries       integer     not null default 0
);

create view triggers.deliveries_v1 as
    select delivery_id, event, action, org, repo, sender, received_at, payload, headers from triggers.deliveries;
