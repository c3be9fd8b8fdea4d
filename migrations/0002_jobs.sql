-- The durable queue that drives every stage.

create table jobs (
  id                bigint generated always as identity primary key,
  -- Null for the system's own jobs, such as sweeping.
  account_id        bigint references accounts on delete cascade,
  user_id           bigint references users on delete set null,
  kind              text not null,
  state             text not null default 'queued'
                    check (state in ('queued', 'delayed', 'running', 'retry_wait', 'success', 'error', 'killed', 'dead')),
  -- -2 (idle) to 2 (urgent), as in Treasure Data.
  priority          smallint not null default 0 check (priority between -2 and 2),
  -- Two submissions with one key in one account are one job.
  unique_key        text,
  input             jsonb not null,
  -- What the attempt says of itself while it runs.
  progress          jsonb,
  output            jsonb,
  -- The ErrorRecord of the last failed attempt.
  error             jsonb,
  run_at            timestamptz not null default now(),
  attempt           integer not null default 0,
  attempts_max      integer not null default 3 check (attempts_max >= 1),
  timeout_ms        bigint,
  -- Grows with every lease of any job: the fence that a worker which lost its lease cannot pass.
  lease_token       bigint,
  lease_owner       text,
  lease_expires_at  timestamptz,
  kill_requested_at timestamptz,
  created_at        timestamptz not null default now(),
  started_at        timestamptz,
  finished_at       timestamptz
);

create unique index jobs_unique_key on jobs (coalesce(account_id, 0), kind, unique_key) where unique_key is not null;
create index jobs_ready on jobs (kind, priority desc, run_at, id) where state in ('queued', 'delayed', 'retry_wait');
create index jobs_leased on jobs (lease_expires_at) where state = 'running';
create index jobs_by_account on jobs (account_id, id desc);
create index jobs_finished on jobs (finished_at) where finished_at is not null;

create sequence job_lease_tokens;

-- Every change of state: append-only.
create table job_history (
  id          bigint generated always as identity primary key,
  job_id      bigint not null references jobs on delete cascade,
  at          timestamptz not null default now(),
  from_state  text,
  to_state    text not null,
  attempt     integer not null,
  -- Which process or user did it.
  actor       text not null,
  reason      text not null default ''
);

create index job_history_by_job on job_history (job_id, id);
