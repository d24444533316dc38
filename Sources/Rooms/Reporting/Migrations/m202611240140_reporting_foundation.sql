create schema reporting;

-- What the forge should show: a row per status context, comment and label, of which only the newest version counts.
-- A row is due while done_version < version; a reporter holds it until claimed_until.
create table reporting.desired (
    org           text        not null,
    repo          text        not null,
    key           text        not null,
    target        text        not null,
    value         jsonb       not null,
    version       bigint      not null,
    done_version  bigint      not null default -1 check (done_version <= version),
    attempts      integer     not null default 0,
    next_try      timestamptz not null default now(),
    claimed_until timestamptz not null default '-infinity',
    given_up      boolean     not null default false,
    last_error    text,
    changed_at    timestamptz not null default now(),
    primary key (org, repo, key)
-- A row is claimed and completed in place for each change of what it shows.
) with (fillfactor = 70);
create index desired_due on reporting.desired (next_try) where done_version < version and not given_up;

create view reporting.desired_v1 as
    select org, repo, key, target, value, version, done_version, attempts, next_try, given_up, last_error, changed_at
      from reporting.desired;
