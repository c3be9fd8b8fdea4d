import { afterAll, beforeAll, expect, test } from 'vitest'

import type { TestDatabase } from '../../test/support/postgres.ts'
import { openTestDatabase } from '../../test/support/postgres.ts'
import { systemClock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { openLog } from '../base/log.ts'
import { openDeadLetters } from './open-dead-letters.ts'
import { openFigures } from './open-figures.ts'
import { openLimits } from './open-limits.ts'
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

test('the figures count limits, retries by cause, and jobs that are dead now', async () => {
  const parts = { postgres: database.postgres, clock: systemClock, log: openLog('silent') }
  const figures = openFigures(database.postgres)
  expect(await figures.read()).toEqual({ limits: [], retries: [], dead: [] })

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
    expect((await bench.jobs.wait(job.accountId, job.id, 20_000)).state).toBe('dead')
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
