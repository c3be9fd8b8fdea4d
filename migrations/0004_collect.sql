-- Flushes of the inbox that lie in the object store. On a directory the segments themselves are the register.

create table inbox_objects (
  id           uuid primary key,
  object_key   text not null unique,
  bytes        bigint not null,
  -- Which intake wrote it: it alone asks for its conversion, until it is gone.
  intake_id    uuid not null,
  received_at  timestamptz not null default now(),
  released_at  timestamptz
);

create index inbox_objects_waiting on inbox_objects (received_at) where released_at is null;
