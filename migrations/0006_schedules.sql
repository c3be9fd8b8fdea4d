-- What is to run at which times.
create table schedules (
  id             bigint generated always as identity primary key,
  account_id     bigint not null references accounts on delete cascade,
  user_id        bigint not null,
  name           text not null,
  -- Null where it only runs when somebody asks.
  cron           text,
  timezone       text not null,
  delay_seconds  integer not null check (delay_seconds >= 0),
  catch_up       text not null check (catch_up in ('all', 'last', 'skip')),
  -- The job that each scheduled time makes, with its lane: firing is a copy from this row, without a way through a process.
  lane_id        bigint not null,
  kind           text not null,
  input          jsonb not null,
  priority       smallint not null check (priority between -2 and 2),
  attempts_max   integer not null check (attempts_max >= 1),
  timeout_ms     bigint,
  workgroup      text,
  resources      jsonb not null,
  created_at     timestamptz not null default now(),
  unique (account_id, name)
);

-- What moves of a schedule, one row for each. Its lock is that of the schedule: whoever fires or changes it holds it.
create table schedule_times (
  schedule_id  bigint primary key references schedules on delete cascade,
  -- Null where there is none.
  next_time    timestamptz,
  paused_at    timestamptz
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

create index schedule_times_due on schedule_times (next_time, schedule_id) where next_time is not null and paused_at is null;

-- The scheduled times that have a job. The key is what makes it one.
create table schedule_runs (
  schedule_id     bigint not null,
  scheduled_time  timestamptz not null,
  account_id      bigint not null,
  job_id          bigint not null,
  cause           text not null check (cause in ('schedule', 'run_now', 'backfill')),
  fired_at        timestamptz not null,
  primary key (schedule_id, scheduled_time)
);

create index schedule_runs_by_time on schedule_runs using brin (fired_at);
