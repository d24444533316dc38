create schema auth;

-- Bearer tokens. The text `slw_<id>_<secret>` is shown once; what is kept is the SHA-256 of the secret's digits.
create table auth.tokens (
    id           text        primary key check (id ~ '^[0-9a-f]{12}$'),
    hash         bytea       not null check (octet_length(hash) = 32),
    owner        text        not null check (owner <> ''),
    scopes       text[]      not null check (cardinality(scopes) > 0),
    created_at   timestamptz not null default now(),
    expires_at   timestamptz,
    revoked_at   timestamptz
);
