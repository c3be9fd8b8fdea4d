import type { ErrorRecord } from '../base/errors.ts'
import type { Sql } from '../base/postgres/postgres.ts'
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

/**
 * Where the state of a job `j` is: it runs (`r`), or it waits (`w`), or the last row of its history (`h`) is its end.
 * `past` is what its attempts left behind.
 */
export const jobSources = sql`
  jobs j
  left join job_running r on r.job_id = j.id
  left join job_waiting w on w.job_id = j.id
  left join lateral (select * from job_history where job_id = j.id order by id desc limit 1) h on true
  left join lateral (
    select max(acquired_at) as started_at,
           (array_agg(error order by id desc) filter (where error is not null))[1] as error
      from job_history where job_id = j.id
  ) past on true`

/** The state of a job of `jobSources`. */
export const jobState = sql`
  case when r.job_id is not null then 'running' when w.job_id is not null then w.state else h.to_state end`

const isFinished = sql`r.job_id is null and w.job_id is null`

/** The columns of a `JobRow` from `jobSources`. */
export const jobColumns = columnsWith(sql`h.output`)

/** The same for lists: thousands of jobs with the results that lie with them would be tens of megabytes, which nobody reads of a list. */
export const listedJobColumns = columnsWith(
  sql`case when h.output -> 'inline' is null then h.output else jsonb_set(h.output, '{inline}', '""') end`,
)

function columnsWith(output: Sql): Sql {
  return sql`
  j.id, j.account_id, j.user_id, j.kind, ${jobState} as state, j.priority, j.unique_key, j.input,
  case when r.job_id is not null then r.progress else h.progress end as progress,
  case when ${isFinished} then ${output} end as output,
  case when ${isFinished} and h.to_state = 'success' then null else past.error end as error,
  coalesce(w.due_at, j.run_at) as run_at,
  coalesce(r.attempt, w.attempt, h.attempt, 0) as attempt,
  j.attempts_max, j.timeout_ms,
  coalesce(r.kill_requested_at, case when ${isFinished} and h.to_state = 'killed' then h.at end) as kill_requested_at,
  j.created_at,
  coalesce(r.acquired_at, past.started_at) as started_at,
  case when ${isFinished} then h.at end as finished_at`
}

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
