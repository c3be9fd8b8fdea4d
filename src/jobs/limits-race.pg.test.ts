import { setTimeout as sleep } from 'node:timers/promises'

import { afterEach, beforeEach, expect, test } from 'vitest'

import type { TestDatabase } from '../../test/support/postgres.ts'
import { openTestDatabase } from '../../test/support/postgres.ts'
import { must } from '../base/errors.ts'
import { openPostgres, sql } from '../base/postgres/postgres.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import type { Attempt, Job } from './jobs.ts'
import { workerServerSettings } from './plans.ts'
import type { JobsBench } from './testing/jobs-bench.ts'
import { openJobsBench } from './testing/jobs-bench.ts'
import { seededRandomness, shuffled, wholeNumber } from './testing/seeded-randomness.ts'
import { insertLimit, peaksOfLimits } from './testing/slots-in-use.sql.ts'

const slots = 7
const workers = 40
const jobsOfRace = 250

let database: TestDatabase
let bench: JobsBench
let workersPostgres: Postgres

beforeEach(async () => {
  database = await openTestDatabase(10)
  workersPostgres = await openPostgres({
    url: database.url,
    connectionsMax: workers,
    applicationName: 'workers',
    serverSettings: workerServerSettings,
  })
  bench = await openJobsBench(database.postgres)
  await database.postgres.query(sql`create table gauge (slots integer not null, peak integer not null)`)
  await database.postgres.query(sql`insert into gauge values (0, 0)`)
})
afterEach(async () => {
  await bench.stop()
  await workersPostgres.close()
  await database.close()
})

/** Keeps the first handlers until as many run as the limit lets run at once. */
function crowd(size: number): () => Promise<void> {
  const whenFull: (() => void)[] = []
  let count = 0
  return async () => {
    count++
    if (count === size) for (const go of whenFull) go()
    else if (count < size) await new Promise<void>((resolve) => whenFull.push(resolve))
  }
}

/** Runs the jobs under handlers that count each other in the database, whatever the queue believes. */
async function runAll(jobs: readonly Job[], meet: () => Promise<void> = crowd(1)): Promise<void> {
  const counted = async ({ job }: Attempt) => {
    const weight = Number((job.input as { weight: number }).weight)
    await database.postgres.query(
      sql`update gauge set slots = slots + ${weight}, peak = greatest(peak, slots + ${weight})`,
    )
    await meet()
    await sleep(job.id % 5)
    await database.postgres.query(sql`update gauge set slots = slots - ${weight}`)
  }
  await Promise.all(
    Array.from({ length: workers }, (_, index) =>
      bench.run(counted, { owner: `worker ${index}`, postgres: workersPostgres }),
    ),
  )
  for (const job of jobs) expect((await bench.finished(job)).state).toBe('success')
}

async function gauge() {
  const rows = await database.postgres.query<{ slots: number; peak: number }>(sql`select slots, peak from gauge`)
  return must(rows[0], 'the gauge has its row')
}

test(`a limit of ${slots} slots under ${workers} workers is never passed, and priorities go first`, async () => {
  await insertLimit(database.postgres, `resource:${bench.accountId}/redshift`, slots)
  const priorities = shuffled(
    seededRandomness(7),
    Array.from({ length: jobsOfRace }, (_, index) => (index % 5) - 2),
  )
  const submitted = await bench.jobs.submitAll(
    priorities.map((priority) => ({
      accountId: bench.accountId,
      kind: 'work',
      priority,
      input: { weight: 1 },
      resources: { redshift: 1 },
    })),
  )
  await runAll(
    submitted.map(({ job }) => job),
    crowd(slots),
  )

  expect(await gauge()).toEqual({ slots: 0, peak: slots })
  const [peak] = await peaksOfLimits(database.postgres)
  expect(peak).toMatchObject({ slots, used: 0, peak: slots, leases: jobsOfRace })
  const order = await database.postgres.query<{ priority: number; id: number }>(sql`
    select j.priority, j.id from jobs j join job_history h on h.job_id = j.id
     where h.to_state = 'success' order by h.acquired_at, j.priority desc, j.id`)
  expect(order).toEqual(order.toSorted((a, b) => b.priority - a.priority || a.id - b.id))
})

test(`weights of several limits fit side by side under ${workers} workers, and every slot comes back`, async () => {
  for (const [name, most] of [
    ['redshift', slots],
    ['salesforce', 4],
  ] as const) {
    await insertLimit(database.postgres, `resource:${bench.accountId}/${name}`, most)
  }
  const randomness = seededRandomness(8)
  const submitted = await bench.jobs.submitAll(
    Array.from({ length: 200 }, () => {
      const weight = wholeNumber(randomness, 1, 3)
      const resources = randomness.fraction() < 0.5 ? { redshift: weight } : { redshift: weight, salesforce: 1 }
      return { accountId: bench.accountId, kind: 'work', input: { weight }, resources }
    }),
  )
  await runAll(submitted.map(({ job }) => job))

  const { slots: held, peak: seen } = await gauge()
  expect(held).toBe(0)
  expect(seen).toBeLessThanOrEqual(slots)
  for (const { slots: most, used, peak } of await peaksOfLimits(database.postgres)) {
    expect(used).toBe(0)
    expect(peak).toBeLessThanOrEqual(most)
    expect(peak).toBeGreaterThan(0)
  }
})
