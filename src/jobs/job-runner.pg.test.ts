import { setTimeout as sleep } from 'node:timers/promises'

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import type { TestDatabase } from '../../test/support/postgres.ts'
import { openTestDatabase } from '../../test/support/postgres.ts'
import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import { AppError, must } from '../base/errors.ts'
import { openPostgres, sql } from '../base/postgres/postgres.ts'
import { systemRandomness } from '../base/randomness.ts'
import { finishAndAcquire } from './acquire.sql.ts'
import { Announcer } from './announcer.ts'
import { extendLeases } from './heartbeat.sql.ts'
import type { Attempt, JobHandler, JobState, JobTransition } from './jobs.ts'
import { failedByBug, succeeded } from './outcome.ts'
import { positionMin } from './position.sql.ts'
import { promoteDue } from './promote.sql.ts'
import { settleAttempt, settleExpired } from './settle.ts'
import type { JobsBench } from './testing/jobs-bench.ts'
import { openJobsBench } from './testing/jobs-bench.ts'
import { openSeverableWay } from './testing/severable-postgres.ts'
import type { JobEvent } from './transitions.ts'
import { stateAfter } from './transitions.ts'

let database: TestDatabase
let bench: JobsBench

beforeEach(async () => {
  database = await openTestDatabase(20)
  bench = await openJobsBench(database.postgres)
})
afterEach(async () => {
  await bench.stop()
  await expectLawfulHistories()
  await database.close()
})

/** Whatever a test has done to its jobs, their histories are ways through the table of states. */
async function expectLawfulHistories(): Promise<void> {
  const changes = await database.postgres.query<Pick<JobTransition, 'from' | 'to'>>(
    sql`select distinct from_state as "from", to_state as "to" from job_history`,
  )
  for (const { from, to } of changes) expect(from === null ? ['queued', 'delayed'] : successors(from)).toContain(to)
}

function successors(state: JobState): (JobState | undefined)[] {
  const events: JobEvent[] = [
    'fall_due',
    'acquire',
    'succeed',
    'fail',
    'fail_retryable',
    'lose',
    'hand_back',
    'obey_kill',
    'kill',
  ]
  return events.flatMap((event) =>
    [true, false].flatMap((killRequested) =>
      [1, 2].map((attempt) => stateAfter(state, event, { attempt, attemptsMax: 2, killRequested })),
    ),
  )
}

const silent = () => new Announcer(database.postgres, systemClock)
const get = (job: { id: number }) => bench.jobs.get(bench.accountId, job.id)
const until = (condition: () => unknown) => expect.poll(condition).toBeTruthy()

/** Heartbeats come thirty times, and not three times, while a lease holds: a busy machine may be late for many of them. */
const livelyClock: Clock = { ...systemClock, schedule: (ms, task) => systemClock.schedule(ms / 10, task) }

/** Runs until it is told to end, and notes that it has begun. */
function endless(begun: Attempt[]): JobHandler {
  return async (attempt) => {
    begun.push(attempt)
    await new Promise((_, reject) => attempt.signal.addEventListener('abort', () => reject(new Error('aborted'))))
  }
}

/** As a worker does that is then killed: the lease stays, and nobody extends it. */
async function acquireAndVanish(owner = 'gone', leaseMs = 60_000) {
  await promoteDue(database.postgres, { actor: owner, limit: 100, horizonMs: 1000 })
  const lanes = await database.postgres.query<{ id: number }>(sql`select id from job_lanes where kind = 'work'`)
  const wanted = lanes.map(({ id: laneId }) => ({ laneId, fromPosition: positionMin, count: 1 }))
  const [row] = await finishAndAcquire(database.postgres, [], wanted, { owner, ms: leaseMs })
  if (row?.id === undefined || row.id === null) throw new Error('no job is due')
  return { jobId: row.id, leaseToken: row.lease_token }
}

/** When the lease runs out that is held on the job, in milliseconds. */
async function leaseEndOf(job: { id: number }): Promise<number> {
  const [row] = await database.postgres.query<{ ms: number }>(
    sql`select (extract(epoch from lease_expires_at) * 1000)::bigint as ms from job_running where job_id = ${job.id}`,
  )
  return must(row, 'the job runs').ms
}

const expire = (jobId: number) =>
  database.postgres.query(
    sql`update job_running set lease_expires_at = now() - interval '1 second' where job_id = ${jobId}`,
  )

describe('a runner', () => {
  test('runs a job and keeps its output', async () => {
    const runner = await bench.run(async (attempt) => {
      attempt.progress({ done: 1 })
      return { doubled: (attempt.job.input as { n: number }).n * 2 }
    })
    const job = await bench.finished(await bench.submit({ input: { n: 21 } }))
    expect(job).toMatchObject({ state: 'success', output: { doubled: 42 }, progress: { done: 1 }, attempt: 1 })
    expect(job.error).toBeNull()
    expect(await bench.path(job)).toEqual(['>queued', 'queued>running', 'running>success'])
    await runner.drain?.()
  })

  test('runs jobs that were there before it, and those whose time comes', async () => {
    const early = await bench.submit()
    const delayed = await bench.submit({ runAt: new Date(Date.now() + 2000) })
    await bench.run(async () => null)
    expect((await bench.finished(early)).state).toBe('success')
    expect((await bench.finished(delayed)).state).toBe('success')
    expect(await bench.path(delayed)).toEqual(['>delayed', 'delayed>queued', 'queued>running', 'running>success'])
  })

  test('leaves jobs of other kinds alone', async () => {
    const other = await bench.submit({ kind: 'other' })
    await bench.run(async () => null)
    await bench.finished(await bench.submit())
    expect((await get(other)).state).toBe('queued')
  })

  test('takes the urgent first, then the oldest', async () => {
    const order: unknown[] = []
    for (const [input, priority] of [
      ['a', 0],
      ['b', -2],
      ['c', 2],
      ['d', 0],
    ] as const) {
      await bench.submit({ input, priority })
    }
    await bench.run(async ({ job }) => order.push(job.input))
    await until(() => order.length === 4)
    expect(order).toEqual(['c', 'a', 'd', 'b'])
  })

  test('runs no more at once than it may', async () => {
    let running = 0
    let most = 0
    await bench.run(
      async () => {
        most = Math.max(most, ++running)
        await sleep(10)
        running--
      },
      { concurrency: 3 },
    )
    const jobs = await Promise.all(Array.from({ length: 12 }, () => bench.submit()))
    for (const job of jobs) await bench.finished(job)
    expect(most).toBe(3)
  })

  test('keeps output that jsonb cannot hold as nearly as it can, and fails for what is no JSON', async () => {
    await bench.run(async ({ job }) => (job.input === 'big' ? 1n : { text: 'a\0b' }))
    expect((await bench.finished(await bench.submit())).output).toEqual({ text: 'a\ufffdb' })
    const big = await bench.finished(await bench.submit({ input: 'big', attemptsMax: 1 }))
    expect(big).toMatchObject({ state: 'dead', error: { code: 'internal' } })
  })

  test('shows what it made as it is, and in lists without the result that lies with it', async () => {
    const kind = 'making'
    await bench.run(async ({ job }) => job.input, { kind })
    const small = { rows: 1, inline: 'UEFSMQ==', ready: { from: 4, to: 8 } }
    const others = [{ rows: 2 }, ['inline'], 'inline', null]
    for (const input of [small, ...others])
      expect((await bench.finished(await bench.submit({ kind, input }))).output).toEqual(input)
    const listed = await bench.jobs.list({ accountId: bench.accountId, kind, limit: 10 })
    expect(listed.map(({ output }) => output).toReversed()).toEqual([{ ...small, inline: '' }, ...others])
  })
})

describe('twenty runners at once', () => {
  test('never run one attempt twice, and leave nothing behind', async () => {
    const attempts = new Map<string, number>()
    const failFirst: JobHandler = async ({ job, leaseToken }) => {
      const key = `${job.id}/${job.attempt}`
      attempts.set(key, (attempts.get(key) ?? 0) + 1)
      if (job.id % 10 === 0 && job.attempt === 1) throw new AppError('worker_lost', 'once')
      return leaseToken
    }
    const runners = Array.from({ length: 20 }, (_, index) =>
      bench.run(failFirst, { owner: `w${index}`, concurrency: 4 }),
    )
    await Promise.all(runners)
    const made = await bench.jobs.submitAll(
      Array.from({ length: 400 }, (_, input) => ({ accountId: bench.accountId, kind: 'work', input })),
    )
    for (const { job } of made) expect((await bench.finished(job)).state).toBe('success')
    expect([...attempts.values()].filter((times) => times !== 1)).toEqual([])
    expect(attempts.size).toBe(400 + made.filter(({ job }) => job.id % 10 === 0).length)
    const tokens = await database.postgres.query(sql`select distinct output from job_history where output is not null`)
    expect(tokens).toHaveLength(400)
  })
})

describe('the lease', () => {
  test('fences: who lost it can neither finish nor extend', async () => {
    const job = await bench.submit()
    const parts = { postgres: database.postgres, randomness: systemRandomness, announcer: silent(), owner: 'late' }
    const stale = await acquireAndVanish()
    expect(stale.jobId).toBe(job.id)
    await expire(job.id)
    expect(await settleExpired({ ...parts, owner: 'sweeper' })).toEqual([job.id])
    const fresh = await acquireAndVanish('next')
    expect(fresh.leaseToken).toBeGreaterThan(stale.leaseToken)

    const late = { ...stale, progress: null }
    expect(await settleAttempt(parts, { ...late, outcome: succeeded('"late"') })).toBeUndefined()
    expect(await settleAttempt(parts, { ...late, outcome: failedByBug(job.id) })).toBeUndefined()
    expect(await extendLeases(database.postgres, [late], 1000)).toEqual([])
    expect(await get(job)).toMatchObject({ state: 'running', attempt: 2, output: null })

    expect(await settleAttempt(parts, { ...fresh, outcome: succeeded('"fresh"'), progress: null })).toBe('success')
    expect(await settleAttempt(parts, { ...fresh, outcome: succeeded('"again"'), progress: null })).toBeUndefined()
    expect((await get(job)).output).toBe('fresh')
  })

  test('of a worker that is known to be gone need not run out, and those of others stay', async () => {
    const [orphaned, busy] = [await bench.submit(), await bench.submit()]
    await acquireAndVanish('gone')
    await acquireAndVanish('alive')
    const forget = vi.fn(async () => {})
    await bench.run(async ({ job: { attempt } }) => attempt, { owner: 'heir', gone: { names: ['gone'], forget } })
    expect(await bench.finished(orphaned)).toMatchObject({ state: 'success', output: 2 })
    expect(await get(busy)).toMatchObject({ state: 'running', attempt: 1 })
    expect(forget).toHaveBeenCalledOnce()
    const [, , loss] = await bench.jobs.history(bench.accountId, orphaned.id)
    expect(loss).toMatchObject({ from: 'running', to: 'retry_wait', reason: 'lost with gone', actor: 'heir' })
  })

  test('of a worker that is gone runs out, and another takes the job over', async () => {
    const job = await bench.submit()
    await acquireAndVanish('gone', 100)
    const lively = await openJobsBench(database.postgres, livelyClock)
    await lively.run(async ({ job: { attempt } }) => attempt, { owner: 'heir', leaseMs: 3000 })
    expect(await bench.finished(job)).toMatchObject({ state: 'success', output: 2 })
    await lively.stop()
    expect(await bench.path(job)).toEqual([
      '>queued',
      'queued>running',
      'running>retry_wait',
      'retry_wait>queued',
      'queued>running',
      'running>success',
    ])
    const lost = (await bench.jobs.history(bench.accountId, job.id))[2]
    expect(lost).toMatchObject({ attempt: 1, actor: 'heir', reason: 'lost with gone' })
  })

  test('that runs out at the last attempt makes the job dead, and one that was to be killed is killed', async () => {
    const parts = { postgres: database.postgres, randomness: systemRandomness, announcer: silent(), owner: 'sweeper' }
    const last = await bench.submit({ attemptsMax: 1 })
    await acquireAndVanish()
    const doomed = await bench.submit()
    await acquireAndVanish()
    expect(await bench.jobs.kill(bench.accountId, doomed.id, 'user:1')).toBe('running')
    await expire(last.id)
    await expire(doomed.id)
    expect((await settleExpired(parts)).toSorted((a, b) => a - b)).toEqual([last.id, doomed.id])
    expect(await get(last)).toMatchObject({ state: 'dead', error: { code: 'worker_lost' } })
    expect(await get(doomed)).toMatchObject({ state: 'killed', error: { code: 'job_killed' } })
  })

  test('is kept alive by heartbeats, which carry the progress', async () => {
    const begun: Attempt[] = []
    const leaseMs = 3000
    const lively = await openJobsBench(database.postgres, livelyClock)
    await lively.run(endless(begun), { leaseMs })
    const job = await bench.submit()
    await until(() => begun.length === 1)
    begun[0]?.progress({ rows: 5 })
    await until(async () => (await get(job)).progress !== null)
    const first = await leaseEndOf(job)
    await until(async () => (await leaseEndOf(job)) > first + leaseMs)
    expect(await get(job)).toMatchObject({ state: 'running', attempt: 1, progress: { rows: 5 } })
    await bench.jobs.kill(bench.accountId, job.id, 'user:1')
    await bench.finished(job)
    await lively.stop()
  })

  test('that was lost ends the attempt', async () => {
    const begun: Attempt[] = []
    await bench.run(endless(begun), { leaseMs: 3000 })
    const job = await bench.submit()
    await until(() => begun.length === 1)
    await database.postgres.query(
      sql`update job_running set lease_token = nextval('job_lease_tokens') where job_id = ${job.id}`,
    )
    await until(() => begun[0]?.signal.aborted)
    expect(begun[0]?.signal.reason).toMatchObject({ code: 'lease_lost' })
  })
})

describe('killing a running job', () => {
  test('ends the attempt at once by announcement', async () => {
    const begun: Attempt[] = []
    // Heartbeats are 20 s apart: they cannot be what ends it.
    await bench.run(endless(begun), { leaseMs: 60_000 })
    const job = await bench.submit()
    await until(() => begun.length === 1)
    expect(await bench.jobs.kill(bench.accountId, job.id, 'user:7')).toBe('running')
    expect(await bench.jobs.kill(bench.accountId, job.id, 'user:8')).toMatch(/running|killed/)
    const killed = await bench.finished(job)
    expect(killed).toMatchObject({ state: 'killed', error: { code: 'job_killed' } })
    expect(begun[0]?.signal.reason).toMatchObject({ code: 'job_killed' })
    const history = await bench.jobs.history(bench.accountId, job.id)
    expect(history.map(({ to, actor }) => [to, actor])).toEqual([
      ['queued', 'system'],
      ['running', 'worker'],
      ['running', 'user:7'],
      ['killed', 'worker'],
    ])
  })

  test('ends the attempt with the next heartbeat when the announcement was lost', async () => {
    const begun: Attempt[] = []
    await bench.run(endless(begun), { leaseMs: 3000 })
    const job = await bench.submit()
    await until(() => begun.length === 1)
    await database.postgres.query(sql`update job_running set kill_requested_at = now() where job_id = ${job.id}`)
    expect((await bench.finished(job)).state).toBe('killed')
  })

  test('that is about to fail means no further attempt', async () => {
    let fail: (() => void) | undefined
    await bench.run(() => new Promise((_, reject) => (fail = () => reject(new Error('bug')))), { leaseMs: 60_000 })
    const job = await bench.submit()
    await until(() => fail)
    await database.postgres.query(sql`update job_running set kill_requested_at = now() where job_id = ${job.id}`)
    fail?.()
    expect(await bench.finished(job)).toMatchObject({ state: 'killed', attempt: 1, error: { code: 'job_killed' } })
  })
})

describe('a failed attempt', () => {
  test('begins again at once where its process died, and before one that others were in the way of', async () => {
    const second: unknown[] = []
    await bench.run(async ({ job }) => {
      if (job.attempt === 1) throw new AppError(job.input === 'lost' ? 'worker_lost' : 'conflict', 'Once.')
      second.push(job.input)
    })
    const jobs = [await bench.submit({ input: 'late' }), await bench.submit({ input: 'lost' })]
    for (const job of jobs) expect(await bench.finished(job)).toMatchObject({ state: 'success', attempt: 2 })
    expect(second).toEqual(['lost', 'late'])
  })

  test('is tried again until the attempts are used up', async () => {
    await bench.run(async () => {
      throw new AppError('worker_lost', 'The engine died.', { hint: 'Look at its log.' })
    })
    const job = await bench.finished(await bench.submit({ attemptsMax: 2 }))
    expect(job).toMatchObject({ state: 'dead', attempt: 2 })
    expect(job.error).toEqual({ code: 'worker_lost', message: 'The engine died.', hint: 'Look at its log.' })
    expect((await bench.path(job)).slice(1)).toEqual([
      'queued>running',
      'running>retry_wait',
      'retry_wait>queued',
      'queued>running',
      'running>dead',
    ])
  })

  test('is not tried again when another one would fail, too', async () => {
    await bench.run(async () => {
      throw new AppError('query_syntax', 'There is an error.', { position: { line: 1, column: 4 } })
    })
    const job = await bench.finished(await bench.submit())
    expect(job).toMatchObject({ state: 'error', attempt: 1, error: { code: 'query_syntax', position: { line: 1 } } })
  })

  test('by a bug says nothing of the bug to users', async () => {
    await bench.run(async () => {
      throw new Error('connect failed: password=hunter2')
    })
    const job = await bench.finished(await bench.submit({ attemptsMax: 1 }))
    expect(job).toMatchObject({ state: 'dead', error: { code: 'internal' } })
    expect(JSON.stringify(await bench.jobs.history(bench.accountId, job.id)) + JSON.stringify(job)).not.toContain(
      'hunter',
    )
  })

  test('that takes too long ends with job_timeout', async () => {
    const begun: Attempt[] = []
    await bench.run(endless(begun))
    const job = await bench.finished(await bench.submit({ timeoutMs: 50 }))
    expect(job).toMatchObject({ state: 'error', attempt: 1, error: { code: 'job_timeout' } })
  })
})

describe('a runner that stops', () => {
  test('hands its jobs back, for another one to take them at once', async () => {
    const begun: Attempt[] = []
    const first = await bench.run(endless(begun), { owner: 'first', leaseMs: 60_000 })
    const job = await bench.submit({ attemptsMax: 1 })
    await until(() => begun.length === 1)
    await bench.run(async () => 'done', { owner: 'second' })
    await first.stop()
    await first.stop()
    expect(await bench.finished(job)).toMatchObject({ state: 'success', output: 'done', attempt: 1 })
    expect(await bench.path(job)).toEqual([
      '>queued',
      'queued>running',
      'running>queued',
      'queued>running',
      'running>success',
    ])
  })

  test('finishes what it has when it is drained, and takes nothing new', async () => {
    let finish: ((output: string) => void) | undefined
    const runner = await bench.run(() => new Promise((resolve) => (finish = resolve)))
    const running = await bench.submit()
    await until(() => finish)
    const drained = runner.drain?.()
    const left = await bench.submit()
    finish?.('done')
    await drained
    expect(await get(running)).toMatchObject({ state: 'success', output: 'done' })
    expect((await get(left)).state).toBe('queued')
  })

  test('does not wait for ever for a handler that does not end', async () => {
    const hasty: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 50, signal) }
    const impatient = await openJobsBench(database.postgres, hasty)
    await impatient.run(() => new Promise(() => {}))
    const job = await impatient.submit()
    await until(async () => (await impatient.jobs.get(impatient.accountId, job.id)).state === 'running')
    await impatient.stop()
    expect((await impatient.jobs.get(impatient.accountId, job.id)).state).toBe('queued')
  })
})

test('a runner outlives the absence of PostgreSQL, and what was done meanwhile is kept', async () => {
  const way = await openSeverableWay(database.url)
  const postgres = await openPostgres({ url: way.url, connectionsMax: 4, applicationName: 'severed' })
  const far = await openJobsBench(postgres)
  let finish: ((output: string) => void) | undefined
  // The lease holds for longer than the database is away.
  await far.run(
    ({ job }) => (job.input === 'slow' ? new Promise((resolve) => (finish = resolve)) : Promise.resolve()),
    { leaseMs: 600_000 },
  )
  const { job: slow } = await far.jobs.submit({ accountId: far.accountId, kind: 'work', input: 'slow' })
  await until(() => finish)
  await way.sever()
  await expect(far.jobs.get(far.accountId, slow.id)).rejects.toMatchObject({ code: 'database_unavailable' })
  finish?.('kept')
  await sleep(50)
  const { job: missed } = await bench.jobs.submit({ accountId: far.accountId, kind: 'work', input: 'missed' })
  await way.mend()
  expect(await bench.jobs.wait(far.accountId, slow.id, 90_000)).toMatchObject({
    state: 'success',
    output: 'kept',
    attempt: 1,
  })
  expect((await far.finished(missed)).state).toBe('success')
  await far.stop()
  await postgres.close()
  await way.close()
})

test('announcements alone start jobs and end waits: nobody has to look', async () => {
  const still: Clock = {
    ...systemClock,
    sleep: (_, signal) => new Promise((resolve) => signal?.addEventListener('abort', () => resolve())),
  }
  const announced = await openJobsBench(database.postgres, still)
  await announced.run(async ({ job }) => job.input)
  for (let input = 0; input < 20; input++) {
    expect(await announced.finished(await announced.submit({ input }))).toMatchObject({
      state: 'success',
      output: input,
    })
  }
  await announced.stop()
})
