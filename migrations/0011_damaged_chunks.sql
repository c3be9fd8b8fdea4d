-- Chunks that verification took out of their tables because their files cannot be read. Their objects are not swept.
create table damaged_chunks (
  id                  uuid primary key,
  account_id          bigint not null,
  table_id            bigint not null,
  object_key          text not null,
  time_range          int8range not null,
  rows                bigint not null,
  bytes               bigint not null,
  -- A short code, such as checksum or missing.
  reason              text not null,
  detail              text not null,
  -- Where in the file, where that is known.
  byte_offset         bigint,
  -- The whole row as it was, for whoever brings the file back.
  chunk               jsonb not null,
  set_aside_snapshot  bigint not null,
  set_aside_at        timestamptz not null default now(),
  foreign key (account_id, table_id) references tables (account_id, id) on delete cascade
);

create index damaged_chunks_by_table on damaged_chunks (table_id, set_aside_at);
create index damaged_chunks_by_key on damaged_chunks (object_key);
