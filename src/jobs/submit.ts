import { AppError, must } from '../base/errors.ts'
import type { Queryable } from '../base/postgres/postgres.ts'
import { pgCode } from '../base/postgres/postgres.ts'
import { readyItem } from './channels.ts'
import { jobOf } from './job-row.ts'
import type { Job, NewJob } from './jobs.ts'
import type { Lanes } from './lanes.ts'
import { positionOfDue } from './position.sql.ts'
import { exactJson } from './stored-json.ts'
import type { InsertedJob, JobValues } from './submit.sql.ts'
import { insertJobs, selectJobsByKey } from './submit.sql.ts'
import { selectJobOfDomainKey } from './watch.sql.ts'

export interface Submitted {
  readonly job: Job
  readonly existing: boolean
}

export interface Submission {
  /** In the order of the argument. */
  readonly submitted: Submitted[]
  /** What workers are to hear when it is committed. */
  readonly ready: Set<string>
}

/** A job that is known by its key can be deleted between the two questions; then it is new after all. */
const triesMax = 5

/** Makes the jobs whose unique keys are not known, and finds the others. */
export async function submitJobs(db: Queryable, lanes: Lanes, jobs: readonly NewJob[]): Promise<Submission> {
  const laneIds = await lanes.ensure(db, jobs)
  const values = jobs.map((job, index) => valuesOf(job, laneIds[index] ?? 0))
  const submitted: (Submitted | undefined)[] = values.map(() => undefined)
  const ready = new Set<string>()
  for (let tries = 0; tries < triesMax; tries++) {
    const open = values.map((job, index) => ({ job, index })).filter(({ index }) => submitted[index] === undefined)
    if (open.length === 0) break
    const wanted = open.map(({ job }) => job)
    const made = await insertJobs(db, wanted).catch(async (error: unknown) => {
      throw (await domainKeyTaken(db, wanted, error)) ?? error
    })
    for (const row of made) {
      const { job, index } = must(open[row.place - 1], 'every row has its place')
      const made = newJob(job, row)
      submitted[index] = { job: made, existing: false }
      const dueMs = made.runAt.getTime()
      const position = positionOfDue(made.runAt, job.priority)
      ready.add(made.state === 'queued' ? readyItem.lane(job.laneId, position) : readyItem.due(dueMs))
    }
    const known = open.filter(({ index }) => submitted[index] === undefined)
    if (known.length === 0) break
    const found = await selectJobsByKey(
      db,
      known.map(({ job }) => job),
    )
    for (const row of found) {
      const { job: values, index } = must(known[row.place - 1], 'every row has its place')
      const job = jobOf(row)
      submitted[index] = { job, existing: true }
      // Whoever repeats a submission did not hear of the first, and neither did the workers, it may be.
      if (job.state === 'queued') ready.add(readyItem.lane(values.laneId, positionOfDue(job.runAt, job.priority)))
    }
  }
  return { submitted: submitted.map(unlessMissing), ready }
}

/** Which job has a domain key that was asked for again; undefined where that is not what failed. */
async function domainKeyTaken(
  db: Queryable,
  jobs: readonly JobValues[],
  error: unknown,
): Promise<AppError | undefined> {
  if (pgCode(error) !== uniqueViolation) return undefined
  for (const { accountId, domainKey } of jobs) {
    const first = domainKey === null ? undefined : await selectJobOfDomainKey(db, accountId, domainKey)
    if (first === undefined) continue
    return new AppError('already_exists', `The domain key ${JSON.stringify(domainKey)} is that of job ${first.id}.`, {
      hint: 'Wait for that job, or submit another one under a key of its own.',
      details: { conflicts_with: first.id },
      cause: error,
    })
  }
  return undefined
}

const uniqueViolation = '23505'

function unlessMissing(one: Submitted | undefined): Submitted {
  if (one !== undefined) return one
  throw new AppError('conflict', 'A job of the same unique key comes and goes.', { hint: 'Submit the job again.' })
}

function valuesOf(job: NewJob, laneId: number): JobValues {
  return {
    laneId,
    accountId: job.accountId,
    userId: job.userId ?? null,
    kind: job.kind,
    input: exactJson('input of the job', job.input),
    priority: job.priority ?? 0,
    uniqueKey: job.uniqueKey ?? null,
    domainKey: job.domainKey ?? null,
    runAt: job.runAt ?? null,
    attemptsMax: job.attemptsMax ?? 3,
    timeoutMs: job.timeoutMs === undefined ? null : Math.ceil(job.timeoutMs),
    actor: job.userId === undefined || job.userId === null ? 'system' : `user:${job.userId}`,
  }
}

function newJob(values: JobValues, row: InsertedJob): Job {
  const runAt = values.runAt ?? row.created_at
  return {
    id: row.id,
    accountId: values.accountId,
    userId: values.userId,
    kind: values.kind,
    state: runAt > row.created_at ? 'delayed' : 'queued',
    priority: values.priority,
    uniqueKey: values.uniqueKey,
    // As it will be read: without what JSON leaves out.
    input: JSON.parse(values.input) as unknown,
    progress: null,
    output: null,
    error: null,
    runAt,
    attempt: 0,
    attemptsMax: values.attemptsMax,
    timeoutMs: values.timeoutMs,
    killRequestedAt: null,
    createdAt: row.created_at,
    startedAt: null,
    finishedAt: null,
  }
}
