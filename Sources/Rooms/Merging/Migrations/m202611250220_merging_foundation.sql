create schema merging;

-- A row per branch that pull requests are merged into. One driver at a time works on it: `claim` fences what it writes.
create table merging.pools (
    org           text        not null,
    repo          text        not null,
    branch        text        not null,
    -- Tells the runs of this row from those of one that was dropped before.
    pool_id       uuid        not null default gen_random_uuid(),
    -- The train as its state machine writes it; null until the branch was found.
    train         jsonb,
    version       bigint      not null default 0,
    claim         uuid,
    claimed_until timestamptz not null default '-infinity',
    -- When somebody has to look at it; a claim sets it to infinity, an event to now.
    due_at        timestamptz not null default now(),
    -- Looks that are owed to events: pull requests, contexts and configuration are read again, not only runs. An event
    -- asks for two, the second after a few seconds, because other rooms may hear of it later than this one.
    owed_looks    smallint    not null default 2 check (owed_looks >= 0),
    looked_at     timestamptz not null default '-infinity',
    -- What the last look found, for pages.
    facts         jsonb       not null default '{}',
    -- A sentence: why nothing goes on here.
    problem       text,
    changed_at    timestamptz not null default now(),
    primary key (org, repo, branch)
-- Claimed and completed in place at each turn.
) with (fillfactor = 50);
create index pools_due on merging.pools (due_at);
create unique index pools_id on merging.pools (pool_id);

-- A row per open pull request of a pool: what it meets and lacks.
create table merging.members (
    org           text        not null,
    repo          text        not null,
    number        integer     not null check (number > 0),
    branch        text        not null,
    head_sha      text        not null,
    title         text        not null,
    author        text        not null,
    head_ref      text        not null,
    link          text,
    is_eligible   boolean     not null,
    -- Since when it meets the rules: its age in the queue.
    eligible_since timestamptz,
    method        text        check (method in ('merge', 'squash', 'rebase')),
    priority      integer     not null default 0,
    obstacles     jsonb       not null default '[]',
    -- The status that is wished at the forge.
    status_state  text        not null,
    status_text   text        not null,
    -- What the forge showed on the head, and what of our runs was known then.
    contexts      jsonb       not null default '{}',
    contexts_sign text        not null default '',
    contexts_at   timestamptz not null default '-infinity',
    -- The head with which it was put out of the train, and a sentence why.
    ejected_head  text,
    ejection      text,
    ejected_at    timestamptz,
    changed_at    timestamptz not null default now(),
    primary key (org, repo, number),
    check ((ejected_head is null) = (ejection is null))
) with (fillfactor = 70);
create index members_pool on merging.members (org, repo, branch);

-- Runs that trains asked for. `run` and `trial` are the train's own numbers.
create table merging.runs (
    request_id    uuid        primary key,
    pool_id       uuid        not null,
    org           text        not null,
    repo          text        not null,
    branch        text        not null,
    trial         bigint      not null,
    run           bigint      not null,
    job           text        not null,
    job_hash      text        not null,
    base_sha      text        not null,
    pull_numbers  integer[]   not null,
    head_shas     text[]      not null,
    -- The tree that is to be tested.
    tree          text        not null,
    is_cancelled  boolean     not null default false,
    -- A sentence, where scheduling did not take the request.
    refusal       text,
    -- How the train heard that it ended: passed, failed, errored.
    verdict       text        check (verdict in ('passed', 'failed', 'errored', 'cancelled')),
    run_id        uuid,
    requested_at  timestamptz not null default now(),
    ended_at      timestamptz,
    check ((verdict is null) = (ended_at is null)),
    unique (pool_id, run)
);
create index runs_open on merging.runs (pool_id) where ended_at is null;
create index runs_trial on merging.runs (pool_id, trial);
create index runs_tree on merging.runs (org, repo, tree) where verdict = 'passed';
create index runs_age on merging.runs (requested_at);

-- What is landed, or about to be: written before the forge is told, so that whoever comes after a crash knows what to
-- look for there. A head lands once.
create table merging.landings (
    org           text        not null,
    repo          text        not null,
    number        integer     not null,
    head_sha      text        not null,
    branch        text        not null,
    trial         bigint      not null,
    method        text        not null check (method in ('merge', 'squash', 'rebase')),
    -- The branch before the whole landing, and the commit and tree that it stands at after this member.
    base_sha      text        not null,
    commit_sha    text        not null,
    tree          text        not null,
    intended_at   timestamptz not null default now(),
    landed_at     timestamptz,
    primary key (org, repo, number, head_sha)
);
create index landings_branch on merging.landings (org, repo, branch, landed_at);

create table merging.history (
    id            bigint      generated always as identity primary key,
    org           text        not null,
    repo          text        not null,
    branch        text        not null,
    at            timestamptz not null default now(),
    action        text        not null,
    base_sha      text        not null default '',
    -- Prow's pulls: number, author, sha, title.
    targets       jsonb       not null default '[]',
    -- A sentence for people.
    reason        text        not null,
    error         text        not null default ''
);
create index history_pool on merging.history (org, repo, branch, id desc);
create index history_age on merging.history (at);

create view merging.pools_v1 as
    select org, repo, branch from merging.pools;

create view merging.members_v1 as
    select org, repo, number, branch, head_sha, is_eligible, eligible_since, method, obstacles, status_state,
           status_text, ejected_head, ejection, ejected_at
      from merging.members;

create view merging.landings_v1 as
    select org, repo, number, head_sha, branch, method, base_sha, commit_sha, tree, landed_at
      from merging.landings
     where landed_at is not null;
