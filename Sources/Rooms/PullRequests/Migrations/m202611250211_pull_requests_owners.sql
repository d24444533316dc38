-- Whose word that the head looks good stands.
create table pull_requests.lgtms (
    org           text        not null,
    repo          text        not null,
    number        integer     not null,
    -- In lower case.
    login         text        not null,
    said_at       timestamptz not null,
    head_sha      text        not null,
    -- The tree that was looked at, where a push of the same tree keeps the label.
    tree          text,
    primary key (org, repo, number, login),
    foreign key (org, repo, number) references pull_requests.pulls on update cascade on delete cascade
);

-- How the approval of each pull request stands.
create table pull_requests.approvals (
    org           text        not null,
    repo          text        not null,
    number        integer     not null,
    is_approved   boolean     not null,
    -- Who set the label by hand, which stands against the OWNERS files.
    by_hand       text,
    -- What is missing and who can give it, for pages.
    summary       jsonb       not null,
    -- What was said about approval before the pull request was known here, as it stood at the first decision.
    earlier       jsonb       not null default '[]',
    decided_at    timestamptz not null default now(),
    primary key (org, repo, number),
    foreign key (org, repo, number) references pull_requests.pulls on update cascade on delete cascade
);
