-- The store in layers: what is live apart from what was, columns with their history, and what a table is kept by.
-- Processes of the version before do not see chunks that a merge removes under them, so they have to be stopped first.

-- Only chunks of the newest snapshot stay in `chunks`; what a commit removes moves to `removed_chunks`.
alter table chunks
  drop column removed_snapshot,
  -- For which version of the table's columns the file was written.
  add column schema_version bigint not null default 1,
  -- Of the whole object; null where it is not known.
  add column crc32 bigint,
  -- Field ids: the order of its rows; null where none is known.
  add column sorted_by integer[];

create index chunks_realtime on chunks (table_id, created_at) where layer = 'realtime';

-- Chunks of older snapshots: for queries that began before, time travel, and engines that read over Iceberg.
create table removed_chunks (
  id                uuid primary key,
  account_id        bigint not null,
  table_id          bigint not null,
  layer             text not null,
  time_range        int8range not null,
  rows              bigint not null,
  bytes             bigint not null,
  object_key        text not null,
  column_statistics jsonb not null,
  schema_version    bigint not null,
  crc32             bigint,
  sorted_by         integer[],
  created_at        timestamptz not null,
  added_snapshot    bigint not null,
  removed_snapshot  bigint not null,
  removed_at        timestamptz not null default now(),
  foreign key (account_id, table_id) references tables (account_id, id) on delete cascade
);

create index removed_chunks_by_snapshot on removed_chunks (table_id, removed_snapshot);
create index removed_chunks_by_age on removed_chunks (removed_at);

alter table tables
  -- The version of the columns since which older files have to be read in another way (store/schema).
  add column restated_version bigint not null default 1,
  -- Whether there are still live chunks to be written anew for it.
  add column restating boolean not null default false,
  -- Rows older than this are removed; null keeps them.
  add column expire_days integer check (expire_days > 0),
  -- For so long older snapshots can be read, and a dropped table brought back.
  add column history_hours integer not null default 24 check (history_hours >= 0),
  -- What happens to keys that have no column.
  add column schema_mode text not null default 'evolve' check (schema_mode in ('evolve', 'freeze', 'quarantine')),
  -- Field ids: the order of rows in archive chunks; empty for the order of time.
  add column cluster_columns integer[] not null default '{}',
  -- How many chunks of the newest snapshot wait for their major merge.
  add column realtime_chunks bigint not null default 0;

update tables t
   set realtime_chunks = (select count(*) from chunks c where c.table_id = t.id and c.layer = 'realtime');

-- Columns of every version of a table: a column is there from `added_version` until before `removed_version`.
alter table columns
  add column added_version bigint not null default 1,
  add column removed_version bigint,
  -- The field whose values this one took over when the type changed.
  add column replaces integer,
  -- Whether values of its name from before `added_version` are looked for in `_rescued`.
  add column restores boolean not null default false,
  drop constraint columns_pkey,
  add primary key (table_id, field_id, added_version);

drop index columns_by_name;
alter table columns drop column dropped_at;
create unique index columns_by_name on columns (table_id, name) where removed_version is null;

alter table snapshots
  drop constraint snapshots_operation_check,
  add check (operation in ('import', 'insert', 'create', 'drop', 'merge', 'delete', 'upsert', 'replace', 'truncate', 'expire',
                           'restate', 'alter', 'set_aside', 'external', 'undrop', 'swap', 'rename')),
  add column schema_version bigint not null default 1,
  add column bytes_added bigint not null default 0,
  add column bytes_removed bigint not null default 0,
  add column chunks_added bigint not null default 0,
  add column chunks_removed bigint not null default 0,
  -- What the table has with it; null in snapshots from before these were counted.
  add column rows bigint,
  add column bytes bigint,
  add column chunks bigint;

update snapshots s
   set schema_version = t.schema_version
  from tables t
 where t.id = s.table_id;

-- Tables that may have something to merge. One job at a time looks after a table.
create table merge_requests (
  table_id      bigint primary key,
  account_id    bigint not null,
  requested_at  timestamptz not null default now(),
  -- The job that looks after the table; null until there is one.
  job_id        bigint,
  -- More came while it did.
  again         boolean not null default false,
  foreign key (account_id, table_id) references tables (account_id, id) on delete cascade
);

create index merge_requests_waiting on merge_requests (requested_at) where job_id is null;
