create schema leases;

-- ---------------------------------------------------------------- configuration

-- A row per list of pools that was put into force; the current one has the greatest version.
create table leases.config_versions (
    version      bigint      generated always as identity primary key,
    hash         text        not null check (hash ~ '^[0-9a-f]{64}$'),
    applied_at   timestamptz not null default now(),
    applied_by   text        not null,
    source       text        not null,
    pools        jsonb       not null
);

-- A row per type of resource. Its lock orders everything that is granted or given back of the type: whoever changes who
-- holds a resource holds the pool's row, taken in the order of types before any other row.
create table leases.pools (
    type          text        primary key check (type <> ''),
    -- Grows with every change of the settings, so that readers keep them decoded.
    version       bigint      not null,
    settings      jsonb       not null,
    -- What statements read of the settings.
    is_dynamic    boolean     not null,
    initial_state text        not null check (initial_state <> ''),
    max_count     integer     not null default 0 check (max_count >= 0),
    -- Seconds that a dynamic resource lives after it was given back.
    lifespan      double precision check (lifespan >= 0),
    cost_per_hour double precision not null default 0 check (cost_per_hour >= 0),
    -- No longer configured: nothing is granted of it, and it goes when its last resource has.
    is_retired    boolean     not null default false
);

-- ---------------------------------------------------------------- resources

-- Who holds what. A resource without an owner may be granted; `token` grows with every grant and is shown with every
-- later call, so that whoever held it before is turned away.
create table leases.resources (
    name          text        primary key check (name <> ''),
    type          text        not null references leases.pools (type),
    state         text        not null check (state <> ''),
    owner         text        check (owner <> ''),
    -- Who proved to be whom when it was granted; null for a client that nobody knows.
    account       text,
    token         bigint      not null default 0 check (token >= 0),
    -- Leases taken by the native interface cover one resource or several.
    lease_id      uuid,
    -- The owner where the pool counts what an owner holds.
    counted_owner text,
    run_id        uuid,
    job           text,
    reason        text,
    user_data     jsonb       not null default '{}' check (pg_column_size(user_data) <= 1048576),
    updated_at    timestamptz not null default clock_timestamp(),
    -- The place among the unowned: oldest first.
    free_since    timestamptz not null default clock_timestamp(),
    granted_at    timestamptz,
    -- Seconds from one sign of life to the end of the lease, and the end itself.
    lasts         double precision check (lasts > 0),
    expires_at    timestamptz,
    -- After this a dynamic resource is deleted, once nobody holds it.
    dies_at       timestamptz,
    -- Not configured any more: it goes when nobody holds it.
    is_draining   boolean     not null default false,
    created_at    timestamptz not null default clock_timestamp(),
    check ((owner is null) = (granted_at is null) and (owner is null) = (expires_at is null)),
    check (owner is not null or (lease_id is null and run_id is null and account is null and counted_owner is null)),
    check (owner is null or token > 0)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0);
-- The only index that a grant or a return changes beside the key. `updated_at` and `expires_at` stand in none, so that
-- a heartbeat writes one row and nothing else.
create index resources_free on leases.resources (type, state, free_since, name)
    where owner is null and not is_draining;
create index resources_lease on leases.resources (lease_id) where lease_id is not null;
create index resources_run on leases.resources (run_id) where run_id is not null;
create index resources_parts on leases.resources (owner) where owner like 'part-of/%';
create index resources_counted on leases.resources (type, counted_owner) where counted_owner is not null;

-- Every lease that has ended. The key says that no two leases of a resource ever had one token.
create table leases.history (
    name          text        not null,
    token         bigint      not null,
    type          text        not null,
    owner         text        not null,
    account       text,
    run_id        uuid,
    job           text,
    reason        text,
    granted_at    timestamptz not null,
    ended_at      timestamptz not null,
    -- The state it was given back to.
    state         text        not null,
    ended_by      text        not null check (ended_by in ('release', 'expiry', 'reset', 'run', 'operator')),
    cost          double precision not null default 0,
    primary key (name, token)
);
create index history_ended on leases.history using brin (ended_at) with (pages_per_range = 16);

-- ---------------------------------------------------------------- waiting

-- Who waits. `rank_at` is when it began to wait, moved back by its priority: whoever waits longer than the priority of
-- others is worth goes first, so the order never changes once it is written, and an index keeps it.
create table leases.requests (
    id            bigint      generated always as identity primary key,
    -- Unique among those that wait: the lease id, or a client's request id with its type and state.
    key           text        not null unique,
    lease_id      uuid,
    owner         text        not null check (owner <> ''),
    account       text,
    wish          jsonb       not null,
    priority      integer     not null,
    rank_at       timestamptz not null,
    enqueued_at   timestamptz not null default clock_timestamp(),
    -- The place is lost unless the client comes back before this.
    keep_until    timestamptz not null,
    -- Granted as soon as its turn comes. Otherwise it has to ask again, and what its turn would give is kept for it.
    is_pushed     boolean     not null,
    -- Seconds that the place is kept each time that it is asked for.
    patience      double precision not null check (patience > 0),
    -- Seconds that the lease lasts without renewal; null: the pool's patience.
    lasts         double precision check (lasts > 0),
    run_id        uuid,
    job           text,
    reason        text,
    -- What its run was told last of its place.
    told          text
) with (fillfactor = 80);

-- In which lines a request stands: one for each type that it could take.
create table leases.places (
    type          text        not null,
    state         text        not null,
    rank_at       timestamptz not null,
    request       bigint      not null references leases.requests (id) on delete cascade,
    -- How many resources of the line it may take.
    count         integer     not null check (count > 0),
    primary key (type, state, rank_at, request)
);
create index places_request on leases.places (request);

-- ---------------------------------------------------------------- figures

-- How many resources stood in which state, each minute: the charts of the last day.
create table leases.samples (
    type          text        not null,
    at            timestamptz not null,
    free          integer     not null,
    leased        integer     not null,
    dirty         integer     not null,
    other         integer     not null,
    waiting       integer     not null,
    primary key (type, at)
);

-- Attempts to clean a resource, the last one of each: what failed, and when to try again.
create table leases.cleanings (
    name          text        primary key references leases.resources (name) on delete cascade,
    failures      integer     not null default 0 check (failures >= 0),
    last_error    text,
    began_at      timestamptz,
    next_at       timestamptz not null default clock_timestamp()
);

-- ---------------------------------------------------------------- what other rooms read

create view leases.resources_v1 as
    select name, type, state, owner, token, lease_id, run_id, granted_at, expires_at from leases.resources;

create view leases.costs_v1 as
    select run_id, job, owner, type, granted_at, ended_at, cost from leases.history;
