import type { AcquiredRow } from './acquire.sql.ts'
import type { Job } from './jobs.ts'
import { dueAtOf } from './position.sql.ts'

/** The job of an acquired row, whose lane says the rest of it. */
export function acquiredJob(
  row: AcquiredRow,
  { kind, accountId }: Pick<Job, 'kind' | 'accountId'>,
  startedAt: Date,
): Job {
  return {
    id: row.id,
    accountId,
    userId: row.user_id,
    kind,
    state: 'running',
    priority: row.priority,
    uniqueKey: row.unique_key,
    input: row.input,
    progress: null,
    output: null,
    error: null,
    runAt: dueAtOf(row.position, row.priority),
    attempt: row.attempt,
    attemptsMax: row.attempts_max,
    timeoutMs: row.timeout_ms,
    killRequestedAt: null,
    createdAt: row.created_at,
    startedAt,
    finishedAt: null,
  }
}
