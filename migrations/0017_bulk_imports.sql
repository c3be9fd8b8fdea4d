-- Bulk imports (collect/bulk): parts are uploaded, converted together, and committed as one.

create table bulk_imports (
  id            bigint generated always as identity primary key,
  account_id    bigint not null references accounts (id) on delete cascade,
  user_id       bigint not null,
  name          text not null,
  database_name text not null,
  table_name    text not null,
  status        text not null default 'uploading'
                check (status in ('uploading', 'performing', 'ready', 'committing', 'committed')),
  -- No part comes or goes any more.
  frozen        boolean not null default false,
  -- Grows with each conversion and each commit that is asked for; the job of the newest one is the one that counts.
  step          integer not null default 0,
  step_job_id   bigint,
  -- The job that converted the parts, and what it found.
  job_id        bigint,
  valid_records bigint not null default 0,
  error_records bigint not null default 0,
  valid_parts   integer not null default 0,
  error_parts   integer not null default 0,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now(),
  unique (account_id, name)
);

create index bulk_imports_by_age on bulk_imports (created_at);

create table bulk_import_parts (
  import_id   bigint not null references bulk_imports (id) on delete cascade,
  name        text not null,
  object_key  text not null unique,
  bytes       bigint not null,
  -- The time of records that carry none.
  uploaded_at timestamptz not null,
  primary key (import_id, name)
);

-- What the parts were converted to: files that are chunks when they are committed, for these columns of that table.
create table bulk_import_conversions (
  import_id      bigint primary key references bulk_imports (id) on delete cascade,
  table_id       bigint not null,
  schema_version bigint not null,
  new_columns    jsonb not null,
  converted_at   timestamptz not null
);

create table bulk_import_chunks (
  import_id bigint not null references bulk_imports (id) on delete cascade,
  position  integer not null,
  -- JSON, with characters in its statistics that jsonb cannot hold.
  chunk     text not null,
  primary key (import_id, position)
);

-- Records that could not be read; they go to the quarantine when the rest is committed.
create table bulk_import_errors (
  import_id     bigint not null references bulk_imports (id) on delete cascade,
  position      integer not null,
  part          text not null,
  record_number bigint,
  byte_offset   bigint,
  reason        text not null,
  detail        text not null,
  raw           bytea not null,
  raw_bytes     bigint not null,
  object_key    text,
  primary key (import_id, position)
);
