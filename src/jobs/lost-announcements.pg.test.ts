import { setTimeout as sleep } from 'node:timers/promises'

import { afterEach, beforeEach, expect, test } from 'vitest'

import type { TestDatabase } from '../../test/support/postgres.ts'
import { openTestDatabase } from '../../test/support/postgres.ts'
import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import { AppError, must } from '../base/errors.ts'
import type { Postgres, Sql } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { NewJob } from './jobs.ts'
import { Lanes } from './lanes.ts'
import { submitJobs } from './submit.ts'
import type { JobsBench } from './testing/jobs-bench.ts'
import { openJobsBench } from './testing/jobs-bench.ts'

// What a process tells others after its commit is lost when it dies in between, or when the answer to the commit is.

let database: TestDatabase
beforeEach(async () => {
  database = await openTestDatabase(20)
})
afterEach(() => database.close())

/** The loops of a runner that look now and then: for jobs, for what is due, for leases, and on behalf of each of its two turns. */
const loopsOfRunner = 5

/** Its long timers never fire, so that nobody looks by himself. `asleep` counts those who wait for one. */
function clockOfSleepers(): Clock & { readonly asleep: ReadonlySet<unknown> } {
  const asleep = new Set<unknown>()
  return {
    ...systemClock,
    asleep,
    schedule(ms, call) {
      if (ms < 500) return systemClock.schedule(ms, call)
      asleep.add(call)
      return () => asleep.delete(call)
    },
  }
}

/** Whatever takes a moment takes minutes by it; its timers are ordinary ones. */
const swiftClock: Clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() * 1000 }

const newJob = (bench: JobsBench): NewJob => ({
  accountId: bench.accountId,
  kind: 'work',
  input: {},
  uniqueKey: 'one',
})

/** A job that is committed, and that nobody hears of. */
async function submitUnheard(bench: JobsBench) {
  const { submitted } = await submitJobs(database.postgres, new Lanes(), [newJob(bench)])
  return must(submitted[0], 'a submitted job is answered').job
}

test('workers look for themselves in seconds, even after looking once took long', async () => {
  const bench = await openJobsBench(database.postgres)
  const swift = await openJobsBench(database.postgres, swiftClock)
  const lock = database.postgres.transaction(async (tx) => {
    await tx.query(sql`lock table job_lanes in access exclusive mode`)
    // A twentieth of the time may be spent looking: a look of five minutes would allow the next after more than an hour.
    await sleep(300)
  })
  await swift.run(async () => 'done')
  await lock
  await sleep(500)
  expect(await bench.finished(await submitUnheard(bench))).toMatchObject({ state: 'success' })
  await swift.stop()
  await bench.stop()
})

test('a worker whose look failed looks again soon, and not at its next time', async () => {
  const bench = await openJobsBench(database.postgres, clockOfSleepers())
  const unheard = await submitUnheard(bench)
  let failures = 0
  const postgres: Postgres = {
    ...database.postgres,
    transaction: (body, options) => database.postgres.transaction(body, options),
    listen: (channel, onNotify, onGap) => database.postgres.listen(channel, onNotify, onGap),
    close: () => database.postgres.close(),
    async query<Row>(statement: Sql) {
      if (statement.toQuery().name === 'jobs_active_lanes' && failures++ < 3)
        throw new AppError('database_unavailable', 'away')
      return await database.postgres.query<Row>(statement)
    },
  }
  await bench.run(async () => 'done', { postgres })
  expect(await bench.finished(unheard)).toMatchObject({ state: 'success' })
  expect(failures).toBeGreaterThan(3)
  await bench.stop()
})

test('a repeated submission is announced as the first one was', async () => {
  const clock = clockOfSleepers()
  const bench = await openJobsBench(database.postgres, clock)
  await bench.run(async () => 'done')
  // Each of them looks once when it begins.
  await expect.poll(() => clock.asleep.size).toBe(loopsOfRunner)
  const first = await submitUnheard(bench)
  await sleep(100)
  expect(await bench.jobs.get(bench.accountId, first.id)).toMatchObject({ state: 'queued' })
  const { job, existing } = await bench.jobs.submit(newJob(bench))
  expect(existing).toBe(true)
  expect(job.id).toBe(first.id)
  expect(await bench.finished(job)).toMatchObject({ state: 'success' })
  await bench.stop()
})
