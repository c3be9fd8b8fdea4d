-- The catalog, and the chunks that hold the rows.

create extension if not exists btree_gist;

create table databases (
  id          bigint generated always as identity primary key,
  account_id  bigint not null references accounts on delete cascade,
  name        text not null,
  created_at  timestamptz not null default now(),
  dropped_at  timestamptz,
  unique (account_id, id)
);

create unique index databases_by_name on databases (account_id, name) where dropped_at is null;

create table database_permissions (
  account_id   bigint not null,
  user_id      bigint not null,
  database_id  bigint not null,
  privilege    text not null check (privilege in ('query', 'import', 'full')),
  primary key (account_id, user_id, database_id),
  foreign key (account_id, user_id) references users (account_id, id) on delete cascade,
  foreign key (account_id, database_id) references databases (account_id, id) on delete cascade
);

create table tables (
  id               bigint generated always as identity primary key,
  account_id       bigint not null,
  database_id      bigint not null,
  name             text not null,
  -- Which commit is the newest. Each commit adds one, holding the lock of this row.
  snapshot         bigint not null default 0,
  -- Grows when the columns change: a chunk written for an older schema is written anew.
  schema_version   bigint not null default 1,
  -- Field ids are never given twice; 1 to 5 are the fixed columns (store/columns.ts).
  next_field_id    integer not null,
  rows             bigint not null default 0,
  bytes            bigint not null default 0,
  -- How many chunks the newest snapshot has: counting them would cost every query a walk through the index.
  chunks           bigint not null default 0,
  created_at       timestamptz not null default now(),
  updated_at       timestamptz not null default now(),
  dropped_at       timestamptz,
  unique (account_id, id),
  foreign key (account_id, database_id) references databases (account_id, id) on delete cascade
)
-- Every commit updates its table's row; room in the page keeps the new version beside the old, without new index entries.
with (fillfactor = 50);

create unique index tables_by_name on tables (database_id, name) where dropped_at is null;
create index tables_dropped on tables (dropped_at) where dropped_at is not null;

-- The columns of a table's own. The fixed ones are the same everywhere and have no rows here.
create table columns (
  account_id  bigint not null,
  table_id    bigint not null,
  -- What is inside of a nested column takes the ids that follow.
  field_id    integer not null check (field_id >= 6),
  name        text not null check (name not in ('time', 'time_us', '_rescued')),
  -- A logical type in the notation of store/types.ts: bigint, decimal(10,2), map(varchar,varchar) …
  type        text not null,
  position    integer not null,
  dropped_at  timestamptz,
  primary key (table_id, field_id),
  foreign key (account_id, table_id) references tables (account_id, id) on delete cascade
);

create unique index columns_by_name on columns (table_id, name) where dropped_at is null;

create table snapshots (
  account_id    bigint not null,
  table_id      bigint not null,
  snapshot      bigint not null,
  committed_at  timestamptz not null default now(),
  operation     text not null check (operation in ('import', 'insert', 'create', 'drop')),
  -- What brought it about: a job, for example "job:17".
  cause         text not null,
  rows_added    bigint not null,
  rows_removed  bigint not null,
  primary key (table_id, snapshot),
  foreign key (account_id, table_id) references tables (account_id, id) on delete cascade
);

create table chunks (
  id                uuid primary key,
  account_id        bigint not null,
  table_id          bigint not null,
  layer             text not null check (layer in ('realtime', 'archive')),
  -- Unix seconds, [first, last + 1).
  time_range        int8range not null check (not isempty(time_range)),
  rows              bigint not null check (rows > 0),
  bytes             bigint not null check (bytes > 0),
  object_key        text not null,
  -- By field id: {"7": {"bytes": 120, "nulls": 0, "min": "a", "max": "z"}}.
  column_statistics jsonb not null,
  added_snapshot    bigint not null,
  removed_snapshot  bigint,
  created_at        timestamptz not null default now(),
  foreign key (account_id, table_id) references tables (account_id, id) on delete cascade
);

create index chunks_by_time on chunks using gist (table_id, time_range);

-- Unique ids of everything that was applied: the reason why nothing is applied twice.
create table applied_ids (
  account_id    bigint not null,
  table_id      bigint not null,
  unique_id     text not null,
  snapshot      bigint not null,
  rows          bigint not null,
  quarantined   bigint not null,
  committed_at  timestamptz not null default now(),
  primary key (table_id, unique_id),
  foreign key (account_id, table_id) references tables (account_id, id) on delete cascade
);

create index applied_ids_by_age on applied_ids (committed_at);

-- One row per commit that brought rows: what event-driven pipelines start on.
create table arrivals (
  id           bigint generated always as identity primary key,
  account_id   bigint not null,
  table_id     bigint not null,
  snapshot     bigint not null,
  time_range   int8range not null,
  rows         bigint not null,
  bytes        bigint not null,
  kind         text not null default 'new' check (kind in ('new', 'restated', 'external')),
  cause        text not null,
  arrived_at   timestamptz not null default now(),
  unique (table_id, snapshot),
  foreign key (account_id, table_id) references tables (account_id, id) on delete cascade
);

-- Records that could not be read, with the reason and their bytes. They belong to a place, not to a table row: a body
-- whose table could never be made is kept here, too.
create table quarantine (
  id             bigint generated always as identity primary key,
  account_id     bigint not null references accounts on delete cascade,
  database_name  text not null,
  table_name     text not null,
  -- Which table of that name it was; null where there was none.
  table_id       bigint,
  unique_id      text not null,
  -- The record's place in the body: its number from 0 and its first byte from 0 in the inflated body, where known.
  record_number  bigint,
  byte_offset    bigint,
  reason         text not null,
  detail         text not null,
  -- The first bytes of the record, at most 64 KiB; `object_key` names the whole where that is more.
  raw            bytea not null,
  raw_bytes      bigint not null,
  object_key     text,
  quarantined_at timestamptz not null default now()
);

create index quarantine_by_table on quarantine (account_id, database_name, table_name, id desc);

-- A commit's records are kept once because its ids are; those without a table have no ids, and this instead.
create unique index quarantine_without_table
  on quarantine (account_id, database_name, table_name, unique_id, record_number, byte_offset)
  nulls not distinct where table_id is null;

-- Objects that nothing refers to any more, and when they may go.
create table object_removals (
  object_key    text primary key,
  remove_after  timestamptz not null
);

create index object_removals_by_time on object_removals (remove_after);
