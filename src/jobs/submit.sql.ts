import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { JobRow } from './job-row.ts'
import { jobColumns, jobSources } from './job-row.ts'
import { positionOf } from './position.sql.ts'

/** A job as it is inserted. */
export interface JobValues {
  readonly laneId: number
  readonly accountId: number | null
  readonly userId: number | null
  readonly kind: string
  /** JSON text. */
  readonly input: string
  readonly priority: number
  readonly uniqueKey: string | null
  readonly domainKey: string | null
  readonly runAt: Date | null
  readonly attemptsMax: number
  readonly timeoutMs: number | null
  readonly actor: string
}

/** A new job: what the database decided, and the place in the argument that it belongs to, from 1. */
export interface InsertedJob {
  readonly id: number
  readonly created_at: Date
  readonly place: number
}

/**
 * Inserts the jobs whose unique keys are new, and queues them; whoever calls announces them. Ids are drawn before the
 * insertion: they alone tell which row came of which argument.
 */
export function insertJobs(db: Queryable, jobs: readonly JobValues[]): Promise<InsertedJob[]> {
  const statement = sql`
    with wanted as materialized (
      select nextval('jobs_id_seq') as id, w.*
        from rows from (
               unnest(${jobs.map((job) => job.laneId)}::bigint[],
                      ${jobs.map((job) => job.accountId)}::bigint[],
                      ${jobs.map((job) => job.userId)}::bigint[],
                      ${jobs.map((job) => job.kind)}::text[],
                      ${jobs.map((job) => job.priority)}::smallint[],
                      ${jobs.map((job) => job.uniqueKey)}::text[],
                      ${jobs.map((job) => job.domainKey)}::text[],
                      ${jobs.map((job) => job.runAt)}::timestamptz[],
                      ${jobs.map((job) => job.attemptsMax)}::integer[],
                      ${jobs.map((job) => job.timeoutMs)}::bigint[],
                      ${jobs.map((job) => job.actor)}::text[]),
               jsonb_array_elements(${`[${jobs.map((job) => job.input).join(',')}]`}::jsonb)
             ) with ordinality
             as w (lane_id, account_id, user_id, kind, priority, unique_key, domain_key, run_at, attempts_max, timeout_ms,
                   submitted_by, input, place)
    ), made as (
      insert into jobs (id, lane_id, account_id, user_id, kind, priority, unique_key, domain_key, input, run_at,
                        attempts_max, timeout_ms, submitted_by)
      overriding system value
      select id, lane_id, account_id, user_id, kind, priority, unique_key, domain_key, input, coalesce(run_at, now()), attempts_max,
             timeout_ms, submitted_by
        from wanted
       order by place
      on conflict (coalesce(account_id, 0), kind, unique_key) where unique_key is not null do nothing
      returning id, lane_id, account_id, priority, run_at, created_at
    ), waiting as (
      insert into job_waiting (job_id, lane_id, account_id, state, due_at, position)
      select id, lane_id, account_id, case when run_at > now() then 'delayed' else 'queued' end, run_at,
             ${positionOf(sql`run_at`, sql`priority`)}
        from made
    )
    select made.id, made.created_at, wanted.place
      from made join wanted using (id)
     order by wanted.place`
  return db.query(statement.prepared('jobs_insert'))
}

/** The jobs that have these unique keys; each with the place of its key in the argument, from 1. */
export function selectJobsByKey(
  db: Queryable,
  keys: readonly Pick<JobValues, 'accountId' | 'kind' | 'uniqueKey'>[],
): Promise<(JobRow & { readonly place: number })[]> {
  return db.query(sql`
    select ${jobColumns}, k.place
      from unnest(${keys.map((key) => key.accountId)}::bigint[],
                  ${keys.map((key) => key.kind)}::text[],
                  ${keys.map((key) => key.uniqueKey)}::text[])
           with ordinality as k (account_id, kind, unique_key, place)
     cross join ${jobSources}
     where coalesce(j.account_id, 0) = coalesce(k.account_id, 0) and j.kind = k.kind and j.unique_key = k.unique_key`)
}
