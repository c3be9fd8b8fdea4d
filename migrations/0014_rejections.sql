-- What the doors of the intake refused, counted by the minute: kept for a short while, for whoever asks why nothing arrives.
create table rejections (
  minute         timestamptz not null,
  -- Null where nobody can be told from the key.
  account_id     bigint references accounts on delete cascade,
  -- Null where the key is none of the account's; then its last characters may be known.
  key_id         bigint,
  key_hint       text,
  door           text not null,
  code           text not null,
  database_name  text,
  table_name     text,
  -- Whether this row stands for all that had no place of its own in the minute: there were too many different ones.
  is_rest        boolean not null,
  requests       bigint not null,
  -- Of the newest one.
  detail         text not null,
  last_at        timestamptz not null,
  unique nulls not distinct (minute, account_id, key_id, key_hint, door, code, database_name, table_name, is_rest)
);

create index rejections_by_account on rejections (account_id, minute);

-- What was quarantined in the last minutes belongs to the same answer.
create index quarantine_by_time on quarantine (account_id, quarantined_at);
