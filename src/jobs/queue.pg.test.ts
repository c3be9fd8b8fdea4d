import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { TestDatabase } from '../../test/support/postgres.ts'
import { openTestDatabase } from '../../test/support/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import { deleteFinishedJobs } from './retention.ts'
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

const later = () => new Date(Date.now() + 3_600_000)

describe('submitting', () => {
  test('makes a job that waits, and begins its history', async () => {
    const job = await bench.submit({ input: { a: [1, null, 'é😀'] }, priority: 2, timeoutMs: 1500.2, attemptsMax: 5 })
    expect(job).toMatchObject({
      accountId: bench.accountId,
      state: 'queued',
      input: { a: [1, null, 'é😀'] },
      priority: 2,
      timeoutMs: 1501,
      attemptsMax: 5,
      attempt: 0,
      output: null,
      error: null,
      finishedAt: null,
    })
    expect(await bench.jobs.get(bench.accountId, job.id)).toEqual(job)
    expect(await bench.path(job)).toEqual(['>queued'])
  })

  test('delays a job whose time is to come', async () => {
    const runAt = later()
    const job = await bench.submit({ runAt })
    expect(job).toMatchObject({ state: 'delayed', runAt })
  })

  test('answers many in the order they were asked, and a key within them once', async () => {
    const one = { accountId: bench.accountId, kind: 'many' }
    const submitted = await bench.jobs.submitAll([
      { ...one, input: 0 },
      { ...one, input: 1, uniqueKey: 'same' },
      { ...one, input: 2, uniqueKey: 'same' },
      { ...one, input: 3 },
      { ...one, input: 4, uniqueKey: 'other', runAt: later() },
    ])
    expect(submitted.map(({ job }) => job.input)).toEqual([0, 1, 1, 3, 4])
    expect(submitted.map(({ existing }) => existing)).toEqual([false, false, true, false, false])
    expect(await bench.jobs.submitAll([])).toEqual([])
  })

  test('fifty times at once with one key makes one job', async () => {
    const submit = () => bench.jobs.submit({ accountId: bench.accountId, kind: 'race', input: {}, uniqueKey: 'one' })
    const submitted = await Promise.all(Array.from({ length: 50 }, submit))
    expect(new Set(submitted.map(({ job }) => job.id)).size).toBe(1)
    expect(submitted.filter(({ existing }) => !existing)).toHaveLength(1)
    expect(await bench.path(submitted[0]!.job)).toEqual(['>queued'])
  })

  test('keeps keys of other kinds and accounts apart, and the system’s own', async () => {
    const [other] = await bench.postgres.query<{ id: number }>(
      sql`insert into accounts (name) values ('b') returning id`,
    )
    const key = { input: {}, uniqueKey: 'apart' }
    const submitted = await bench.jobs.submitAll([
      { ...key, accountId: bench.accountId, kind: 'a' },
      { ...key, accountId: bench.accountId, kind: 'b' },
      { ...key, accountId: other!.id, kind: 'a' },
      { ...key, accountId: null, kind: 'a' },
      { ...key, accountId: null, kind: 'a' },
    ])
    expect(submitted.map(({ existing }) => existing)).toEqual([false, false, false, false, true])
  })

  test('refuses input that could not be given back', async () => {
    await expect(bench.submit({ input: { sql: 'select \0' } })).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(bench.submit({ input: 'half \ud800' })).rejects.toMatchObject({ code: 'invalid_request' })
  })
})

describe('reading', () => {
  test('shows nothing of another account, nor of the system', async () => {
    const job = await bench.submit()
    const system = (await bench.jobs.submit({ accountId: null, kind: 'own', input: {} })).job
    const stranger = bench.accountId + 1000
    const missing = { code: 'job_not_found' }
    await expect(bench.jobs.get(stranger, job.id)).rejects.toMatchObject(missing)
    await expect(bench.jobs.history(stranger, job.id)).rejects.toMatchObject(missing)
    await expect(bench.jobs.wait(stranger, job.id, 0)).rejects.toMatchObject(missing)
    await expect(bench.jobs.kill(stranger, job.id, 'stranger')).rejects.toMatchObject(missing)
    await expect(bench.jobs.get(null, job.id)).rejects.toMatchObject(missing)
    await expect(bench.jobs.get(bench.accountId, system.id)).rejects.toMatchObject(missing)
    expect(await bench.jobs.list({ accountId: stranger, limit: 10 })).toEqual([])
    expect((await bench.jobs.get(null, system.id)).id).toBe(system.id)
    expect((await bench.jobs.get(bench.accountId, job.id)).state).toBe('queued')
  })

  test('lists from the newest down, page by page, of a kind and state', async () => {
    const made = await bench.jobs.submitAll(
      [1, 2, 3, 4, 5].map((input) => ({
        accountId: bench.accountId,
        kind: 'listed',
        input,
        ...(input === 3 && { runAt: later() }),
      })),
    )
    const list = (filter: object) =>
      bench.jobs.list({ accountId: bench.accountId, kind: 'listed', limit: 2, ...filter })
    expect((await list({})).map((job) => job.input)).toEqual([5, 4])
    expect((await list({ before: made[3]!.job.id })).map((job) => job.input)).toEqual([3, 2])
    expect((await list({ state: 'delayed' })).map((job) => job.input)).toEqual([3])
    expect(await list({ kind: 'nothing' })).toEqual([])
  })

  test('lists jobs of several kinds and states, of a user, from a place on, and by how long they ran', async () => {
    const other = await bench.jobs.submit({ accountId: bench.accountId, kind: 'listed too', input: 6, userId: 7 })
    const list = async (filter: object) => {
      const kind = ['listed', 'listed too']
      const jobs = await bench.jobs.list({ accountId: bench.accountId, kind, limit: 10, ...filter })
      return jobs.map((job) => job.input)
    }
    expect(await list({})).toEqual([6, 5, 4, 3, 2, 1])
    expect(await list({ offset: 1, limit: 2 })).toEqual([5, 4])
    expect(await list({ state: ['delayed', 'killed'] })).toEqual([3])
    expect(await list({ userId: 7 })).toEqual([6])
    expect(await list({ secondsMin: 0 })).toEqual([])
    await bench.jobs.kill(bench.accountId, other.job.id, 'test')
    expect(await list({ state: ['dead', 'killed'] })).toEqual([6])
  })

  test('refuses a domain key that another job has, of whichever kind, and names that job', async () => {
    const submit = (kind: string, domainKey: string, accountId = bench.accountId) =>
      bench.jobs.submit({ accountId, kind, input: {}, domainKey })
    const { job } = await submit('keyed', 'of-a-workflow')
    await expect(submit('keyed too', 'of-a-workflow')).rejects.toMatchObject({
      code: 'already_exists',
      details: { conflicts_with: job.id },
    })
    expect((await bench.jobs.ofDomainKey(bench.accountId, 'of-a-workflow')).id).toBe(job.id)
    await expect(bench.jobs.ofDomainKey(bench.accountId, 'another')).rejects.toMatchObject({ code: 'job_not_found' })
    const racing = await Promise.allSettled(Array.from({ length: 5 }, () => submit('keyed', 'raced')))
    expect(racing.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  test('counts what waits by kind', async () => {
    await bench.submit({ kind: 'counted' })
    await bench.submit({ kind: 'counted', runAt: later() })
    const depth = (await bench.jobs.depth()).filter(({ kind }) => kind === 'counted')
    expect(depth.map(({ state, count }) => [state, count])).toEqual([
      ['delayed', 1],
      ['queued', 1],
    ])
    for (const { oldestSeconds } of depth) expect(oldestSeconds).toBeGreaterThanOrEqual(0)
  })
})

describe('killing', () => {
  test('ends a job that waits at once, and for ever', async () => {
    for (const more of [{}, { runAt: later() }]) {
      const job = await bench.submit({ kind: 'doomed', ...more })
      expect(await bench.jobs.kill(bench.accountId, job.id, 'user:1')).toBe(job.state)
      expect(await bench.jobs.get(bench.accountId, job.id)).toMatchObject({
        state: 'killed',
        error: { code: 'job_killed' },
        finishedAt: expect.any(Date),
      })
      expect(await bench.jobs.kill(bench.accountId, job.id, 'user:1')).toBe('killed')
      expect(await bench.path(job)).toEqual([`>${job.state}`, `${job.state}>killed`])
      expect((await bench.jobs.history(bench.accountId, job.id)).at(-1)?.actor).toBe('user:1')
    }
  })

  test('wakes who waits for the job', async () => {
    const job = await bench.submit({ kind: 'doomed' })
    const waiting = bench.jobs.wait(bench.accountId, job.id, 30_000)
    await bench.jobs.kill(bench.accountId, job.id, 'user:1')
    expect((await waiting).state).toBe('killed')
  })
})

describe('waiting', () => {
  test('ends with the job as it is when the time is up or nobody listens any more', async () => {
    const job = await bench.submit({ kind: 'idle' })
    expect((await bench.jobs.wait(bench.accountId, job.id, 20)).state).toBe('queued')
    const leaving = new AbortController()
    const waiting = bench.jobs.wait(bench.accountId, job.id, 600_000, leaving.signal)
    leaving.abort()
    expect((await waiting).state).toBe('queued')
    expect((await bench.jobs.wait(bench.accountId, job.id, 600_000, leaving.signal)).state).toBe('queued')
  })
})

test('finished jobs are deleted with their history when they are old, and others are kept', async () => {
  const [old, fresh, waiting] = [await bench.submit(), await bench.submit(), await bench.submit()]
  await bench.jobs.kill(bench.accountId, old.id, 'user:1')
  await bench.jobs.kill(bench.accountId, fresh.id, 'user:1')
  await bench.postgres.query(sql`update job_history set at = now() - interval '2 days' where job_id = ${old.id}`)
  expect(await deleteFinishedJobs(bench.postgres, new Date(Date.now() - 86_400_000))).toBe(1)
  await expect(bench.jobs.get(bench.accountId, old.id)).rejects.toMatchObject({ code: 'job_not_found' })
  expect(await bench.postgres.query(sql`select 1 from job_history where job_id = ${old.id}`)).toEqual([])
  expect((await bench.jobs.get(bench.accountId, fresh.id)).state).toBe('killed')
  expect((await bench.jobs.get(bench.accountId, waiting.id)).state).toBe('queued')
})
