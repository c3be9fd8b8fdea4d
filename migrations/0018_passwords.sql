-- Passwords (access/passwords): who has none cannot sign in by one.
create table user_passwords (
  user_id        bigint primary key,
  account_id     bigint not null,
  -- scrypt (RFC 7914), with the parameters of the day on which it was set.
  salt           bytea not null,
  hash           bytea not null,
  cost           integer not null,
  block_size     integer not null,
  parallelism    integer not null,
  changed_at     timestamptz not null default now(),
  -- Wrong tries since the last right one, and the last of them.
  failures       integer not null default 0,
  last_failed_at timestamptz,
  foreign key (account_id, user_id) references users (account_id, id) on delete cascade
);

-- For an e-mail address alone, as whoever signs in gives it.
create index users_by_email on users (lower(email));

-- Keys that signing in has made: of them each user has a limited number.
alter table api_keys add column signed_in boolean not null default false;
