-- Who may do what. An account is a tenant: every row of metadata in every later table carries its account.

create table accounts (
  id          bigint generated always as identity primary key,
  name        text not null,
  created_at  timestamptz not null default now()
);

create table users (
  id          bigint generated always as identity primary key,
  account_id  bigint not null references accounts,
  email       text not null,
  name        text not null,
  -- owner and admin may do everything in the account; a member only what database_permissions grants.
  role        text not null check (role in ('owner', 'admin', 'member')),
  created_at  timestamptz not null default now(),
  unique (account_id, email),
  unique (account_id, id)
);

create table api_keys (
  id             bigint generated always as identity primary key,
  account_id     bigint not null,
  user_id        bigint not null,
  kind           text not null check (kind in ('full', 'query', 'import')),
  description    text not null default '',
  -- The key itself, "accountid/hex", is shown once and never stored.
  secret_sha256  bytea not null unique check (length(secret_sha256) = 32),
  -- The last characters, by which people recognise a key.
  secret_hint    text not null,
  created_at     timestamptz not null default now(),
  last_used_at   timestamptz,
  revoked_at     timestamptz,
  foreign key (account_id, user_id) references users (account_id, id) on delete cascade
);

create index api_keys_by_user on api_keys (account_id, user_id);
