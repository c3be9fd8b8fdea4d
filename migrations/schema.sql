-- The schema that all migrations together make. Written by `npm run schema`; a test fails when it is out of date.

create extension btree_gist;

create sequence job_lease_tokens as bigint;

CREATE OR REPLACE FUNCTION public.note_applied_place()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
end $function$;

create table accounts (
  id         bigint not null generated always as identity,
  name       text not null,
  created_at timestamp with time zone not null default now(),
  constraint accounts_pkey PRIMARY KEY (id)
);

create table api_keys (
  id            bigint not null generated always as identity,
  account_id    bigint not null,
  user_id       bigint not null,
  kind          text not null,
  description   text not null default ''::text,
  secret_sha256 bytea not null,
  secret_hint   text not null,
  created_at    timestamp with time zone not null default now(),
  last_used_at  timestamp with time zone,
  revoked_at    timestamp with time zone,
  origins       text[] not null default '{}'::text[],
  signed_in     boolean not null default false,
  constraint api_keys_pkey PRIMARY KEY (id),
  constraint api_keys_secret_sha256_key UNIQUE (secret_sha256),
  constraint api_keys_check CHECK (((origins = '{}'::text[]) OR (kind = 'import'::text))),
  constraint api_keys_kind_check CHECK ((kind = ANY (ARRAY['full'::text, 'query'::text, 'import'::text]))),
  constraint api_keys_secret_sha256_check CHECK ((length(secret_sha256) = 32)),
  constraint api_keys_account_id_user_id_fkey FOREIGN KEY (account_id, user_id) REFERENCES users(account_id, id) ON DELETE CASCADE
);
CREATE INDEX api_keys_by_user ON public.api_keys USING btree (account_id, user_id);

create table applied_ids (
  account_id   bigint not null,
  table_id     bigint not null,
  unique_id    text not null,
  snapshot     bigint not null,
  rows         bigint not null,
  quarantined  bigint not null,
  committed_at timestamp with time zone not null default now(),
  constraint applied_ids_pkey PRIMARY KEY (table_id, unique_id)
);
CREATE INDEX applied_ids_by_age ON public.applied_ids USING btree (committed_at);
CREATE TRIGGER applied_ids_of_places BEFORE INSERT ON public.applied_ids FOR EACH ROW WHEN ((new.unique_id ~~ 'inbox:%'::text)) EXECUTE FUNCTION note_applied_place();

create table applied_places (
  account_id   bigint not null,
  table_id     bigint not null,
  segment      text not null,
  from_byte    bigint not null,
  to_byte      bigint not null,
  snapshot     bigint not null,
  rows         bigint not null,
  quarantined  bigint not null,
  committed_at timestamp with time zone not null default now(),
  constraint applied_places_pkey PRIMARY KEY (table_id, segment, from_byte),
  constraint applied_places_check CHECK ((from_byte < to_byte))
);
CREATE INDEX applied_places_by_age ON public.applied_places USING btree (committed_at);

create table arrivals (
  id         bigint not null generated always as identity,
  account_id bigint not null,
  table_id   bigint not null,
  snapshot   bigint not null,
  time_range int8range not null,
  rows       bigint not null,
  bytes      bigint not null,
  kind       text not null default 'new'::text,
  cause      text not null,
  arrived_at timestamp with time zone not null default now(),
  constraint arrivals_pkey PRIMARY KEY (id),
  constraint arrivals_table_id_snapshot_key UNIQUE (table_id, snapshot),
  constraint arrivals_kind_check CHECK ((kind = ANY (ARRAY['new'::text, 'restated'::text, 'external'::text]))),
  constraint arrivals_account_id_table_id_fkey FOREIGN KEY (account_id, table_id) REFERENCES tables(account_id, id) ON DELETE CASCADE
);

create table bulk_import_chunks (
  import_id bigint not null,
  position  integer not null,
  chunk     text not null,
  constraint bulk_import_chunks_pkey PRIMARY KEY (import_id, "position"),
  constraint bulk_import_chunks_import_id_fkey FOREIGN KEY (import_id) REFERENCES bulk_imports(id) ON DELETE CASCADE
);

create table bulk_import_conversions (
  import_id      bigint not null,
  table_id       bigint not null,
  schema_version bigint not null,
  new_columns    jsonb not null,
  converted_at   timestamp with time zone not null,
  constraint bulk_import_conversions_pkey PRIMARY KEY (import_id),
  constraint bulk_import_conversions_import_id_fkey FOREIGN KEY (import_id) REFERENCES bulk_imports(id) ON DELETE CASCADE
);

create table bulk_import_errors (
  import_id      bigint not null,
  position       integer not null,
  part           text not null,
  record_number  bigint,
  byte_offset    bigint,
  reason         text not null,
  detail         text not null,
  raw            bytea not null,
  raw_bytes      bigint not null,
  object_key     text,
  format         text,
  encoding       text,
  received_at_us bigint,
  header         bytea,
  constraint bulk_import_errors_pkey PRIMARY KEY (import_id, "position"),
  constraint bulk_import_errors_import_id_fkey FOREIGN KEY (import_id) REFERENCES bulk_imports(id) ON DELETE CASCADE
);

create table bulk_import_parts (
  import_id   bigint not null,
  name        text not null,
  object_key  text not null,
  bytes       bigint not null,
  uploaded_at timestamp with time zone not null,
  constraint bulk_import_parts_pkey PRIMARY KEY (import_id, name),
  constraint bulk_import_parts_object_key_key UNIQUE (object_key),
  constraint bulk_import_parts_import_id_fkey FOREIGN KEY (import_id) REFERENCES bulk_imports(id) ON DELETE CASCADE
);

create table bulk_imports (
  id            bigint not null generated always as identity,
  account_id    bigint not null,
  user_id       bigint not null,
  name          text not null,
  database_name text not null,
  table_name    text not null,
  status        text not null default 'uploading'::text,
  frozen        boolean not null default false,
  step          integer not null default 0,
  step_job_id   bigint,
  job_id        bigint,
  valid_records bigint not null default 0,
  error_records bigint not null default 0,
  valid_parts   integer not null default 0,
  error_parts   integer not null default 0,
  created_at    timestamp with time zone not null default now(),
  updated_at    timestamp with time zone not null default now(),
  constraint bulk_imports_pkey PRIMARY KEY (id),
  constraint bulk_imports_account_id_name_key UNIQUE (account_id, name),
  constraint bulk_imports_status_check CHECK ((status = ANY (ARRAY['uploading'::text, 'performing'::text, 'ready'::text, 'committing'::text, 'committed'::text]))),
  constraint bulk_imports_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE
);
CREATE INDEX bulk_imports_by_age ON public.bulk_imports USING btree (created_at);

create table chunks (
  id                uuid not null,
  account_id        bigint not null,
  table_id          bigint not null,
  layer             text not null,
  time_range        int8range not null,
  rows              bigint not null,
  bytes             bigint not null,
  object_key        text not null,
  column_statistics jsonb not null,
  added_snapshot    bigint not null,
  created_at        timestamp with time zone not null default now(),
  schema_version    bigint not null default 1,
  crc32             bigint,
  sorted_by         integer[],
  constraint chunks_pkey PRIMARY KEY (id),
  constraint chunks_bytes_check CHECK ((bytes > 0)),
  constraint chunks_layer_check CHECK ((layer = ANY (ARRAY['realtime'::text, 'archive'::text]))),
  constraint chunks_rows_check CHECK ((rows > 0)),
  constraint chunks_time_range_check CHECK ((NOT isempty(time_range))),
  constraint chunks_account_id_table_id_fkey FOREIGN KEY (account_id, table_id) REFERENCES tables(account_id, id) ON DELETE CASCADE
);
CREATE INDEX chunks_by_schema ON public.chunks USING btree (table_id, schema_version);
CREATE INDEX chunks_by_snapshot ON public.chunks USING btree (table_id, added_snapshot);
CREATE INDEX chunks_by_time ON public.chunks USING gist (table_id, time_range);
CREATE INDEX chunks_of_engines ON public.chunks USING btree (object_key) WHERE (object_key ~~ 'iceberg/%'::text);
CREATE INDEX chunks_realtime ON public.chunks USING btree (table_id, created_at) WHERE (layer = 'realtime'::text);

create table columns (
  account_id      bigint not null,
  table_id        bigint not null,
  field_id        integer not null,
  name            text not null,
  type            text not null,
  position        integer not null,
  added_version   bigint not null default 1,
  removed_version bigint,
  replaces        integer,
  restores        boolean not null default false,
  constraint columns_pkey PRIMARY KEY (table_id, field_id, added_version),
  constraint columns_field_id_check CHECK ((field_id >= 6)),
  constraint columns_name_check CHECK ((name <> ALL (ARRAY['time'::text, 'time_us'::text, '_rescued'::text]))),
  constraint columns_account_id_table_id_fkey FOREIGN KEY (account_id, table_id) REFERENCES tables(account_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX columns_by_name ON public.columns USING btree (table_id, name) WHERE (removed_version IS NULL);

create table damaged_chunks (
  id                 uuid not null,
  account_id         bigint not null,
  table_id           bigint not null,
  object_key         text not null,
  time_range         int8range not null,
  rows               bigint not null,
  bytes              bigint not null,
  reason             text not null,
  detail             text not null,
  byte_offset        bigint,
  chunk              jsonb not null,
  set_aside_snapshot bigint not null,
  set_aside_at       timestamp with time zone not null default now(),
  constraint damaged_chunks_pkey PRIMARY KEY (id),
  constraint damaged_chunks_account_id_table_id_fkey FOREIGN KEY (account_id, table_id) REFERENCES tables(account_id, id) ON DELETE CASCADE
);
CREATE INDEX damaged_chunks_by_key ON public.damaged_chunks USING btree (object_key);
CREATE INDEX damaged_chunks_by_table ON public.damaged_chunks USING btree (table_id, set_aside_at);

create table database_permissions (
  account_id  bigint not null,
  user_id     bigint not null,
  database_id bigint not null,
  privilege   text not null,
  constraint database_permissions_pkey PRIMARY KEY (account_id, user_id, database_id),
  constraint database_permissions_privilege_check CHECK ((privilege = ANY (ARRAY['query'::text, 'import'::text, 'full'::text]))),
  constraint database_permissions_account_id_database_id_fkey FOREIGN KEY (account_id, database_id) REFERENCES databases(account_id, id) ON DELETE CASCADE,
  constraint database_permissions_account_id_user_id_fkey FOREIGN KEY (account_id, user_id) REFERENCES users(account_id, id) ON DELETE CASCADE
);

create table databases (
  id         bigint not null generated always as identity,
  account_id bigint not null,
  name       text not null,
  created_at timestamp with time zone not null default now(),
  dropped_at timestamp with time zone,
  constraint databases_pkey PRIMARY KEY (id),
  constraint databases_account_id_id_key UNIQUE (account_id, id),
  constraint databases_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX databases_by_name ON public.databases USING btree (account_id, name) WHERE (dropped_at IS NULL);

create table iceberg_manifests (
  object_key       text not null,
  account_id       bigint not null,
  table_id         bigint not null,
  bytes            bigint not null,
  spec             smallint not null,
  added_snapshot   bigint not null,
  removed_snapshot bigint,
  sequence_min     bigint not null,
  added_files      integer not null,
  added_rows       bigint not null,
  existing_files   integer not null,
  existing_rows    bigint not null,
  time_range       int8range not null,
  chunk_ids        uuid[] not null,
  constraint iceberg_manifests_pkey PRIMARY KEY (object_key),
  constraint iceberg_manifests_spec_check CHECK ((spec = ANY (ARRAY[0, 1]))),
  constraint iceberg_manifests_account_id_table_id_fkey FOREIGN KEY (account_id, table_id) REFERENCES tables(account_id, id) ON DELETE CASCADE
);
CREATE INDEX iceberg_manifests_by_table ON public.iceberg_manifests USING btree (table_id, removed_snapshot);

create table iceberg_tables (
  table_id     bigint not null,
  account_id   bigint not null,
  uuid         uuid not null,
  is_staged    boolean not null default false,
  properties   jsonb not null default '{}'::jsonb,
  version      bigint not null default 0,
  snapshot     bigint not null default 0,
  metadata_key text,
  metadata     jsonb,
  valid_until  timestamp with time zone not null default 'infinity'::timestamp with time zone,
  constraint iceberg_tables_pkey PRIMARY KEY (table_id),
  constraint iceberg_tables_account_id_table_id_fkey FOREIGN KEY (account_id, table_id) REFERENCES tables(account_id, id) ON DELETE CASCADE
);

create table iceberg_views (
  uuid         uuid not null,
  account_id   bigint not null,
  database_id  bigint not null,
  name         text not null,
  version      bigint not null default 1,
  metadata_key text not null,
  metadata     jsonb not null,
  constraint iceberg_views_pkey PRIMARY KEY (uuid),
  constraint iceberg_views_database_id_name_key UNIQUE (database_id, name),
  constraint iceberg_views_account_id_database_id_fkey FOREIGN KEY (account_id, database_id) REFERENCES databases(account_id, id) ON DELETE CASCADE
);

create table inbox_objects (
  id          uuid not null,
  object_key  text not null,
  bytes       bigint not null,
  intake_id   uuid not null,
  received_at timestamp with time zone not null default now(),
  released_at timestamp with time zone,
  constraint inbox_objects_pkey PRIMARY KEY (id),
  constraint inbox_objects_object_key_key UNIQUE (object_key)
);
CREATE INDEX inbox_objects_waiting ON public.inbox_objects USING btree (received_at) WHERE (released_at IS NULL);

create table job_gates (
  id         bigint not null generated always as identity,
  account_id bigint not null,
  key        text not null,
  wanted     text[] not null,
  seen       jsonb not null,
  job_id     bigint,
  created_at timestamp with time zone not null default now(),
  constraint job_gates_pkey PRIMARY KEY (id),
  constraint job_gates_account_id_key_key UNIQUE (account_id, key),
  constraint job_gates_wanted_check CHECK ((cardinality(wanted) >= 1)),
  constraint job_gates_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE
);

create table job_history (
  id            bigint not null generated always as identity,
  job_id        bigint not null,
  account_id    bigint,
  at            timestamp with time zone not null default now(),
  from_state    text not null,
  to_state      text not null,
  attempt       integer not null,
  actor         text not null,
  reason        text not null,
  acquired_at   timestamp with time zone,
  acquired_from text,
  acquired_by   text,
  limit_ids     bigint[],
  weights       integer[],
  progress      jsonb,
  output        jsonb,
  error         jsonb,
  fingerprint   text,
  constraint job_history_to_state_check CHECK ((to_state = ANY (ARRAY['queued'::text, 'delayed'::text, 'running'::text, 'retry_wait'::text, 'success'::text, 'error'::text, 'killed'::text, 'dead'::text])))
);
CREATE INDEX job_history_by_job ON public.job_history USING btree (job_id);
CREATE INDEX job_history_by_time ON public.job_history USING brin (at);
CREATE INDEX job_history_failures ON public.job_history USING btree (account_id, to_state, job_id DESC) WHERE (to_state = ANY (ARRAY['error'::text, 'killed'::text, 'dead'::text]));
CREATE INDEX job_history_retries ON public.job_history USING btree (at) WHERE (to_state = 'retry_wait'::text);

create table job_lanes (
  id         bigint not null generated always as identity,
  kind       text not null,
  account_id bigint,
  limit_keys text[] not null,
  weights    integer[] not null,
  constraint job_lanes_pkey PRIMARY KEY (id),
  constraint job_lanes_check CHECK ((cardinality(weights) = cardinality(limit_keys))),
  constraint job_lanes_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX job_lanes_identity ON public.job_lanes USING btree (kind, COALESCE(account_id, (0)::bigint), limit_keys, weights);

create table job_limits (
  id           bigint not null generated always as identity,
  key          text not null,
  account_id   bigint,
  slots        integer not null,
  used         integer not null default 0,
  paused_until timestamp with time zone,
  changed_at   timestamp with time zone not null default now(),
  constraint job_limits_pkey PRIMARY KEY (id),
  constraint job_limits_key_key UNIQUE (key),
  constraint job_limits_slots_check CHECK ((slots >= 0)),
  constraint job_limits_used_check CHECK ((used >= 0)),
  constraint job_limits_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE
);

create table job_running (
  lease_token       bigint not null,
  job_id            bigint not null,
  lane_id           bigint not null,
  account_id        bigint,
  from_state        text not null,
  attempt           integer not null,
  lease_owner       text not null,
  lease_expires_at  timestamp with time zone not null,
  acquired_at       timestamp with time zone not null default clock_timestamp(),
  progress          jsonb,
  progress_at       timestamp with time zone not null default now(),
  kill_requested_at timestamp with time zone,
  limit_ids         bigint[],
  weights           integer[],
  constraint job_running_pkey PRIMARY KEY (job_id)
);

create table job_waiting (
  job_id     bigint not null,
  lane_id    bigint not null,
  state      text not null,
  due_at     timestamp with time zone not null,
  position   bigint not null,
  attempt    integer not null default 0,
  account_id bigint,
  constraint job_waiting_pkey PRIMARY KEY (job_id),
  constraint job_waiting_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'delayed'::text, 'retry_wait'::text])))
);
CREATE INDEX job_waiting_queued ON public.job_waiting USING btree (lane_id, "position", job_id) WHERE (state = 'queued'::text);
CREATE INDEX job_waiting_until ON public.job_waiting USING btree (due_at) WHERE (state <> 'queued'::text);

create table job_workers (
  name       text not null,
  host       text not null,
  pid        integer not null,
  version    text not null,
  kinds      jsonb not null,
  state      text not null,
  started_at timestamp with time zone not null default now(),
  seen_at    timestamp with time zone not null default now(),
  constraint job_workers_pkey PRIMARY KEY (name),
  constraint job_workers_state_check CHECK ((state = ANY (ARRAY['running'::text, 'draining'::text])))
);

create table jobs (
  id           bigint not null generated always as identity,
  lane_id      bigint not null,
  account_id   bigint,
  user_id      bigint,
  kind         text not null,
  priority     smallint not null default 0,
  unique_key   text,
  input        jsonb not null,
  run_at       timestamp with time zone not null,
  attempts_max integer not null,
  timeout_ms   bigint,
  submitted_by text not null,
  created_at   timestamp with time zone not null default now(),
  domain_key   text,
  constraint jobs_pkey PRIMARY KEY (id),
  constraint jobs_attempts_max_check CHECK ((attempts_max >= 1)),
  constraint jobs_priority_check CHECK (((priority >= '-2'::integer) AND (priority <= 2)))
);
CREATE INDEX jobs_by_account ON public.jobs USING btree (account_id, id DESC);
CREATE UNIQUE INDEX jobs_domain_key ON public.jobs USING btree (COALESCE(account_id, (0)::bigint), domain_key) WHERE (domain_key IS NOT NULL);
CREATE UNIQUE INDEX jobs_unique_key ON public.jobs USING btree (COALESCE(account_id, (0)::bigint), kind, unique_key) WHERE (unique_key IS NOT NULL);

create table merge_requests (
  table_id     bigint not null,
  account_id   bigint not null,
  requested_at timestamp with time zone not null default now(),
  job_id       bigint,
  again        boolean not null default false,
  constraint merge_requests_pkey PRIMARY KEY (table_id),
  constraint merge_requests_account_id_table_id_fkey FOREIGN KEY (account_id, table_id) REFERENCES tables(account_id, id) ON DELETE CASCADE
);
CREATE INDEX merge_requests_waiting ON public.merge_requests USING btree (requested_at) WHERE (job_id IS NULL);

create table object_removals (
  object_key   text not null,
  remove_after timestamp with time zone not null,
  constraint object_removals_pkey PRIMARY KEY (object_key)
);
CREATE INDEX object_removals_by_time ON public.object_removals USING btree (remove_after);

create table quarantine (
  id             bigint not null generated always as identity,
  account_id     bigint not null,
  database_name  text not null,
  table_name     text not null,
  table_id       bigint,
  unique_id      text not null,
  record_number  bigint,
  byte_offset    bigint,
  reason         text not null,
  detail         text not null,
  raw            bytea not null,
  raw_bytes      bigint not null,
  object_key     text,
  quarantined_at timestamp with time zone not null default now(),
  format         text,
  encoding       text,
  time_column    text,
  received_at_us bigint,
  header         bytea,
  key_id         bigint,
  door           text,
  fixed          bytea,
  fixed_key      text,
  fixed_bytes    bigint,
  revision       integer not null default 0,
  replayed_by    bigint,
  history        jsonb not null default '[]'::jsonb,
  constraint quarantine_pkey PRIMARY KEY (id),
  constraint quarantine_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE
);
CREATE INDEX quarantine_by_age ON public.quarantine USING btree (quarantined_at);
CREATE INDEX quarantine_by_fixed ON public.quarantine USING btree (fixed_key) WHERE (fixed_key IS NOT NULL);
CREATE INDEX quarantine_by_object ON public.quarantine USING btree (object_key) WHERE (object_key IS NOT NULL);
CREATE INDEX quarantine_by_table ON public.quarantine USING btree (account_id, database_name, table_name, id DESC);
CREATE INDEX quarantine_by_time ON public.quarantine USING btree (account_id, quarantined_at);
CREATE UNIQUE INDEX quarantine_without_table ON public.quarantine USING btree (account_id, database_name, table_name, unique_id, record_number, byte_offset) NULLS NOT DISTINCT WHERE (table_id IS NULL);

create table rejections (
  minute        timestamp with time zone not null,
  account_id    bigint,
  key_id        bigint,
  key_hint      text,
  door          text not null,
  code          text not null,
  database_name text,
  table_name    text,
  is_rest       boolean not null,
  requests      bigint not null,
  detail        text not null,
  last_at       timestamp with time zone not null,
  constraint rejections_minute_account_id_key_id_key_hint_door_code_data_key UNIQUE NULLS NOT DISTINCT (minute, account_id, key_id, key_hint, door, code, database_name, table_name, is_rest),
  constraint rejections_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE
);
CREATE INDEX rejections_by_account ON public.rejections USING btree (account_id, minute);

create table removed_chunks (
  id                uuid not null,
  account_id        bigint not null,
  table_id          bigint not null,
  layer             text not null,
  time_range        int8range not null,
  rows              bigint not null,
  bytes             bigint not null,
  object_key        text not null,
  column_statistics jsonb not null,
  schema_version    bigint not null,
  crc32             bigint,
  sorted_by         integer[],
  created_at        timestamp with time zone not null,
  added_snapshot    bigint not null,
  removed_snapshot  bigint not null,
  removed_at        timestamp with time zone not null default now(),
  constraint removed_chunks_pkey PRIMARY KEY (id),
  constraint removed_chunks_account_id_table_id_fkey FOREIGN KEY (account_id, table_id) REFERENCES tables(account_id, id) ON DELETE CASCADE
);
CREATE INDEX removed_chunks_by_age ON public.removed_chunks USING btree (removed_at);
CREATE INDEX removed_chunks_by_snapshot ON public.removed_chunks USING btree (table_id, removed_snapshot);
CREATE INDEX removed_chunks_of_engines ON public.removed_chunks USING btree (object_key) WHERE (object_key ~~ 'iceberg/%'::text);

create table schedule_runs (
  schedule_id    bigint not null,
  scheduled_time timestamp with time zone not null,
  account_id     bigint not null,
  job_id         bigint not null,
  cause          text not null,
  fired_at       timestamp with time zone not null,
  constraint schedule_runs_pkey PRIMARY KEY (schedule_id, scheduled_time),
  constraint schedule_runs_cause_check CHECK ((cause = ANY (ARRAY['schedule'::text, 'run_now'::text, 'backfill'::text])))
);
CREATE INDEX schedule_runs_by_time ON public.schedule_runs USING brin (fired_at);

create table schedule_times (
  schedule_id bigint not null,
  next_time   timestamp with time zone,
  paused_at   timestamp with time zone,
  constraint schedule_times_pkey PRIMARY KEY (schedule_id),
  constraint schedule_times_schedule_id_fkey FOREIGN KEY (schedule_id) REFERENCES schedules(id) ON DELETE CASCADE
);
CREATE INDEX schedule_times_due ON public.schedule_times USING btree (next_time, schedule_id) WHERE ((next_time IS NOT NULL) AND (paused_at IS NULL));

create table schedules (
  id            bigint not null generated always as identity,
  account_id    bigint not null,
  user_id       bigint not null,
  name          text not null,
  cron          text,
  timezone      text not null,
  delay_seconds integer not null,
  catch_up      text not null,
  lane_id       bigint not null,
  kind          text not null,
  input         jsonb not null,
  priority      smallint not null,
  attempts_max  integer not null,
  timeout_ms    bigint,
  workgroup     text,
  resources     jsonb not null,
  created_at    timestamp with time zone not null default now(),
  constraint schedules_pkey PRIMARY KEY (id),
  constraint schedules_account_id_name_key UNIQUE (account_id, name),
  constraint schedules_attempts_max_check CHECK ((attempts_max >= 1)),
  constraint schedules_catch_up_check CHECK ((catch_up = ANY (ARRAY['all'::text, 'last'::text, 'skip'::text]))),
  constraint schedules_delay_seconds_check CHECK ((delay_seconds >= 0)),
  constraint schedules_priority_check CHECK (((priority >= '-2'::integer) AND (priority <= 2))),
  constraint schedules_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE
);

create table schema_migrations (
  version    integer not null,
  name       text not null,
  checksum   text not null,
  applied_at timestamp with time zone not null default now(),
  constraint schema_migrations_pkey PRIMARY KEY (version)
);

create table snapshots (
  account_id     bigint not null,
  table_id       bigint not null,
  snapshot       bigint not null,
  committed_at   timestamp with time zone not null default now(),
  operation      text not null,
  cause          text not null,
  rows_added     bigint not null,
  rows_removed   bigint not null,
  schema_version bigint not null default 1,
  bytes_added    bigint not null default 0,
  bytes_removed  bigint not null default 0,
  chunks_added   bigint not null default 0,
  chunks_removed bigint not null default 0,
  rows           bigint,
  bytes          bigint,
  chunks         bigint,
  constraint snapshots_pkey PRIMARY KEY (table_id, snapshot),
  constraint snapshots_operation_check CHECK ((operation = ANY (ARRAY['import'::text, 'insert'::text, 'create'::text, 'drop'::text, 'merge'::text, 'delete'::text, 'upsert'::text, 'replace'::text, 'truncate'::text, 'expire'::text, 'restate'::text, 'alter'::text, 'set_aside'::text, 'external'::text, 'undrop'::text, 'swap'::text, 'rename'::text]))),
  constraint snapshots_account_id_table_id_fkey FOREIGN KEY (account_id, table_id) REFERENCES tables(account_id, id) ON DELETE CASCADE
);

create table tables (
  id               bigint not null generated always as identity,
  account_id       bigint not null,
  database_id      bigint not null,
  name             text not null,
  snapshot         bigint not null default 0,
  schema_version   bigint not null default 1,
  next_field_id    integer not null,
  rows             bigint not null default 0,
  bytes            bigint not null default 0,
  chunks           bigint not null default 0,
  created_at       timestamp with time zone not null default now(),
  updated_at       timestamp with time zone not null default now(),
  dropped_at       timestamp with time zone,
  restated_version bigint not null default 1,
  restating        boolean not null default false,
  expire_days      integer,
  history_hours    integer not null default 24,
  schema_mode      text not null default 'evolve'::text,
  cluster_columns  integer[] not null default '{}'::integer[],
  realtime_chunks  bigint not null default 0,
  restate_job_id   bigint,
  oldest_snapshot  bigint not null default 0,
  constraint tables_pkey PRIMARY KEY (id),
  constraint tables_account_id_id_key UNIQUE (account_id, id),
  constraint tables_expire_days_check CHECK ((expire_days > 0)),
  constraint tables_history_hours_check CHECK ((history_hours >= 0)),
  constraint tables_schema_mode_check CHECK ((schema_mode = ANY (ARRAY['evolve'::text, 'freeze'::text, 'quarantine'::text]))),
  constraint tables_account_id_database_id_fkey FOREIGN KEY (account_id, database_id) REFERENCES databases(account_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX tables_by_name ON public.tables USING btree (database_id, name) WHERE (dropped_at IS NULL);
CREATE INDEX tables_dropped ON public.tables USING btree (dropped_at) WHERE (dropped_at IS NOT NULL);
CREATE INDEX tables_restating ON public.tables USING btree (id) WHERE (restating AND (dropped_at IS NULL));

create table user_passwords (
  user_id        bigint not null,
  account_id     bigint not null,
  salt           bytea not null,
  hash           bytea not null,
  cost           integer not null,
  block_size     integer not null,
  parallelism    integer not null,
  changed_at     timestamp with time zone not null default now(),
  failures       integer not null default 0,
  last_failed_at timestamp with time zone,
  constraint user_passwords_pkey PRIMARY KEY (user_id),
  constraint user_passwords_account_id_user_id_fkey FOREIGN KEY (account_id, user_id) REFERENCES users(account_id, id) ON DELETE CASCADE
);

create table users (
  id         bigint not null generated always as identity,
  account_id bigint not null,
  email      text not null,
  name       text not null,
  role       text not null,
  created_at timestamp with time zone not null default now(),
  constraint users_pkey PRIMARY KEY (id),
  constraint users_account_id_email_key UNIQUE (account_id, email),
  constraint users_account_id_id_key UNIQUE (account_id, id),
  constraint users_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'member'::text]))),
  constraint users_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id)
);
CREATE INDEX users_by_email ON public.users USING btree (lower(email));
