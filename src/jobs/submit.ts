import { AppError } from '../base/errors.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import { jobOf } from './job-row.ts'
import type { Job, NewJob } from './jobs.ts'
import { exactJson } from './stored-json.ts'
import type { JobValues } from './submit.sql.ts'
import { insertJobs, selectJobsByKey } from './submit.sql.ts'

export interface Submitted {
  readonly job: Job
  readonly existing: boolean
}

/** A job that is known by its key can be deleted between the two questions; then it is new after all. */
const triesMax = 5

/** Makes the jobs whose unique keys are not known, and finds the others. Returns them in the order of the argument. */
export async function submitJobs(postgres: Postgres, jobs: readonly NewJob[]): Promise<Submitted[]> {
  const values = jobs.map(valuesOf)
  const submitted: (Submitted | undefined)[] = values.map(() => undefined)
  for (let tries = 0; tries < triesMax; tries++) {
    const open = values.map((job, index) => ({ job, index })).filter(({ index }) => submitted[index] === undefined)
    if (open.length === 0) break
    const made = await insertJobs(
      postgres,
      open.map(({ job }) => job),
    )
    for (const row of made) submitted[indexOf(open, row.place)] = { job: jobOf(row), existing: false }
    const known = open.filter(({ index }) => submitted[index] === undefined)
    if (known.length === 0) break
    const found = await selectJobsByKey(
      postgres,
      known.map(({ job }) => job),
    )
    for (const row of found) submitted[indexOf(known, row.place)] = { job: jobOf(row), existing: true }
  }
  return submitted.map((one) => {
    if (one !== undefined) return one
    throw new AppError('conflict', 'A job of the same unique key comes and goes.', { hint: 'Submit the job again.' })
  })
}

function indexOf(open: readonly { readonly index: number }[], place: number): number {
  return open[place - 1]?.index ?? -1
}

function valuesOf(job: NewJob): JobValues {
  return {
    accountId: job.accountId,
    userId: job.userId ?? null,
    kind: job.kind,
    input: exactJson('input of the job', job.input),
    priority: job.priority ?? 0,
    uniqueKey: job.uniqueKey ?? null,
    runAt: job.runAt ?? null,
    attemptsMax: job.attemptsMax ?? 3,
    timeoutMs: job.timeoutMs === undefined ? null : Math.ceil(job.timeoutMs),
    actor: job.userId === undefined || job.userId === null ? 'system' : `user:${job.userId}`,
  }
}
