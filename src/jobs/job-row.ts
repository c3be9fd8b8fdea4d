import type { ErrorRecord } from '../base/errors.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { Job, JobState } from './jobs.ts'

export interface JobRow {
  readonly id: number
  readonly account_id: number | null
  readonly user_id: number | null
  readonly kind: string
  readonly state: JobState
  readonly priority: number
  readonly unique_key: string | null
  readonly input: unknown
  readonly progress: unknown
  readonly output: unknown
  readonly error: ErrorRecord | null
  readonly run_at: Date
  readonly attempt: number
  readonly attempts_max: number
  readonly timeout_ms: number | null
  readonly kill_requested_at: Date | null
  readonly created_at: Date
  readonly started_at: Date | null
  readonly finished_at: Date | null
}

/** The columns of a `JobRow` of the table or alias `j`. */
export const jobColumns = sql`
  j.id, j.account_id, j.user_id, j.kind, j.state, j.priority, j.unique_key, j.input, j.progress, j.output, j.error,
  j.run_at, j.attempt, j.attempts_max, j.timeout_ms, j.kill_requested_at, j.created_at, j.started_at, j.finished_at`

export function jobOf(row: JobRow): Job {
  return {
    id: row.id,
    accountId: row.account_id,
    userId: row.user_id,
    kind: row.kind,
    state: row.state,
    priority: row.priority,
    uniqueKey: row.unique_key,
    input: row.input,
    progress: row.progress,
    output: row.output,
    error: row.error,
    runAt: row.run_at,
    attempt: row.attempt,
    attemptsMax: row.attempts_max,
    timeoutMs: row.timeout_ms,
    killRequestedAt: row.kill_requested_at,
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  }
}
