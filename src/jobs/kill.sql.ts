import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import { finishedChannel, killChannel } from './channels.ts'
import type { JobState } from './jobs.ts'

/** The state of the account's job, which stays as it is until the transaction ends. */
export async function lockState(tx: Queryable, accountId: number, id: number): Promise<JobState | undefined> {
  const rows = await tx.query<{ state: JobState }>(sql`
    select state from jobs where id = ${id} and account_id = ${accountId} for update`)
  return rows[0]?.state
}

/** Ends a job that waits. `error` is JSON text. */
export async function killWaiting(tx: Queryable, id: number, actor: string, error: string | null): Promise<void> {
  await tx.query(sql`
    with waiting as (
      select id, state from jobs where id = ${id} and state in ('queued', 'delayed', 'retry_wait')
    ), killed as (
      update jobs j
         set state = 'killed', error = ${error}::jsonb, kill_requested_at = now(), finished_at = now()
        from waiting
       where j.id = waiting.id
      returning j.id, waiting.state as from_state, j.attempt
    ), noted as (
      insert into job_history (job_id, from_state, to_state, attempt, actor, reason)
      select id, from_state, 'killed', attempt, ${actor}, 'killed before it ran' from killed
    )
    select pg_notify(${finishedChannel}, id::text) from killed`)
}

/** Asks the attempt of a running job to end. The wish is part of the history, or nobody would know whose it was. */
export async function requestKill(tx: Queryable, id: number, actor: string): Promise<void> {
  await tx.query(sql`
    with asked as (
      update jobs set kill_requested_at = now()
       where id = ${id} and state = 'running' and kill_requested_at is null
      returning id, attempt
    ), noted as (
      insert into job_history (job_id, from_state, to_state, attempt, actor, reason)
      select id, 'running', 'running', attempt, ${actor}, 'kill requested' from asked
    )
    select pg_notify(${killChannel}, id::text) from asked`)
}
