-- The durable queue that drives every stage. A job is written once, and then moves: it waits, it runs, and what happened
-- to it is appended to its history. Nothing is updated that readers of the queue scan over, so that neither a backlog nor
-- a snapshot which somebody holds for hours slows the queue down. Rows that move carry no foreign keys: each check would
-- cost as much as the move.

-- What shares a place in the order of things: jobs of one kind and account under the same limits.
create table job_lanes (
  id          bigint generated always as identity primary key,
  kind        text not null,
  -- Null for the system's own jobs, such as sweeping.
  account_id  bigint references accounts on delete cascade,
  -- The keys of the limits that count these jobs, if there are such limits, and how many slots of each a job takes.
  limit_keys  text[] not null,
  weights     integer[] not null check (cardinality(weights) = cardinality(limit_keys))
);

create unique index job_lanes_identity on job_lanes (kind, coalesce(account_id, 0), limit_keys, weights);

-- Written when the job is submitted, and never changed.
create table jobs (
  id            bigint generated always as identity primary key,
  lane_id       bigint not null,
  account_id    bigint,
  user_id       bigint,
  kind          text not null,
  -- -2 (idle) to 2 (urgent), as in Treasure Data.
  priority      smallint not null default 0 check (priority between -2 and 2),
  -- Two submissions with one key in one account are one job.
  unique_key    text,
  input         jsonb not null,
  run_at        timestamptz not null,
  attempts_max  integer not null check (attempts_max >= 1),
  timeout_ms    bigint,
  -- Which process or user submitted it.
  submitted_by  text not null,
  created_at    timestamptz not null default now()
);

create unique index jobs_unique_key on jobs (coalesce(account_id, 0), kind, unique_key) where unique_key is not null;
create index jobs_by_account on jobs (account_id, id desc);

-- Jobs that are to run.
create table job_waiting (
  job_id    bigint primary key,
  lane_id   bigint not null,
  -- `queued` is due; `delayed` and `retry_wait` become `queued` when they are.
  state     text not null check (state in ('queued', 'delayed', 'retry_wait')),
  due_at    timestamptz not null,
  -- The order within the lane: microseconds since 1970 of the due time, earlier by a fixed time for each step of priority.
  -- That is ageing: a job of lower priority goes first once it has waited longer by that time.
  position  bigint not null,
  -- How many attempts there were.
  attempt   integer not null default 0
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

create index job_waiting_queued on job_waiting (lane_id, position, job_id) where state = 'queued';
create index job_waiting_until on job_waiting (due_at) where state <> 'queued';

-- Jobs that run, under leases.
create table job_running (
  -- Grows with every lease of any job: the fence that a worker which lost its lease cannot pass.
  lease_token       bigint primary key,
  job_id            bigint not null,
  lane_id           bigint not null,
  account_id        bigint,
  from_state        text not null,
  attempt           integer not null,
  lease_owner       text not null,
  lease_expires_at  timestamptz not null,
  -- Not the beginning of the transaction, which may have waited for the lock of a limit.
  acquired_at       timestamptz not null default clock_timestamp(),
  -- What the attempt says of itself, and since when it says this.
  progress          jsonb,
  progress_at       timestamptz not null default now(),
  kill_requested_at timestamptz,
  -- The slots that the lease holds; null for none.
  limit_ids         bigint[],
  weights           integer[]
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

create unique index job_running_job on job_running (job_id);

create sequence job_lease_tokens;

-- Every change of state, append-only. The beginning is in `jobs`, and the lease that holds now in `job_running`: the
-- beginning of an attempt is noted together with its end.
create table job_history (
  id           bigint generated always as identity,
  job_id       bigint not null,
  account_id   bigint,
  at           timestamptz not null default now(),
  from_state   text not null,
  to_state     text not null
               check (to_state in ('queued', 'delayed', 'running', 'retry_wait', 'success', 'error', 'killed', 'dead')),
  attempt      integer not null,
  -- Which process or user did it, and why.
  actor        text not null,
  reason       text not null,
  -- Of the end of an attempt: when it began, from which state, whose lease it was, and the slots that it held.
  acquired_at   timestamptz,
  acquired_from text,
  acquired_by   text,
  limit_ids     bigint[],
  weights       integer[],
  progress     jsonb,
  output       jsonb,
  -- The ErrorRecord of a failed attempt, and what it has in common with others of its sort.
  error        jsonb,
  fingerprint  text
);

create index job_history_by_job on job_history (job_id);
create index job_history_ends on job_history (account_id, to_state, job_id desc)
  where to_state in ('success', 'error', 'killed', 'dead');
create index job_history_dead on job_history (account_id, job_id) where to_state = 'dead';
create index job_history_retries on job_history (at) where to_state = 'retry_wait';
create index job_history_by_time on job_history using brin (at);

-- How many slots there are of what jobs share. Locked before it is counted: whoever counts without the lock counts past
-- another who does the same.
create table job_limits (
  id         bigint generated always as identity primary key,
  -- `account:1`, `kind:query`, `account:1/kind:query`, `workgroup:1/etl` or `resource:1/redshift`.
  key        text not null unique,
  account_id bigint references accounts on delete cascade,
  slots      integer not null check (slots >= 0),
  used       integer not null default 0 check (used >= 0),
  -- No job of it is acquired while it is paused.
  paused_until timestamptz,
  changed_at timestamptz not null default now()
);

-- The processes that take jobs, as they say of themselves with each heartbeat.
create table job_workers (
  name        text primary key,
  host        text not null,
  pid         integer not null,
  version     text not null,
  -- [{"kind": …, "concurrency": …}]
  kinds       jsonb not null,
  state       text not null check (state in ('running', 'draining')),
  started_at  timestamptz not null default now(),
  seen_at     timestamptz not null default now()
);
