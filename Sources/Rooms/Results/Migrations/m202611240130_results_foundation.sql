create schema results;

-- The names of tests, once each. The id is the first eight bytes of the SHA-256 of suite, NUL, name: whoever reads a
-- report knows it without asking, and runs hold eight bytes a test instead of its name.
create table results.tests (
    test_id      bigint      primary key,
    suite        text        not null,
    name         text        not null
);

-- One compact row per attempt whose reports were read. Build ids hold their time (Unix milliseconds in the upper 44 of
-- 64 bits), so a partition holds a day, and retention drops partitions.
create table results.runs (
    build_id     bigint      not null primary key,
    run_id       uuid        not null,
    passed       integer     not null,
    failed       integer     not null,
    flaky        integer     not null,
    skipped      integer     not null,
    -- Seconds, all tests together.
    duration_s   float8      not null,
    files        integer     not null,
    -- Sentences on reports that could not be read whole.
    problems     text[]      not null default '{}',
    test_ids     bigint[]    not null default '{}',
    -- Per test: 0 passed, 1 failed, 2 flaky, 3 skipped.
    outcomes     smallint[]  not null default '{}',
    -- Per test: seconds.
    durations    real[]      not null default '{}',
    ingested_at  timestamptz not null default now(),
    check (cardinality(outcomes) = cardinality(test_ids) and cardinality(durations) = cardinality(test_ids))
) partition by range (build_id);

-- A row per test that failed or flaked.
create table results.failures (
    build_id     bigint      not null,
    position     integer     not null,
    run_id       uuid        not null,
    test_id      bigint      not null,
    suite        text        not null,
    name         text        not null,
    kind         text        not null check (kind in ('failed', 'flaky')),
    message      text        not null,
    output       text        not null,
    duration_s   float8      not null,
    primary key (build_id, position)
) partition by range (build_id);
create index failures_test on results.failures (test_id, build_id);

create table results.runs_default partition of results.runs default;
create table results.failures_default partition of results.failures default;

-- What ended in each ten minutes, so that trends cost the same however many runs are stored.
create table results.pace (
    begins_at    timestamptz not null primary key,
    passed       integer     not null,
    -- Failures and errors.
    failed       integer     not null,
    aborted      integer     not null,
    -- Claimed runs by how long they had waited, in classes from short to long.
    waits        integer[]   not null check (cardinality(waits) = 16)
) with (fillfactor = 50);

-- Makes the partitions of `days` days from `first` on. A day whose rows are in the default partition already (nobody had
-- made its own in time) keeps them there.
create function results.make_partitions(first date, days integer) returns integer language plpgsql as $$
declare
    day    date;
    low    bigint;
    high   bigint;
    made   integer := 0;
    parent text;
    child  text;
    held   boolean;
begin
    perform pg_advisory_xact_lock(hashtextextended('results.make_partitions', 0));
    for day in select first + offset_days from generate_series(0, days - 1) as offset_days loop
        low := (extract(epoch from day::timestamp) * 1000)::bigint << 20;
        high := (extract(epoch from (day + 1)::timestamp) * 1000)::bigint << 20;
        foreach parent in array array['runs', 'failures'] loop
            child := parent || '_' || to_char(day, 'YYYYMMDD');
            continue when to_regclass('results.' || child) is not null;
            execute format(
                'select exists (select from results.%I where build_id >= $1 and build_id < $2)', parent || '_default')
                into held using low, high;
            continue when held;
            execute format(
                'create table results.%I partition of results.%I for values from (%s) to (%s)', child, parent, low, high);
            made := made + 1;
        end loop;
    end loop;
    return made;
end
$$;
select results.make_partitions((now() at time zone 'UTC')::date, 4);

create view results.runs_v1 as
    select run_id, build_id, passed, failed, flaky, skipped, duration_s, ingested_at, files, problems
      from results.runs;

create view results.failures_v1 as
    select run_id, build_id, suite, name, kind, message, output, duration_s, test_id
      from results.failures;
