import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { TestDatabase } from '../../test/support/postgres.ts'
import { openTestDatabase } from '../../test/support/postgres.ts'
import { systemClock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { openLog } from '../base/log.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { Job } from './jobs.ts'
import { openDeadLetters } from './open-dead-letters.ts'
import type { JobsBench } from './testing/jobs-bench.ts'
import { openJobsBench } from './testing/jobs-bench.ts'

let database: TestDatabase
let bench: JobsBench
let letters: DeadLetters

beforeAll(async () => {
  database = await openTestDatabase()
  bench = await openJobsBench(database.postgres)
  letters = openDeadLetters({ postgres: database.postgres, clock: systemClock, log: openLog('silent') })
})
afterAll(async () => {
  await bench.stop()
  await database.close()
})

/** Jobs of the kind that used up their only attempt, each with the message of its place. */
async function die(kind: string, messages: readonly string[]): Promise<Job[]> {
  const runner = await bench.run(
    async ({ job }) => {
      throw new AppError('worker_lost', String(job.input))
    },
    { kind, concurrency: 4, owner: `killer of ${kind}` },
  )
  const jobs = await Promise.all(messages.map((input) => bench.submit({ kind, input, attemptsMax: 1 })))
  const dead = await Promise.all(jobs.map((job) => bench.finished(job)))
  await runner.stop()
  return dead
}

const idsOf = (jobs: readonly Job[]) => jobs.map(({ id }) => id)
const ascending = (ids: readonly number[]) => ids.toSorted((a, b) => a - b)
const by = { dryRun: false, actor: 'user:7' }

describe('dead letters', () => {
  test('are jobs that failed three times in a way nobody thought of, however many attempts they have', async () => {
    const runner = await bench.run(
      async ({ job }) => {
        throw job.input === 'odd' ? new Error('what?') : new AppError('query_memory_exceeded', 'Too much.')
      },
      { kind: 'odd', owner: 'stranger' },
    )
    const [odd, large] = [
      await bench.submit({ kind: 'odd', input: 'odd', attemptsMax: 9 }),
      await bench.submit({ kind: 'odd', input: 'large', attemptsMax: 9 }),
    ]
    expect(await bench.finished(odd)).toMatchObject({ state: 'dead', attempt: 3, error: { code: 'internal' } })
    expect(await bench.finished(large)).toMatchObject({ state: 'error', attempt: 1 })
    await runner.stop()
  })

  test('are grouped by what their errors have in common', async () => {
    const dead = await die('grouped', ['Engine 1 died.', 'Engine 22 died.', 'Engine 3 died.', 'No such "thing".'])
    expect(dead.map(({ state }) => state)).toEqual(['dead', 'dead', 'dead', 'dead'])
    const groups = (await letters.groups(bench.accountId)).filter(({ kind }) => kind === 'grouped')
    expect(groups.map(({ count }) => count)).toEqual([3, 1])
    const [engines, thing] = groups
    expect(engines?.error.code).toBe('worker_lost')
    expect(engines?.fingerprint).not.toBe(thing?.fingerprint)
    expect(thing).toMatchObject({ jobId: dead[3]?.id, error: { message: 'No such "thing".' } })
    expect(engines?.firstAt.getTime()).toBeLessThanOrEqual(engines?.lastAt.getTime() ?? 0)
  })

  test('are listed by filter, the newest first, in pages', async () => {
    const dead = await die('listed', ['a', 'b', 'c'])
    const filter = { accountId: bench.accountId, kind: 'listed' }
    const ids = ascending(idsOf(dead)).toReversed()
    expect(idsOf(await letters.list(filter, { limit: 2 }))).toEqual(ids.slice(0, 2))
    expect(idsOf(await letters.list(filter, { limit: 2, before: ids[1] ?? 0 }))).toEqual(ids.slice(2))
    expect(idsOf(await letters.list({ ...filter, ids: [ids[1] ?? 0] }, { limit: 9 }))).toEqual([ids[1]])
    expect(await letters.list({ ...filter, until: new Date(0) }, { limit: 9 })).toEqual([])
    expect(await letters.list({ ...filter, since: new Date(0) }, { limit: 9 })).toHaveLength(3)
    expect(await letters.list({ ...filter, accountId: bench.accountId + 1 }, { limit: 9 })).toEqual([])
    expect(await letters.list({ ...filter, fingerprint: '000000000000' }, { limit: 9 })).toEqual([])
  })

  test('can be queued again with all their attempts, after a look at which they would be', async () => {
    const dead = await die('redriven', ['x', 'y'])
    const filter = { accountId: bench.accountId, kind: 'redriven' }
    const ids = ascending(idsOf(dead))
    expect(await letters.redrive(filter, { ...by, dryRun: true })).toEqual({ ids, more: false })
    expect(await letters.list(filter, { limit: 9 })).toHaveLength(2)
    expect(await letters.redrive(filter, by)).toEqual({ ids, more: false })
    expect(await letters.list(filter, { limit: 9 })).toEqual([])
    expect(await letters.redrive(filter, by)).toEqual({ ids: [], more: false })
    expect(await bench.jobs.get(bench.accountId, ids[0] ?? 0)).toMatchObject({ state: 'queued', attempt: 0 })
    await bench.run(async () => 'done', { kind: 'redriven', owner: 'healer' })
    const job = await bench.finished({ id: ids[0] ?? 0 })
    expect(job).toMatchObject({ state: 'success', attempt: 1, error: null, output: 'done' })
    const path = ['>queued', 'queued>running', 'running>dead', 'dead>queued', 'queued>running', 'running>success']
    expect(await bench.path(job)).toEqual(path)
    expect((await bench.jobs.history(bench.accountId, job.id))[3]).toMatchObject({
      actor: 'user:7',
      reason: 'redriven',
    })
  })

  test('are queued once, however many redrive them at once, and while they run again already', async () => {
    const dead = await die(
      'contended',
      Array.from({ length: 20 }, (_, index) => `died of ${index}`),
    )
    const attempts = new Map<number, number>()
    await bench.run(
      async ({ job }) => {
        attempts.set(job.id, (attempts.get(job.id) ?? 0) + 1)
      },
      { kind: 'contended', concurrency: 8, owner: 'counter' },
    )
    const filter = { accountId: bench.accountId, kind: 'contended' }
    const redrives = await Promise.all(Array.from({ length: 8 }, () => letters.redrive(filter, by)))
    expect(ascending(redrives.flatMap(({ ids }) => ids))).toEqual(ascending(idsOf(dead)))
    await Promise.all(dead.map((job) => bench.finished(job)))
    expect([...attempts.values()]).toEqual(dead.map(() => 1))
    const doubles = await database.postgres.query(sql`
      select job_id from job_history where to_state = 'queued' and from_state = 'dead'
       group by job_id having count(*) > 1`)
    expect(doubles).toEqual([])
  })

  test('die again, and are dead again', async () => {
    const [first] = await die('undead', ['once'])
    const filter = { accountId: bench.accountId, kind: 'undead' }
    await letters.redrive(filter, by)
    await bench.run(
      async () => {
        throw new AppError('worker_lost', 'twice')
      },
      { kind: 'undead', owner: 'second killer' },
    )
    await bench.finished({ id: first?.id ?? 0 })
    const [again, ...others] = await letters.list(filter, { limit: 9 })
    expect(again).toMatchObject({ id: first?.id, state: 'dead', error: { message: 'twice' } })
    expect(others).toEqual([])
    const group = (await letters.groups(bench.accountId)).find(({ kind }) => kind === 'undead')
    expect(group).toMatchObject({ count: 1, error: { message: 'twice' } })
  })
})
