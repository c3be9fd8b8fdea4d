import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { forkArguments } from '../../src/base/fork-arguments.ts'
import { must } from '../../src/base/errors.ts'
import { sql } from '../../src/base/postgres/postgres.ts'
import type { JobsBench } from '../../src/jobs/testing/jobs-bench.ts'
import { openJobsBench } from '../../src/jobs/testing/jobs-bench.ts'
import { seededRandomness, wholeNumber } from '../../src/jobs/testing/seeded-randomness.ts'
import type { SeverableWay } from '../../src/jobs/testing/severable-postgres.ts'
import { openSeverableWay } from '../../src/jobs/testing/severable-postgres.ts'
import { insertLimit, peaksOfLimits } from '../../src/jobs/testing/slots-in-use.sql.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { openTestDatabase } from '../support/postgres.ts'

/** Longer runs: BIWA_TEST_QUEUE_JOBS=200000. The same faults again: BIWA_TEST_SEED. */
const jobCount = Number(process.env['BIWA_TEST_QUEUE_JOBS'] ?? 20_000)
const seed = Number(process.env['BIWA_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 32))
const workerCount = 8
const leaseMs = 500
const pausedMs = 10 * leaseMs
const limits = { redshift: 24, salesforce: 16 }

const randomness = seededRandomness(seed)
const between = (least: number, most: number) => wholeNumber(randomness, least, most)

/** A worker's place: its process comes and goes, the way to the database stays. */
interface Place {
  readonly name: string
  readonly way: SeverableWay
  process: ChildProcess
  starts: number
  /** A fault is under way. */
  busy: boolean
}

let database: TestDatabase
let bench: JobsBench
const places: Place[] = []
const faults = { killed: 0, paused: 0, severed: 0 }
let over = false

beforeAll(async () => {
  database = await openTestDatabase(10)
  bench = await openJobsBench(database.postgres)
  await database.postgres.query(sql`create table published (job_id bigint, lease_token bigint, attempt integer)`)
  await database.postgres.query(sql`create index on published (job_id)`)
  await database.postgres.query(sql`create table refused (job_id bigint, lease_token bigint, attempt integer)`)
})
afterAll(async () => {
  over = true
  for (const { process, way } of places) {
    process.kill('SIGKILL')
    await way.close()
  }
  await bench.stop()
  await database.close()
})

test(`${jobCount} jobs under kills, pauses and lost connections (BIWA_TEST_SEED=${seed})`, async () => {
  for (const [name, slots] of Object.entries(limits)) {
    await insertLimit(database.postgres, `resource:${bench.accountId}/${name}`, slots)
  }
  for (let index = 0; index < workerCount; index++) places.push(await openPlace(`worker ${index}`))
  const chaos = disturb()
  await submitAll()
  await untilFinished()
  over = true
  await chaos
  const [facts] = await database.postgres.query(sql`
    select (select count(*)::integer from refused) as refused,
           (select count(*)::integer from job_history where reason like 'lost with %') as lost,
           (select max(attempt) from job_history) as attempts`)
  console.log({ seed, ...faults, ...facts })
  await everyJobSucceededOnce()
  await everyJobPublishedOnce()
  await noLimitWasExceeded()
  expect(faults.killed).toBeGreaterThan(0)
  expect(faults.paused).toBeGreaterThan(0)
  expect(faults.severed).toBeGreaterThan(0)
  expect(facts?.['refused'], 'some worker came back too late and met the fence').toBeGreaterThan(0)
})

async function openPlace(name: string): Promise<Place> {
  const way = await openSeverableWay(database.url)
  const place: Place = { name, way, process: startWorker(name, way, 1), starts: 1, busy: false }
  keepRunning(place)
  return place
}

function startWorker(name: string, { url }: SeverableWay, start: number): ChildProcess {
  const entry = new URL('queue-worker.ts', import.meta.url)
  return fork(entry, {
    execArgv: forkArguments(entry),
    env: {
      ...process.env,
      QUEUE_WORKER_URL: url,
      QUEUE_WORKER_OWNER: `${name} start ${start}`,
      QUEUE_WORKER_LEASE_MS: String(leaseMs),
    },
  })
}

function keepRunning(place: Place): void {
  place.process.once('exit', () => {
    if (over) return
    place.starts++
    place.process = startWorker(place.name, place.way, place.starts)
    keepRunning(place)
  })
}

/** One fault after the other; those that last overlap. */
async function disturb(): Promise<void> {
  const lasting: Promise<void>[] = []
  while (!over) {
    await sleep(between(500, 2000))
    const idle = places.filter(({ busy }) => !busy)
    // Enough workers go on for the others' leases to be found.
    if (idle.length <= workerCount / 2) continue
    const place = must(idle[between(0, idle.length - 1)], 'some place has no fault')
    lasting.push(befall(place, randomness.fraction()))
  }
  await Promise.all(lasting)
}

async function befall(place: Place, chance: number): Promise<void> {
  place.busy = true
  if (chance < 0.4) {
    faults.killed++
    place.process.kill('SIGKILL')
    await sleep(between(500, 2000))
  } else if (chance < 0.7) {
    faults.paused++
    const { process } = place
    process.kill('SIGSTOP')
    await sleep(pausedMs)
    process.kill('SIGCONT')
    await sleep(between(200, 1000))
  } else {
    faults.severed++
    await place.way.sever()
    await sleep(between(0, 3 * leaseMs))
    await place.way.mend()
  }
  place.busy = false
}

/** While the workers work. Some jobs are under limits, and some take longer than a lease. */
async function submitAll(): Promise<void> {
  const batch = 500
  for (let first = 0; first < jobCount; first += batch) {
    const jobs = Array.from({ length: Math.min(batch, jobCount - first) }, (_, index) => {
      const chance = randomness.fraction()
      const ms = chance < 0.005 ? between(leaseMs, 2 * leaseMs) : chance < 0.5 ? between(1, 20) : 0
      const limit = between(0, 31)
      const weight = between(1, 3)
      return {
        accountId: bench.accountId,
        kind: 'publish',
        input: { ms },
        priority: between(-2, 2),
        uniqueKey: `job ${first + index}`,
        attemptsMax: 1000,
        ...(limit === 0 && { resources: { redshift: weight } }),
        ...(limit === 1 && { resources: { redshift: 1, salesforce: weight } }),
      }
    })
    await bench.jobs.submitAll(jobs)
    await sleep(between(0, 500))
  }
}

/** The test's own timeout ends it when jobs are lost. */
async function untilFinished(): Promise<void> {
  while (true) {
    const [left] = await database.postgres.query<{ count: number }>(sql`
      select (select count(*) from job_waiting) + (select count(*) from job_running) as count`)
    if (left?.count === 0) return
    await sleep(250)
  }
}

async function everyJobSucceededOnce(): Promise<void> {
  const ends = await database.postgres.query(sql`
    select to_state, count(*)::integer as ends, count(distinct job_id)::integer as jobs from job_history
     where to_state in ('success', 'error', 'killed', 'dead')
     group by to_state`)
  expect(ends).toEqual([{ to_state: 'success', ends: jobCount, jobs: jobCount }])
  const [counts] = await database.postgres.query(sql`
    select (select count(*)::integer from jobs) as jobs,
           (select count(*)::integer from job_waiting) as waiting, (select count(*)::integer from job_running) as running`)
  expect(counts).toEqual({ jobs: jobCount, waiting: 0, running: 0 })
  // One attempt after the other: each begins when the one before has ended, and has the next number.
  const broken = await database.postgres.query(sql`
    select * from (
      select job_id, attempt, acquired_at, row_number() over attempts as number, lag(at) over attempts as before
        from job_history where acquired_at is not null
      window attempts as (partition by job_id order by id)
    ) as told where attempt <> number or acquired_at < before`)
  expect(broken).toEqual([])
}

async function everyJobPublishedOnce(): Promise<void> {
  const [published] = await database.postgres.query(sql`
    select count(*)::integer as rows, count(distinct job_id)::integer as jobs from published`)
  expect(published).toEqual({ rows: jobCount, jobs: jobCount })
}

async function noLimitWasExceeded(): Promise<void> {
  const peaks = await peaksOfLimits(database.postgres)
  console.log(peaks)
  expect(peaks.length).toBe(2)
  for (const { slots, used, peak, leases } of peaks) {
    expect(leases).toBeGreaterThan(0)
    expect(used, 'a slot leaked').toBe(0)
    expect(peak).toBeLessThanOrEqual(slots)
  }
}
