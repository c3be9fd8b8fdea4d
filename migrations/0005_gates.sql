-- Gates: what is to run once, when several inputs have all arrived, in whatever order, from whatever process, and however
-- often each is told of.
create table job_gates (
  id          bigint generated always as identity primary key,
  account_id  bigint not null references accounts on delete cascade,
  -- Says what the gate is for; a pipeline's has its name, the period and the generation.
  key         text not null,
  wanted      text[] not null check (cardinality(wanted) >= 1),
  -- {"input": time of its first arrival}. In this row and not in one of its own: the lock of the row is what makes
  -- siblings that arrive at once see each other.
  seen        jsonb not null,
  -- The job that was submitted when all had arrived.
  job_id      bigint,
  created_at  timestamptz not null default now(),
  unique (account_id, key)
) with (fillfactor = 80);
