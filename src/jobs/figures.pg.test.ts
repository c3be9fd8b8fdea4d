import { afterAll, beforeAll, expect, test } from 'vitest'

import type { TestDatabase } from '../../test/support/postgres.ts'
import { openTestDatabase } from '../../test/support/postgres.ts'
import { systemClock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { openLog } from '../base/log.ts'
import { sql } from '../base/postgres/postgres.ts'
import { openDeadLetters } from './open-dead-letters.ts'
import { openFigures } from './open-figures.ts'
import { openLimits } from './open-limits.ts'
import { openSchedules } from './schedules/open-schedules.ts'
import type { JobsBench } from './testing/jobs-bench.ts'
import { openJobsBench } from './testing/jobs-bench.ts'

let database: TestDatabase
let bench: JobsBench

beforeAll(async () => {
  database = await openTestDatabase()
  bench = await openJobsBench(database.postgres)
})
afterAll(async () => {
  await bench.stop()
  await database.close()
})

const noSchedules = { active: 0, paused: 0, lateSeconds: 0, fired: [] }

test('the figures count limits, retries by cause, and jobs that are dead now', async () => {
  const parts = { postgres: database.postgres, clock: systemClock, log: openLog('silent') }
  const figures = openFigures(database.postgres)
  expect(await figures.read()).toEqual({ limits: [], retries: [], dead: [], schedules: noSchedules })

  const limits = openLimits(parts)
  await limits.set(null, 'kind:failing', 5)
  await limits.set(null, `workgroup:${bench.accountId}/secret`, 1)
  await limits.set(null, `workgroup:${bench.accountId}/hidden`, 0)
  const errors = [new AppError('worker_lost', 'Lost.'), new AppError('too_many_requests', 'Later.'), new Error('Odd.')]
  const runner = await bench.run(
    async ({ job }) => {
      throw errors[Number(job.input)]
    },
    { kind: 'failing', concurrency: 3, owner: 'failing' },
  )
  const jobs = await Promise.all(errors.map((_, input) => bench.submit({ kind: 'failing', input, attemptsMax: 2 })))
  jobs.push((await bench.jobs.submit({ accountId: null, kind: 'failing', input: 0, attemptsMax: 1 })).job)
  for (const job of jobs) {
    expect((await bench.jobs.wait(job.accountId, job.id, 90_000)).state).toBe('dead')
  }
  await runner.stop()

  const read = await figures.read()
  expect(read.limits).toEqual([
    { limit: 'kind:failing', slots: 5, used: 0, full: 0 },
    { limit: 'workgroup', slots: 1, used: 0, full: 1 },
  ])
  expect(read.dead).toEqual([{ kind: 'failing', count: 4 }])
  expect(read.retries.toSorted((a, b) => a.cause.localeCompare(b.cause))).toEqual([
    { cause: 'busy', count: 1 },
    { cause: 'unknown', count: 1 },
    { cause: 'worker_lost', count: 1 },
  ])

  await openDeadLetters(parts).redrive({ accountId: bench.accountId }, { dryRun: false, actor: 'test' })
  expect((await figures.read()).dead).toEqual([{ kind: 'failing', count: 1 }])
})

test('the figures count schedules, those that were fired by cause, and tell how late the latest is', async () => {
  const parts = { postgres: database.postgres, clock: systemClock, log: openLog('silent') }
  const [schedules, figures] = [openSchedules(parts), openFigures(database.postgres)]
  const owner = { accountId: bench.accountId, userId: 1 }
  const job = { kind: 'report', input: {} }
  for (const name of ['a', 'b', 'c']) await schedules.create({ ...owner, name, cron: '0 0 1 1 *', job })
  await schedules.pause(owner, 'c')
  await schedules.runNow(owner, 'a')
  const from = new Date('2024-01-01T00:00:00Z')
  await schedules.backfill(owner, 'a', { from, to: new Date('2026-01-01T00:00:00Z'), dryRun: false })
  expect((await figures.read()).schedules).toEqual({
    active: 2,
    paused: 1,
    lateSeconds: 0,
    fired: [
      { cause: 'backfill', count: 2 },
      { cause: 'run_now', count: 1 },
    ],
  })

  // Due for an hour, and for longer: but that one is paused.
  await database.postgres.query(sql`
    update schedule_times
       set next_time = now() - case when paused_at is null then interval '1 hour' else interval '1 day' end`)
  const { lateSeconds } = (await figures.read()).schedules
  expect(lateSeconds).toBeGreaterThanOrEqual(3600)
  expect(lateSeconds).toBeLessThan(86_400)
  for (const { name } of await schedules.list(owner, { limit: 9 })) await schedules.delete(owner, name)
  expect((await figures.read()).schedules).toEqual(noSchedules)
})
