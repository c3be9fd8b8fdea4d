import type { Job } from '../jobs.ts'

const moment = new Date(0)

/** A job that was never in any queue. */
export function madeJob(more: Partial<Job> = {}): Job {
  return {
    id: 1,
    accountId: 1,
    userId: null,
    kind: 'work',
    state: 'queued',
    priority: 0,
    uniqueKey: null,
    input: null,
    progress: null,
    output: null,
    error: null,
    runAt: moment,
    attempt: 0,
    attemptsMax: 3,
    timeoutMs: null,
    killRequestedAt: null,
    createdAt: moment,
    startedAt: null,
    finishedAt: null,
    ...more,
  }
}
