-- What the forge is asked for what never arrived: a row per source (the App's hook, a repository's, an organisation's,
-- the pull requests of a repository). A source is watched from the moment it has a row.
create table triggers.recovery (
    source        text        primary key,
    -- All that happened before is here.
    checked_until timestamptz not null,
    -- The forge's version of the last answer, where nothing of it was left to do.
    etag          text
);

-- A delivery on its way to an external plugin, by the plugin's address. It is due until it is settled; a sender holds it
-- until claimed_until.
create table triggers.forwards (
    delivery_id   text        not null references triggers.deliveries on delete cascade,
    endpoint      text        not null,
    plugin        text        not null,
    attempts      integer     not null default 0,
    next_try      timestamptz not null default now(),
    claimed_until timestamptz not null default '-infinity',
    settled_at    timestamptz,
    given_up      boolean     not null default false,
    last_error    text,
    primary key (delivery_id, endpoint)
);
create index forwards_due on triggers.forwards (endpoint, next_try) where settled_at is null;

create view triggers.forwards_v1 as
    select delivery_id, endpoint, plugin, attempts, next_try, settled_at, given_up, last_error from triggers.forwards;
