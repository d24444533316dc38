create schema scheduling;

-- ---------------------------------------------------------------- configuration

-- A row per configuration that was put into force; the current one has the greatest version.
create table scheduling.config_versions (
    version      bigint      generated always as identity primary key,
    -- SHA-256 over the digests of its jobs in order: equal configurations have equal hashes.
    hash         text        not null check (hash ~ '^[0-9a-f]{64}$'),
    applied_at   timestamptz not null default now(),
    applied_by   text        not null,
    -- The folder it was read from, for people.
    source       text        not null,
    files        jsonb       not null default '[]',
    jobs         integer     not null,
    -- What it says beside its jobs: capacities of queues and of the whole, who may run jobs again.
    settings     jsonb       not null default '{}',
    -- What jobs in repositories' own files may do and take part in; null where no repository may have any.
    in_repository jsonb
);

-- A row per resolved job, in force from version `since` until, not including, version `until`. A job that did not
-- change between two versions keeps its row, so that one changed file writes as many rows as jobs changed.
create table scheduling.jobs (
    id           bigint      generated always as identity primary key,
    since        bigint      not null references scheduling.config_versions (version),
    until        bigint      references scheduling.config_versions (version),
    name         text        not null,
    kind         text        not null check (kind in ('presubmit', 'postsubmit', 'periodic')),
    org          text,
    repo         text,
    -- SHA-256 of the resolved job: what would be done.
    hash         text        not null check (hash ~ '^[0-9a-f]{64}$'),
    -- SHA-256 of the whole definition: also when it would be done, and where it is written down.
    digest       text        not null check (digest ~ '^[0-9a-f]{64}$'),
    source       text,
    definition   jsonb       not null,
    check (until > since),
    check ((kind = 'periodic') = (repo is null) and (org is null) = (repo is null))
);
create unique index jobs_current on scheduling.jobs (digest) where until is null;
create index jobs_current_name on scheduling.jobs (name) where until is null;
create index jobs_current_repository on scheduling.jobs (org, repo, kind) where until is null;
create index jobs_since on scheduling.jobs (since);
create index jobs_until on scheduling.jobs (until) where until is not null;

-- The jobs that repositories' own files give at the head of each branch, as the last look at it found them. What decides
-- is read anew for each commit; this is for those who ask what there is.
create table scheduling.repository_branches (
    org            text        not null,
    repo           text        not null,
    branch         text        not null,
    commit         text        not null,
    config_version bigint      not null,
    -- SHA-256 over the jobs and problems: says whether they changed.
    hash           text        not null check (hash ~ '^[0-9a-f]{64}$'),
    -- Why the files give no jobs; sentences with file and line.
    problems       text[]      not null default '{}',
    read_at        timestamptz not null default now(),
    primary key (org, repo, branch)
);
create table scheduling.repository_jobs (
    id           bigint      generated always as identity primary key,
    org          text        not null,
    repo         text        not null,
    branch       text        not null,
    name         text        not null,
    kind         text        not null check (kind in ('presubmit', 'postsubmit')),
    hash         text        not null check (hash ~ '^[0-9a-f]{64}$'),
    source       text,
    -- Its branches are this one alone.
    definition   jsonb       not null,
    foreign key (org, repo, branch) references scheduling.repository_branches on delete cascade
);
create index repository_jobs_branch on scheduling.repository_jobs (org, repo, branch);
create index repository_jobs_name on scheduling.repository_jobs (name);

-- What runs do, by its hash: runs refer to it instead of carrying a copy each.
create table scheduling.definitions (
    hash         text        primary key check (hash ~ '^[0-9a-f]{64}$'),
    definition   jsonb       not null
);

-- ---------------------------------------------------------------- pull requests

-- The latest known state of each pull request. `version` is the forge's time of the change in Unix milliseconds; what
-- is older is ignored. Writing the row is also the lock that orders decisions about one pull request.
create table scheduling.pulls (
    org          text        not null,
    repo         text        not null,
    number       integer     not null check (number > 0),
    version      bigint      not null,
    title        text        not null,
    author       text        not null,
    head_ref     text        not null,
    head_sha     text        not null,
    base_ref     text        not null,
    base_sha     text        not null,
    is_open      boolean     not null,
    is_draft     boolean     not null,
    is_merged    boolean     not null,
    mergeable    boolean,
    labels       text[]      not null default '{}',
    link         text,
    -- Tags of the comments that stand there in our name, so that they are taken away only where they are.
    notices      text[]      not null default '{}',
    updated_at   timestamptz not null default now(),
    primary key (org, repo, number)
);
create index pulls_open on scheduling.pulls (updated_at desc) where is_open;

-- ---------------------------------------------------------------- runs

-- Requests by their idempotency key: a repeated request finds its answer here. Never partitioned, so that the key is
-- unique for good. Written in one statement with the run; a foreign key would cost each run two more look-ups.
create table scheduling.requests (
    request_id   uuid        primary key,
    run_id       uuid,
    refusal      text,
    requested_at timestamptz not null default now(),
    check ((run_id is null) <> (refusal is null))
);
-- Rows are only ever added, so their blocks are in the order of their time.
create index requests_age on scheduling.requests using brin (requested_at) with (autosummarize = on);

-- Build ids are 64 bits that grow with time: Unix milliseconds in the upper 44 bits, a sequence's last 20 bits below.
-- So they order as attempts were made on any number of connections, have 19 digits like Prow's, and two are equal only
-- if more than a million were drawn within one millisecond.
create sequence scheduling.build_numbers;
create function scheduling.next_build_id() returns bigint language sql volatile as $$
    select ((extract(epoch from clock_timestamp()) * 1000)::bigint << 20)
           | (nextval('scheduling.build_numbers') & 1048575)
$$;

-- One row per run, holding its current attempt.
create table scheduling.runs (
    run_id         uuid        primary key,
    build_id       bigint      not null default scheduling.next_build_id(),
    request_id     uuid        not null,
    origin         text        not null
                   check (origin in ('trigger', 'command', 'periodic', 'merging', 'rehearsal', 'aggregate', 'rerun')),
    kind           text        not null check (kind in ('presubmit', 'postsubmit', 'periodic', 'batch')),
    job            text        not null,
    job_hash       text        not null,
    -- Where the job is written: file and line of the configuration, or FILE@COMMIT:LINE of the repository's own.
    source         text,
    cluster        text        not null,
    context        text,
    optional       boolean     not null default false,
    skip_report    boolean     not null default false,
    rerun_command  text,
    org            text,
    repo           text,
    base_ref       text,
    base_sha       text,
    pull_numbers   integer[]   not null default '{}',
    -- The head of the only pull request; null for none or several.
    head_sha       text,
    -- The heads of all of them, in order.
    head_shas      text[]      not null default '{}',
    author         text,
    refs           jsonb,
    state          text        not null default 'waiting'
                   check (state in ('waiting', 'dispatched', 'running', 'success', 'failure', 'aborted', 'error')),
    description    text        not null default '',
    -- What it needs before it is dispatched, whether it waits for that, and what it was given.
    leases         jsonb,
    awaits_lease   boolean     not null default false,
    leased         jsonb,
    leased_at      timestamptz,
    priority       integer     not null default 0,
    -- Runs of the job's name that may be active at once; 0 = any number.
    max_concurrency integer    not null default 0 check (max_concurrency >= 0),
    -- Jobs of one queue share a capacity, which the configuration in force says.
    queue          text,
    is_limited     boolean     not null generated always as (max_concurrency > 0 or queue is not null) stored,
    attempt        integer     not null default 1 check (attempt > 0),
    -- Attempts whose agent vanished; attempts that were handed back do not count.
    losses         integer     not null default 0 check (losses >= 0),
    agent          text,
    -- Set once an abort was asked for while an agent executes the run.
    cancel_reason  text,
    cancelled_by   text,
    requested_at   timestamptz not null default now(),
    dispatched_at  timestamptz,
    started_at     timestamptz,
    heartbeat_at   timestamptz,
    finished_at    timestamptz,
    deadline       timestamptz,
    tree           text,
    exit_code      integer,
    phases         jsonb,
    config_version bigint,
    traceparent    text,
    -- Where in the artifact store each attempt has a folder of its own, named by its build id.
    artifact_folder text       not null,
    check ((finished_at is not null) = (state in ('success', 'failure', 'aborted', 'error'))),
    check (state <> 'dispatched' or dispatched_at is not null),
    -- A running attempt has one agent, which the fence compares, and a heartbeat, which the reaper reads.
    check (state <> 'running' or (agent is not null and started_at is not null and heartbeat_at is not null)),
    check (state not in ('waiting', 'dispatched') or agent is null),
    check ((org is null) = (repo is null)),
    check (kind not in ('presubmit', 'batch') or cardinality(pull_numbers) > 0)
) with (fillfactor = 80);

create unique index runs_build on scheduling.runs (build_id);
create index runs_job on scheduling.runs (job, run_id);
-- Lists, newest first, narrowed by what only some runs have: each costs nothing for the runs that are left out of it.
create index runs_repository on scheduling.runs (org, repo, run_id) where org is not null;
create index runs_author on scheduling.runs (author, run_id) where author is not null;
create index runs_other_kind on scheduling.runs (kind, run_id) where kind <> 'presubmit';
create index runs_other_cluster on scheduling.runs (cluster, run_id) where cluster <> 'default';
create index runs_batch on scheduling.runs (org, repo, run_id) where kind = 'batch';
create index runs_unsuccessful on scheduling.runs (state, run_id) where state in ('failure', 'error', 'aborted');
create index runs_unfinished on scheduling.runs (run_id) where state in ('waiting', 'dispatched', 'running');
create index runs_pull on scheduling.runs (org, repo, pull_numbers, requested_at) where pull_numbers <> '{}';
create index runs_pull_unfinished on scheduling.runs (org, repo, pull_numbers)
    where pull_numbers <> '{}' and state in ('waiting', 'dispatched', 'running');
-- The dispatcher's order, apart for jobs with and without a limit of their own: it never reads past what it takes.
create index runs_waiting on scheduling.runs (cluster, priority desc, requested_at, run_id)
    where state = 'waiting' and not is_limited and not awaits_lease;
create index runs_waiting_limited on scheduling.runs (cluster, job, priority desc, requested_at, run_id)
    where state = 'waiting' and is_limited and not awaits_lease;
create index runs_deadline on scheduling.runs (deadline) where state = 'waiting' and deadline is not null;
create index runs_dispatched on scheduling.runs (cluster) where state = 'dispatched';
create index runs_running on scheduling.runs (agent) where state = 'running';
create index runs_active_limited on scheduling.runs (job)
    where state in ('dispatched', 'running') and is_limited;
create index runs_active_queue on scheduling.runs (queue)
    where state in ('dispatched', 'running') and queue is not null;
-- Which tree refs were merged to, and which jobs succeeded on a tree: results are reused by them.
create index runs_tree on scheduling.runs (org, repo, base_sha, head_shas) where tree is not null;
create index runs_reusable on scheduling.runs (job_hash, tree, finished_at) where state = 'success' and tree is not null;

-- Attempts that were given up, because their agent vanished or shut down; the last one is the run itself.
create table scheduling.attempts (
    build_id       bigint      primary key,
    run_id         uuid        not null references scheduling.runs (run_id) on delete cascade,
    attempt        integer     not null,
    agent          text        not null,
    description    text        not null,
    dispatched_at  timestamptz,
    started_at     timestamptz not null,
    ended_at       timestamptz not null default now(),
    unique (run_id, attempt)
);

-- ---------------------------------------------------------------- agents

create table scheduling.agents (
    name         text        primary key,
    cluster      text        not null,
    -- Runs it executes at once.
    capacity     integer     not null check (capacity > 0),
    announced_at timestamptz not null default now(),
    seen_at      timestamptz not null default now()
);
create index agents_cluster on scheduling.agents (cluster);

-- Since when the reaper has looked without a pause. After a pause (the database was away, no worker ran) every
-- heartbeat is old and says nothing, so agents get the full time again.
create table scheduling.reaper (
    only_row     boolean     primary key default true check (only_row),
    watching_since timestamptz not null default now(),
    last_round   timestamptz not null default now()
);
insert into scheduling.reaper default values;

-- ---------------------------------------------------------------- what other rooms read

create view scheduling.runs_v1 as
    select run.run_id, run.build_id, run.request_id, run.origin, run.kind, run.job, run.job_hash, run.cluster,
           run.org, run.repo, run.base_ref, run.base_sha,
           coalesce(run.refs -> 'pulls', '[]'::jsonb) as pulls, run.pull_numbers,
           run.context, run.optional, run.skip_report, run.rerun_command, run.state, run.description, run.priority,
           run.attempt, run.max_concurrency, run.requested_at, run.dispatched_at, run.started_at, run.finished_at,
           run.agent, run.tree, run.exit_code, run.phases, run.config_version, run.refs,
           definition.definition as job_spec,
           run.artifact_folder || '/' || run.build_id as artifact_path,
           run.author, run.head_sha, run.losses, run.cancel_reason, run.cancelled_by, run.deadline,
           run.queue, run.source,
           run.leases, run.awaits_lease, run.leased, run.leased_at
      from scheduling.runs as run
      left join scheduling.definitions as definition on definition.hash = run.job_hash;

create view scheduling.attempts_v1 as
    select attempt.run_id, attempt.build_id, attempt.attempt, attempt.agent, attempt.description,
           attempt.dispatched_at, attempt.started_at, attempt.ended_at
      from scheduling.attempts as attempt;

create view scheduling.pulls_v1 as
    select org, repo, number, title, author, head_ref, head_sha, base_ref, is_open, is_draft, is_merged, mergeable,
           labels, link, updated_at, base_sha
      from scheduling.pulls;

create view scheduling.current_jobs_v1 as
    select (select max(version) from scheduling.config_versions) as version,
           name, kind, org, repo, hash, definition, source
      from scheduling.jobs
     where until is null
    union all
    select (select max(version) from scheduling.config_versions),
           name, kind, org, repo, hash, definition, source
      from scheduling.repository_jobs;

create view scheduling.repository_branches_v1 as
    select org, repo, branch, commit, config_version, problems, read_at from scheduling.repository_branches;

create view scheduling.job_versions_v1 as
    select since, until, name, kind, org, repo, hash, digest, source, definition from scheduling.jobs;

create view scheduling.config_versions_v1 as
    select version, hash, applied_at, applied_by, source, files, jobs, settings from scheduling.config_versions;

create view scheduling.agents_v1 as
    select agent.name, agent.cluster, agent.capacity, agent.announced_at, agent.seen_at,
           (select count(*) from scheduling.runs as run
             where run.state = 'running' and run.agent = agent.name)::integer as running
      from scheduling.agents as agent;
