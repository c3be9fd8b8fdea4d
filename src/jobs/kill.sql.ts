import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { JobState } from './jobs.ts'

/** Ends the account's job if it waits. Answers the state before. `error` is JSON text. */
export async function killWaiting(
  tx: Queryable,
  job: { readonly accountId: number; readonly id: number },
  actor: string,
  error: string | null,
): Promise<JobState | undefined> {
  const rows = await tx.query<{ state: JobState }>(sql`
    with killed as (
      delete from job_waiting
       where job_id = (select id from jobs where id = ${job.id} and account_id = ${job.accountId})
      returning job_id, state, attempt
    ), noted as (
      insert into job_history (job_id, account_id, from_state, to_state, attempt, actor, reason, error)
      select job_id, ${job.accountId}::bigint, state, 'killed', attempt, ${actor}, 'killed before it ran', ${error}::jsonb
        from killed
    )
    select state from killed`)
  return rows[0]?.state
}

/**
 * Asks the attempt of the account's job to end, if it runs; says whether it does. The wish is part of the history, or
 * nobody would know whose it was.
 */
export async function requestKill(
  tx: Queryable,
  job: { readonly accountId: number; readonly id: number },
  actor: string,
): Promise<boolean> {
  const rows = await tx.query(sql`
    with running as (
      select job_id, kill_requested_at is null as is_first from job_running
       where job_id = ${job.id} and account_id = ${job.accountId}
         for update
    ), asked as (
      update job_running r set kill_requested_at = now()
        from running
       where r.job_id = running.job_id and running.is_first
      returning r.job_id, r.account_id, r.attempt
    ), noted as (
      insert into job_history (job_id, account_id, from_state, to_state, attempt, actor, reason)
      select job_id, account_id, 'running', 'running', attempt, ${actor}, 'kill requested' from asked
    )
    select from running`)
  return rows.length === 1
}
