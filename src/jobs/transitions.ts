import type { JobState } from './jobs.ts'

/**
 * What can happen to a job once it is submitted.
 *
 * - `fall_due`: the time for which it waits has come.
 * - `acquire`: a worker takes a lease on it; this begins the next attempt.
 * - `succeed`: the attempt's handler resolved.
 * - `fail`: the attempt failed in a way that another one would fail, too.
 * - `fail_retryable`: the attempt failed, and another one may succeed.
 * - `lose`: the lease ran out, so the worker is gone.
 * - `hand_back`: the worker stops and gives the lease back; the attempt does not count.
 * - `obey_kill`: the attempt ended because it was told to.
 * - `kill`: somebody asks for the end.
 */
export type JobEvent =
  | 'fall_due'
  | 'acquire'
  | 'succeed'
  | 'fail'
  | 'fail_retryable'
  | 'lose'
  | 'hand_back'
  | 'obey_kill'
  | 'kill'

export interface JobFacts {
  readonly attempt: number
  readonly attemptsMax: number
  readonly killRequested: boolean
}

/**
 * The state that follows, or undefined where the event cannot happen in the state. Submitting makes a job `queued`, or
 * `delayed` when its time is still to come.
 *
 * | event                  | queued, delayed, retry_wait | running                          | success, error, killed, dead |
 * | ---------------------- | --------------------------- | -------------------------------- | ---------------------------- |
 * | `fall_due`             | queued, unless it is        | –                                | –                            |
 * | `acquire`              | running, if it is queued    | –                                | –                            |
 * | `succeed`              | –                           | success                          | –                            |
 * | `fail`                 | –                           | error                            | –                            |
 * | `fail_retryable`,`lose`| –                           | retry_wait ¹ ²                   | –                            |
 * | `hand_back`            | –                           | queued ¹                         | –                            |
 * | `obey_kill`            | –                           | killed                           | –                            |
 * | `kill`                 | killed                      | running, with the kill requested | –                            |
 *
 * ¹ killed, where a kill was requested: no attempt begins after that.
 * ² dead, where this was the last attempt.
 *
 * What enforces the rows: the first, the condition of `promoteDue`; the second, that of `finishAndAcquire`; the last,
 * `requestKill`; all others, `settleLease`, which moves only the row of the lease of the one who settles it.
 */
export function stateAfter(state: JobState, event: JobEvent, facts: JobFacts): JobState | undefined {
  if (waitingStates.has(state)) {
    if (event === 'fall_due') return state === 'queued' ? undefined : 'queued'
    if (event === 'acquire') return state === 'queued' ? 'running' : undefined
    return event === 'kill' ? 'killed' : undefined
  }
  return state === 'running' ? stateAfterRunning(event, facts) : undefined
}

/** Submitted, and no attempt is running. */
export const waitingStates: ReadonlySet<JobState> = new Set(['queued', 'delayed', 'retry_wait'])

function stateAfterRunning(event: JobEvent, { attempt, attemptsMax, killRequested }: JobFacts): JobState | undefined {
  switch (event) {
    case 'fall_due':
    case 'acquire':
      return undefined
    case 'succeed':
      return 'success'
    case 'fail':
      return 'error'
    case 'fail_retryable':
    case 'lose':
      if (killRequested) return 'killed'
      return attempt < attemptsMax ? 'retry_wait' : 'dead'
    case 'hand_back':
      return killRequested ? 'killed' : 'queued'
    case 'obey_kill':
      return 'killed'
    case 'kill':
      return 'running'
  }
}
