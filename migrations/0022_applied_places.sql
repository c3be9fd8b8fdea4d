-- A body without an id of its sender is known by its place in the inbox. Those of one commit lie side by side, and a range of places
-- says of thousands of events what took a row for each. Ranges of one table in one segment never overlap: whoever adds one holds the row
-- of the table until the end of the transaction, and looks before.
create table applied_places (
  account_id   bigint not null,
  table_id     bigint not null,
  segment      text not null,
  -- Each body of the table that begins in [from_byte, to_byte) of the segment and has no id was applied.
  from_byte    bigint not null,
  to_byte      bigint not null,
  snapshot     bigint not null,
  rows         bigint not null,
  quarantined  bigint not null,
  committed_at timestamptz not null default now(),
  primary key (table_id, segment, from_byte),
  check (from_byte < to_byte)
);

create index applied_places_by_age on applied_places (committed_at);

-- The version before keeps an id for each place, and its workers finish their jobs while new ones begin. What they apply is a place, too;
-- and what was applied as a part of a range is no id that they could add.
create function note_applied_place() returns trigger language plpgsql as $$
declare
  place text[] := string_to_array(new.unique_id, ':');
begin
  insert into applied_places (account_id, table_id, segment, from_byte, to_byte, snapshot, rows, quarantined)
  select new.account_id, new.table_id, place[2], place[3]::bigint, place[3]::bigint + 1, new.snapshot, new.rows, new.quarantined
   where not exists (select from applied_places known
                      where known.table_id = new.table_id and known.segment = place[2]
                        and known.from_byte <= place[3]::bigint and known.to_byte > place[3]::bigint);
  if not found then
    return null;
  end if;
  return new;
end $$;

create trigger applied_ids_of_places before insert on applied_ids
  for each row when (new.unique_id like 'inbox:%') execute function note_applied_place();

-- What was applied up to now. The ids themselves are left to the version before, and go when they are old.
insert into applied_places (account_id, table_id, segment, from_byte, to_byte, snapshot, rows, quarantined, committed_at)
select account_id, table_id, split_part(unique_id, ':', 2), split_part(unique_id, ':', 3)::bigint,
       split_part(unique_id, ':', 3)::bigint + 1, snapshot, rows, quarantined, committed_at
  from applied_ids
 where unique_id ~ '^inbox:[^:]+:[0-9]+$';
