-- What other engines see of tables, as Iceberg has it (store/iceberg).

create table iceberg_tables (
  table_id     bigint primary key,
  account_id   bigint not null,
  -- Permanent: engines tell by it whether a table of the same name is still the same table.
  uuid         uuid not null,
  -- What engines set; the ones of our own are added to them.
  properties   jsonb not null default '{}',
  -- Grows with each metadata file. Whoever writes the next one names the version that it follows.
  version      bigint not null default 0,
  -- The newest snapshot that there are manifests for; 0 before the first.
  snapshot     bigint not null default 0,
  -- The newest metadata file, and the same as it is served; null before the first.
  metadata_key text,
  metadata     jsonb,
  -- From then on an older snapshot in the metadata is not to be read any more.
  valid_until  timestamptz not null default 'infinity',
  foreign key (account_id, table_id) references tables (account_id, id) on delete cascade
);

-- Manifests are written once. Each lists some chunks, near to each other in time.
create table iceberg_manifests (
  object_key       text primary key,
  account_id       bigint not null,
  table_id         bigint not null,
  bytes            bigint not null,
  spec             smallint not null check (spec in (0, 1)),
  -- In the lists of which snapshots it is: from the first until before the second.
  added_snapshot   bigint not null,
  removed_snapshot bigint,
  sequence_min     bigint not null,
  added_files      integer not null,
  added_rows       bigint not null,
  existing_files   integer not null,
  existing_rows    bigint not null,
  time_range       int8range not null,
  -- An array and no rows of its own: a table of a million chunks has some hundred manifests.
  chunk_ids        uuid[] not null,
  foreign key (account_id, table_id) references tables (account_id, id) on delete cascade
);

create index iceberg_manifests_by_table on iceberg_manifests (table_id, removed_snapshot);

-- What came since some snapshot.
create index chunks_by_snapshot on chunks (table_id, added_snapshot);

-- Files that other engines wrote are told from new ones by their names.
create index chunks_of_engines on chunks (object_key) where object_key like 'iceberg/%';
create index removed_chunks_of_engines on removed_chunks (object_key) where object_key like 'iceberg/%';

-- Views of other engines: each has the SQL of the engine that made it, and is not looked into here.
create table iceberg_views (
  uuid         uuid primary key,
  account_id   bigint not null,
  database_id  bigint not null,
  name         text not null,
  version      bigint not null default 1,
  metadata_key text not null,
  metadata     jsonb not null,
  unique (database_id, name),
  foreign key (account_id, database_id) references databases (account_id, id) on delete cascade
);
