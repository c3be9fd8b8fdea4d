import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { JobState } from './jobs.ts'
import { positionOf } from './position.sql.ts'

export interface Lease {
  readonly jobId: number
  readonly leaseToken: number
}

/** A running job, as the end of its attempt finds it. */
export interface LeaseFacts {
  readonly id: number
  readonly lease_token: number
  readonly lease_owner: string
  readonly lane_id: number
  readonly attempt: number
  readonly attempts_max: number
  readonly kill_requested: boolean
  readonly limit_ids: readonly number[] | null
  readonly weights: readonly number[] | null
}

const leaseFacts = sql`
  r.job_id as id, r.lease_token, r.lease_owner, r.lane_id, r.attempt,
  (select attempts_max from jobs where id = r.job_id) as attempts_max,
  r.kill_requested_at is not null as kill_requested, r.limit_ids, r.weights`

/** The facts of a job that runs under this lease, and stays so until the transaction ends; undefined when it is lost. */
export async function lockLease(tx: Queryable, lease: Lease): Promise<LeaseFacts | undefined> {
  const statement = sql`
    select ${leaseFacts} from job_running r
     where r.lease_token = ${lease.leaseToken} and r.job_id = ${lease.jobId}
       for update of r`
  const rows = await tx.query<LeaseFacts>(statement.prepared('jobs_lock_lease'))
  return rows[0]
}

/** Some of the jobs whose leases ran out, passing over those that another worker looks after at this moment. */
export function lockExpired(tx: Queryable, limit: number): Promise<LeaseFacts[]> {
  return tx.query(sql`
    select ${leaseFacts} from job_running r
     where r.lease_expires_at < now()
     order by r.lease_expires_at
     limit ${limit}
       for update of r skip locked`)
}

/** Some of the jobs whose leases these workers hold, passing over those that somebody looks after at this moment. */
export function lockLeasesOf(tx: Queryable, owners: readonly string[], limit: number): Promise<LeaseFacts[]> {
  return tx.query(sql`
    select ${leaseFacts} from job_running r
     where r.lease_owner = any(${owners}::text[])
     order by r.lease_token
     limit ${limit}
       for update of r skip locked`)
}

/** How an attempt ended. The texts are JSON. */
export interface Settlement {
  readonly to: JobState
  readonly output: string | null
  readonly error: string | null
  readonly fingerprint: string | null
  readonly progress: string | null
  /** How long a job that waits again is not due. */
  readonly delayMs: number
  readonly attemptCounts: boolean
  readonly actor: string
  readonly reason: string
}

/** Ends the attempt of a locked lease. Answers when a job that waits again is due, in milliseconds since 1970. */
export async function settleLease(tx: Queryable, lease: Lease, settlement: Settlement): Promise<number | null> {
  const { to, delayMs, attemptCounts, actor, reason } = settlement
  const waits = to === 'queued' || to === 'retry_wait'
  const rows = await tx.query<{ due_ms: number | null }>(
    sql`
    with ended as (
      delete from job_running where lease_token = ${lease.leaseToken} and job_id = ${lease.jobId}
      returning *
    ), noted as (
      insert into job_history (job_id, account_id, from_state, to_state, attempt, actor, reason, acquired_at, acquired_from,
                               acquired_by, limit_ids, weights, progress, output, error, fingerprint)
      select job_id, account_id, 'running', ${to}, attempt, ${actor}, ${reason}, acquired_at, from_state, lease_owner,
             limit_ids, weights, coalesce(${settlement.progress}::jsonb, progress), ${settlement.output}::jsonb,
             ${settlement.error}::jsonb, ${settlement.fingerprint}
        from ended
    ), waiting as (
      insert into job_waiting (job_id, lane_id, account_id, state, due_at, position, attempt)
      select job_id, ended.lane_id, ended.account_id, ${to}, due_at, ${positionOf(sql`due_at`, sql`priority`)},
             attempt - ${attemptCounts ? 0 : 1}::integer
        from ended
       cross join lateral (
               select priority, case when ${to} = 'queued' then jobs.run_at
                                     else now() + ${delayMs} * interval '1 millisecond' end as due_at
                 from jobs where id = ended.job_id offset 0
             ) as due
       where ${waits}
      returning due_at
    )
    select (extract(epoch from due_at) * 1000)::float8 as due_ms from waiting`.prepared('jobs_settle'),
  )
  return rows[0]?.due_ms ?? null
}
