-- What it takes to read a quarantined record again, by itself: the format and so on of the body it came in.
alter table quarantine
  -- Null for records of before, which nobody knows how to read any more but whoever says so.
  add column format text,
  -- Of a whole body; records of a body are kept inflated.
  add column encoding text,
  add column time_column text,
  add column received_at_us bigint,
  -- The line of names, for records of CSV and TSV.
  add column header bytea,
  -- Who sent it, and where it came in.
  add column key_id bigint,
  add column door text,
  -- What is read instead of the original, since somebody mended it: the bytes, or the object that holds them.
  add column fixed bytea,
  add column fixed_key text,
  add column fixed_bytes bigint,
  -- Counts every change. Whoever wants to change the record says which one he saw.
  add column revision integer not null default 0,
  -- The job that read it again and failed last.
  add column replayed_by bigint,
  -- What became of it before, the oldest first.
  add column history jsonb not null default '[]';

create index quarantine_by_age on quarantine (quarantined_at);
create index quarantine_by_fixed on quarantine (fixed_key) where fixed_key is not null;
