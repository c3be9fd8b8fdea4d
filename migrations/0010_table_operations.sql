-- Snapshots before it cannot be read any more: chunks of theirs were forgotten.
alter table tables add column oldest_snapshot bigint not null default 0;
