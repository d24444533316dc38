create schema pull_requests;

-- The latest known state of each pull request. `version` is the forge's time of the change in Unix milliseconds; what
-- is older is ignored. Whoever decides about a pull request holds its row.
create table pull_requests.pulls (
    org           text        not null,
    repo          text        not null,
    number        integer     not null check (number > 0),
    version       bigint      not null,
    title         text        not null,
    body          text        not null default '',
    author        text        not null,
    head_ref      text        not null,
    head_sha      text        not null,
    -- When it was pushed, by the forge's clock; null for the first one seen.
    head_since    timestamptz,
    -- The fork it comes from; null where that is gone.
    head_repository text,
    base_ref      text        not null,
    base_sha      text        not null,
    is_open       boolean     not null,
    is_draft      boolean     not null,
    is_merged     boolean     not null,
    mergeable     boolean,
    -- As the forge shows them, what we asked for and it has not told yet laid over.
    labels        text[]      not null default '{}',
    milestone     text,
    assignees     text[]      not null default '{}',
    requested_reviewers text[] not null default '{}',
    review_decision text      check (review_decision in ('approved', 'changes_requested')),
    link          text,
    opened_at     timestamptz,
    updated_at    timestamptz not null default now(),
    -- Grows with every wish to the forge about this pull request, so that the last decision is the last one written.
    wishes        bigint      not null default 0,
    -- When mergeability is to be asked for again; null where nothing moved.
    mergeability_due timestamptz,
    primary key (org, repo, number)
);
create index pulls_open on pull_requests.pulls (org, repo, base_ref) where is_open;
create index pulls_head on pull_requests.pulls (org, repo, head_sha) where is_open;
create index pulls_mergeability on pull_requests.pulls (mergeability_due) where mergeability_due is not null;

-- Names that repositories had: what is under way under one is about the repository as it is called now.
create table pull_requests.former_names (
    org           text        not null,
    repo          text        not null,
    current_org   text        not null,
    current_repo  text        not null,
    primary key (org, repo)
);
create index former_names_current on pull_requests.former_names (current_org, current_repo);

-- What was last decided about a label of a pull request, by whom and when it was said: a comment that arrives late undoes
-- nothing that was said after it.
create table pull_requests.label_decisions (
    org           text        not null,
    repo          text        not null,
    number        integer     not null,
    -- In lower case: forges compare labels so.
    name          text        not null,
    present       boolean     not null,
    -- When it was said, by the forge's clock, and the comment's id, which orders what was said within one second.
    said_at       timestamptz not null,
    said_in       bigint      not null,
    decided_at    timestamptz not null default clock_timestamp(),
    -- The forge has not shown it yet.
    is_pending    boolean     not null default true,
    primary key (org, repo, number, name),
    foreign key (org, repo, number) references pull_requests.pulls on update cascade on delete cascade
);

-- What was written on pull requests, a row per comment, review, comment on a line and opening body. The key makes a comment that arrives again
-- harmless, under whatever delivery it comes.
create table pull_requests.comments (
    org           text        not null,
    repo          text        not null,
    number        integer     not null,
    kind          text        not null check (kind in ('comment', 'review', 'review_comment', 'body')),
    -- 0 for the opening body.
    comment_id    bigint      not null,
    author        text        not null,
    written_at    timestamptz not null,
    link          text,
    delivery_id   text        not null,
    handled_at    timestamptz not null default now(),
    primary key (org, repo, number, kind, comment_id),
    foreign key (org, repo, number) references pull_requests.pulls on update cascade on delete cascade
);

-- The commands in them: the timeline of a pull request, and what approvals are counted from.
create table pull_requests.commands (
    org           text        not null,
    repo          text        not null,
    number        integer     not null,
    kind          text        not null,
    comment_id    bigint      not null,
    -- Its place among the comment's commands, from 0.
    position      integer     not null check (position >= 0),
    name          text        not null,
    arguments     text        not null default '',
    -- The plugin that answered; null where no active one knows the command.
    plugin        text,
    -- What came of it, a sentence for people.
    outcome       text        not null default '',
    -- The comment was deleted, or edited so that it says this no more: it counts for nothing that is derived anew.
    is_withdrawn  boolean     not null default false,
    primary key (org, repo, number, kind, comment_id, position),
    foreign key (org, repo, number, kind, comment_id) references pull_requests.comments on update cascade on delete cascade
);

create table pull_requests.reviews (
    org           text        not null,
    repo          text        not null,
    number        integer     not null,
    review_id     bigint      not null,
    author        text        not null,
    state         text        not null check (state in ('approved', 'changes_requested', 'commented', 'dismissed')),
    sha           text,
    link          text,
    submitted_at  timestamptz not null,
    primary key (org, repo, number, review_id),
    foreign key (org, repo, number) references pull_requests.pulls on update cascade on delete cascade
);

-- Contexts that somebody declared passed. An override holds for one head on one base, unless it is sticky.
create table pull_requests.overrides (
    id            bigint      generated always as identity primary key,
    org           text        not null,
    repo          text        not null,
    number        integer     not null,
    context       text        not null,
    job           text,
    actor         text        not null,
    reason        text        not null default '',
    head_sha      text        not null,
    base_ref      text        not null,
    base_sha      text        not null,
    is_sticky     boolean     not null,
    -- A check run of that name, and not a status.
    is_check      boolean     not null default false,
    made_at       timestamptz not null default now(),
    ended_at      timestamptz,
    -- Why it ended: who cancelled it, or what moved.
    ended_by      text,
    check ((ended_at is null) = (ended_by is null)),
    foreign key (org, repo, number) references pull_requests.pulls on update cascade on delete cascade
);
create unique index overrides_standing on pull_requests.overrides (org, repo, number, context, is_check)
    where ended_at is null;

-- Changes that are brought to other branches once they are merged.
create table pull_requests.cherry_picks (
    org           text        not null,
    repo          text        not null,
    number        integer     not null,
    branch        text        not null,
    actor         text        not null,
    state         text        not null default 'waiting' check (state in ('waiting', 'done', 'failed')),
    attempts      integer     not null default 0,
    next_try      timestamptz not null default now(),
    opened_number integer,
    failure       text,
    primary key (org, repo, number, branch),
    foreign key (org, repo, number) references pull_requests.pulls on update cascade on delete cascade
);
create index cherry_picks_due on pull_requests.cherry_picks (next_try) where state = 'waiting';

-- Answers of the forge about people, by question: `member/<org>/<login>`, `collaborator/<org>/<repo>/<login>` …
-- Forgotten when the forge tells that something changed, or when they are old.
create table pull_requests.people (
    question      text        primary key,
    answer        text        not null,
    asked_at      timestamptz not null default now()
);
create index people_age on pull_requests.people (asked_at);

-- ---------------------------------------------------------------- what other rooms read

create view pull_requests.pulls_v1 as
    select org, repo, number, title, body, author, head_ref, head_sha, head_repository, base_ref, base_sha, is_open,
           is_draft, is_merged, mergeable, labels, milestone, review_decision, link, opened_at, updated_at, version
      from pull_requests.pulls;

create view pull_requests.commands_v1 as
    select command.org, command.repo, command.number, command.kind, command.comment_id, command.position, command.name,
           command.arguments, command.plugin, command.outcome, comment.author, comment.written_at, comment.link,
           comment.handled_at
      from pull_requests.commands as command
      join pull_requests.comments as comment using (org, repo, number, kind, comment_id);

create view pull_requests.overrides_v1 as
    select id, org, repo, number, context, job, actor, reason, head_sha, base_ref, base_sha, is_sticky, made_at,
           ended_at, ended_by
      from pull_requests.overrides;
