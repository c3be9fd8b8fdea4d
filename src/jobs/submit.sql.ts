import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import { readyChannel } from './channels.ts'
import type { JobRow } from './job-row.ts'
import { jobColumns } from './job-row.ts'

/** A job as it is inserted. */
export interface JobValues {
  readonly accountId: number | null
  readonly userId: number | null
  readonly kind: string
  /** JSON text. */
  readonly input: string
  readonly priority: number
  readonly uniqueKey: string | null
  readonly runAt: Date | null
  readonly attemptsMax: number
  readonly timeoutMs: number | null
  readonly actor: string
}

/** A row and the place in the argument that it belongs to, from 1. */
export type PlacedJobRow = JobRow & { readonly place: number }

/**
 * Inserts the jobs whose unique keys are new, with the beginning of their history, and wakes the workers once per kind.
 * Ids are drawn before the insertion: they alone tell which row came of which argument.
 */
export function insertJobs(db: Queryable, jobs: readonly JobValues[]): Promise<PlacedJobRow[]> {
  return db.query(sql`
    with wanted as materialized (
      select nextval(pg_get_serial_sequence('jobs', 'id')) as id, w.*
        from unnest(${jobs.map((job) => job.accountId)}::bigint[],
                    ${jobs.map((job) => job.userId)}::bigint[],
                    ${jobs.map((job) => job.kind)}::text[],
                    ${jobs.map((job) => job.input)}::jsonb[],
                    ${jobs.map((job) => job.priority)}::smallint[],
                    ${jobs.map((job) => job.uniqueKey)}::text[],
                    ${jobs.map((job) => job.runAt)}::timestamptz[],
                    ${jobs.map((job) => job.attemptsMax)}::integer[],
                    ${jobs.map((job) => job.timeoutMs)}::bigint[],
                    ${jobs.map((job) => job.actor)}::text[])
             with ordinality
             as w (account_id, user_id, kind, input, priority, unique_key, run_at, attempts_max, timeout_ms, actor, place)
    ), j as (
      insert into jobs (id, account_id, user_id, kind, state, priority, unique_key, input, run_at, attempts_max, timeout_ms)
      overriding system value
      select id, account_id, user_id, kind, case when run_at > now() then 'delayed' else 'queued' end, priority,
             unique_key, input, coalesce(run_at, now()), attempts_max, timeout_ms
        from wanted
       order by place
      on conflict (coalesce(account_id, 0), kind, unique_key) where unique_key is not null do nothing
      returning *
    ), noted as (
      insert into job_history (job_id, to_state, attempt, actor, reason)
      select j.id, j.state, 0, wanted.actor, 'submitted' from j join wanted using (id)
    ), woken as (
      select count(pg_notify(${readyChannel}, kind)) from (select distinct kind from j where state = 'queued') as kinds
    )
    select ${jobColumns}, wanted.place
      from j join wanted using (id) cross join woken
     order by wanted.place`)
}

/** The jobs that have these unique keys; each with the place of its key in the argument, from 1. */
export function selectJobsByKey(
  db: Queryable,
  keys: readonly Pick<JobValues, 'accountId' | 'kind' | 'uniqueKey'>[],
): Promise<PlacedJobRow[]> {
  return db.query(sql`
    select ${jobColumns}, k.place
      from unnest(${keys.map((key) => key.accountId)}::bigint[],
                  ${keys.map((key) => key.kind)}::text[],
                  ${keys.map((key) => key.uniqueKey)}::text[])
           with ordinality as k (account_id, kind, unique_key, place)
      join jobs j on coalesce(j.account_id, 0) = coalesce(k.account_id, 0)
                 and j.kind = k.kind and j.unique_key = k.unique_key`)
}
