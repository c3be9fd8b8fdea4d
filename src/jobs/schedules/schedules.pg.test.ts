import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { TestDatabase } from '../../../test/support/postgres.ts'
import { openTestDatabase } from '../../../test/support/postgres.ts'
import { systemClock } from '../../base/clock.ts'
import { openLog } from '../../base/log.ts'
import { sql } from '../../base/postgres/postgres.ts'
import { deleteFinishedJobs, deleteOldRuns } from '../retention.ts'
import type { NewSchedule, Schedules, ScheduleScope } from '../schedules.ts'
import type { JobsBench } from '../testing/jobs-bench.ts'
import { openJobsBench } from '../testing/jobs-bench.ts'
import { CronCache } from './cron.ts'
import { fireDue, FiringPass } from './fire.ts'
import { openScheduler } from './open-scheduler.ts'
import { openSchedules } from './open-schedules.ts'

let database: TestDatabase
let bench: JobsBench
let schedules: Schedules
let account: ScheduleScope
let nowMs = Date.parse('2026-01-01T00:30:00Z')

const log = openLog('silent')
const clock = { ...systemClock, nowMs: () => nowMs }
const elsewhere = { accountId: 0 }
const at = (text: string) => new Date(`2026-01-${text}Z`)

beforeAll(async () => {
  database = await openTestDatabase()
  bench = await openJobsBench(database.postgres)
  account = { accountId: bench.accountId }
  schedules = openSchedules({ postgres: database.postgres, clock, log })
})
afterAll(async () => {
  await bench.stop()
  await database.close()
})

let names = 0
const make = (more: Partial<NewSchedule> = {}) =>
  schedules.create({
    accountId: bench.accountId,
    userId: 7,
    name: `schedule ${++names}`,
    cron: '0 * * * *',
    job: { kind: 'report', input: { a: 1 } },
    ...more,
  })

const fire = async () => {
  const crons = new CronCache()
  let jobs = 0
  for (let due = -1; due !== 0;) {
    const firing = await fireDue({ postgres: database.postgres, crons, log }, new FiringPass(), nowMs)
    due = firing.due
    jobs += firing.jobs
  }
  return jobs
}

const history = (name: string) => schedules.history(account, name, { limit: 100 })
const timesFired = async (name: string) => (await history(name)).map((run) => run.scheduledTime).toReversed()

describe('a schedule', () => {
  test('is made, read, listed, changed and deleted', async () => {
    const made = await make({ name: 'b', timezone: 'Asia/Tokyo', delaySeconds: 60, catchUp: 'last' })
    expect(made).toMatchObject({
      accountId: bench.accountId,
      userId: 7,
      cron: '0 * * * *',
      timezone: 'Asia/Tokyo',
      delaySeconds: 60,
      catchUp: 'last',
      job: { kind: 'report', input: { a: 1 }, priority: 0, attemptsMax: 3 },
      pausedAt: null,
      nextTime: at('01T01:00:00'),
    })
    await make({ name: 'a' })
    expect((await schedules.list(account, { limit: 9 })).map(({ name }) => name)).toEqual(['a', 'b'])
    expect(await schedules.list(account, { after: 'a', limit: 1 })).toEqual([made])
    const job = { kind: 'other', input: [1], workgroup: 'etl', resources: { disk: 2 }, timeoutMs: 5 }
    const changed = await schedules.update(account, 'b', { name: 'c', cron: '30 * * * *', job })
    expect(changed).toMatchObject({ id: made.id, name: 'c', nextTime: at('01T01:30:00'), timezone: 'Asia/Tokyo', job })
    expect(await schedules.delete(account, 'c')).toMatchObject({ id: made.id })
    await schedules.delete(account, 'a')
    await expect(schedules.get(account, 'c')).rejects.toMatchObject({ code: 'schedule_not_found' })
    expect(await schedules.list(account, { limit: 9 })).toEqual([])
  })

  test('is of one account, and its name is taken there', async () => {
    const { name } = await make()
    await expect(make({ name })).rejects.toMatchObject({ code: 'already_exists' })
    const other = await make()
    await expect(schedules.update(account, other.name, { name })).rejects.toMatchObject({
      code: 'already_exists',
    })
    for (const ask of [
      () => schedules.get(elsewhere, name),
      () => schedules.update(elsewhere, name, {}),
      () => schedules.delete(elsewhere, name),
      () => schedules.pause(elsewhere, name),
      () => schedules.runNow(elsewhere, name),
      () => schedules.next(elsewhere, name, 1),
      () => schedules.history(elsewhere, name, { limit: 1 }),
    ]) {
      await expect(ask()).rejects.toMatchObject({ code: 'schedule_not_found' })
    }
    await expect(make({ accountId: 987_654 })).rejects.toMatchObject({ code: 'account_not_found' })
    for (const one of [name, other.name]) await schedules.delete(account, one)
  })

  test('is of one user, where only theirs are meant', async () => {
    const { name } = await make({ job: { kind: 'report', input: { a: 1 }, priority: 1 } })
    const owner = { ...account, userId: 7 }
    const other = { ...account, userId: 8 }
    expect((await schedules.list(owner, { limit: 9 })).map((schedule) => schedule.name)).toEqual([name])
    expect(await schedules.list(other, { limit: 9 })).toEqual([])
    await expect(schedules.update(other, name, { delaySeconds: 1 })).rejects.toMatchObject({
      code: 'schedule_not_found',
    })
    await expect(schedules.delete(other, name)).rejects.toMatchObject({ code: 'schedule_not_found' })
    // Who it belongs to changes with it; what is not named of the job stays.
    const job = { input: { b: 2 } }
    expect(await schedules.update(owner, name, { userId: 8, job })).toMatchObject({
      userId: 8,
      job: { kind: 'report', input: { b: 2 }, priority: 1 },
    })
    await expect(schedules.get(owner, name)).rejects.toMatchObject({ code: 'schedule_not_found' })
    await schedules.delete(other, name)
  })

  test.each<Partial<NewSchedule>>([
    { name: '' },
    { name: ' a' },
    { cron: 'often' },
    { cron: '0 0 30 2 *' },
    { timezone: 'Mars/Olympus' },
    { delaySeconds: -1 },
    { delaySeconds: 0.5 },
    { job: { kind: '', input: {} } },
    { job: { kind: 'a', input: '\0' } },
    { job: { kind: 'a', input: {}, priority: 3 } },
    { job: { kind: 'a', input: {}, timeoutMs: NaN } },
    { job: { kind: 'a', input: {}, attemptsMax: 0 } },
    { job: { kind: 'a', input: {}, resources: { disk: 0 } } },
  ])('cannot be %j', async (wrong) => {
    await expect(make(wrong)).rejects.toMatchObject({ code: 'invalid_request' })
  })
})

describe('firing', () => {
  test('makes the job of each time, which knows its time, and goes on', async () => {
    const { name } = await make({ job: { kind: 'report', input: { a: 1 }, priority: 1, attemptsMax: 5, timeoutMs: 9 } })
    expect(await fire()).toBe(0)
    nowMs = at('01T02:00:00').getTime()
    expect(await fire()).toBe(2)
    expect(await fire()).toBe(0)
    const [second, first] = await history(name)
    expect(first).toMatchObject({ scheduledTime: at('01T01:00:00'), cause: 'schedule', firedAt: new Date(nowMs) })
    expect(first?.job).toMatchObject({ kind: 'report', state: 'queued', priority: 1, attemptsMax: 5, timeoutMs: 9 })
    expect(first?.job).toMatchObject({ accountId: bench.accountId, userId: 7 })
    expect(first?.job?.input).toEqual({ a: 1, scheduledTime: at('01T01:00:00').getTime() / 1000 })
    expect(second?.job?.input).toEqual({ a: 1, scheduledTime: at('01T02:00:00').getTime() / 1000 })
    expect(await schedules.get(account, name)).toMatchObject({ nextTime: at('01T03:00:00') })
    await schedules.delete(account, name)
  })

  test('delays jobs, and leaves inputs that are no objects as they are', async () => {
    const year = 365 * 86_400
    const { name } = await make({ delaySeconds: year, job: { kind: 'report', input: [1] } })
    nowMs += 3_600_000
    await fire()
    const [run] = await history(name)
    const runAt = new Date((run?.scheduledTime.getTime() ?? 0) + year * 1000)
    // Where that is past by the clock of the database, the job is due at once.
    expect(run?.job).toMatchObject({ input: [1] })
    expect(run?.job?.runAt.getTime()).toBeGreaterThanOrEqual(runAt.getTime())
    await schedules.delete(account, name)
  })

  test('waits while a schedule is paused, and then catches up as it is told', async () => {
    nowMs = at('02T00:30:00').getTime()
    const [all, last, skip] = [await make(), await make({ catchUp: 'last' }), await make({ catchUp: 'skip' })]
    for (const { name } of [all, last, skip]) await schedules.pause(account, name)
    const pausedAt = new Date(nowMs)
    nowMs = at('02T03:30:00').getTime()
    expect(await schedules.pause(account, all.name)).toMatchObject({ pausedAt })
    expect(await fire()).toBe(0)
    expect(await schedules.update(account, all.name, { catchUp: 'all' })).toMatchObject({ pausedAt })
    for (const { name } of [all, last, skip]) {
      expect(await schedules.resume(account, name)).toMatchObject({ pausedAt: null })
    }
    expect(await fire()).toBe(4)
    expect(await timesFired(all.name)).toEqual([at('02T01:00:00'), at('02T02:00:00'), at('02T03:00:00')])
    expect(await timesFired(last.name)).toEqual([at('02T03:00:00')])
    expect(await timesFired(skip.name)).toEqual([])
    for (const { name } of [all, last, skip]) {
      expect(await schedules.get(account, name)).toMatchObject({ nextTime: at('02T04:00:00') })
      await schedules.delete(account, name)
    }
  })

  test('ends with the last time, and is set aside where a cron cannot be read any more, without holding up others', async () => {
    nowMs = at('03T00:30:00').getTime()
    const [sound, broken] = [await make(), await make()]
    await database.postgres.query(sql`update schedules set timezone = 'Gone/Zone' where id = ${broken.id}`)
    nowMs += 3_600_000
    expect(await fire()).toBe(1)
    expect(await schedules.get(account, broken.name)).toMatchObject({ pausedAt: new Date(nowMs) })
    expect(await timesFired(sound.name)).toHaveLength(1)
    for (const { name } of [sound, broken]) await schedules.delete(account, name)
  })
})

describe('by hand', () => {
  test('a schedule runs now, once for each second, also where it has no cron', async () => {
    nowMs = at('04T00:30:00').getTime() + 123
    const { name } = await make({ cron: null })
    const run = await schedules.runNow(account, name)
    expect(run).toMatchObject({ scheduledTime: at('04T00:30:00'), cause: 'run_now', job: { state: 'queued' } })
    expect(await schedules.runNow(account, name)).toEqual(run)
    expect(await schedules.next(account, name, 3)).toEqual([])
    const range = { from: at('01T00:00:00'), to: at('02T00:00:00'), dryRun: false }
    await expect(schedules.backfill(account, name, range)).rejects.toMatchObject({ code: 'invalid_request' })
    await schedules.delete(account, name)
  })

  test('a time that was run by hand is not fired again', async () => {
    nowMs = at('04T01:30:00').getTime()
    const { name } = await make()
    await schedules.runNow(account, name, { at: at('04T02:00:00') })
    nowMs = at('04T03:00:00').getTime()
    expect(await fire()).toBe(1)
    expect((await history(name)).map(({ cause }) => cause)).toEqual(['schedule', 'run_now'])
    await schedules.delete(account, name)
  })

  test('a time runs again where its job is finished or deleted, and somebody says so', async () => {
    const { name } = await make({ job: { kind: 'repeated', input: {} } })
    const time = { at: at('01T01:00:00') }
    const first = await schedules.runNow(account, name, time)
    expect(await schedules.runNow(account, name, { ...time, again: true })).toEqual(first)
    await bench.jobs.kill(bench.accountId, first.job?.id ?? 0, 'test')
    expect((await schedules.runNow(account, name, time)).job).toMatchObject({ id: first.job?.id, state: 'killed' })
    const second = await schedules.runNow(account, name, { ...time, again: true })
    expect(second.job).toMatchObject({ state: 'queued', input: { scheduledTime: time.at.getTime() / 1000 } })
    expect(second.job?.id).not.toBe(first.job?.id)
    await bench.jobs.kill(bench.accountId, second.job?.id ?? 0, 'test')
    await deleteFinishedJobs(database.postgres, new Date(Date.now() + 60_000))
    const third = await schedules.runNow(account, name, { ...time, again: true })
    expect(third.job?.state).toBe('queued')
    expect(await history(name)).toEqual([third])
    await schedules.delete(account, name)
  })

  test('a range is filled where it has no jobs; a dry run says so and does nothing', async () => {
    const { name } = await make()
    await schedules.runNow(account, name, { at: at('01T01:00:00') })
    const range = { from: at('01T00:00:00'), to: at('01T03:00:00'), dryRun: true }
    const missing = [at('01T00:00:00'), at('01T02:00:00')]
    expect(await schedules.backfill(account, name, range)).toEqual(missing)
    expect(await history(name)).toHaveLength(1)
    expect(await schedules.backfill(account, name, { ...range, dryRun: false })).toEqual(missing)
    expect(await schedules.backfill(account, name, { ...range, dryRun: false })).toEqual([])
    expect(await timesFired(name)).toEqual([at('01T00:00:00'), at('01T01:00:00'), at('01T02:00:00')])
    const page = await schedules.history(account, name, { before: at('01T02:00:00'), limit: 1 })
    expect(page).toMatchObject([{ scheduledTime: at('01T01:00:00'), cause: 'run_now' }])
    for (const wrong of [
      { ...range, to: range.from },
      { ...range, from: new Date(NaN) },
      { ...range, to: new Date('2028-01-01') },
    ]) {
      await expect(schedules.backfill(account, name, wrong)).rejects.toMatchObject({ code: 'invalid_request' })
    }
    await schedules.delete(account, name)
  })

  test('the next times are shown', async () => {
    nowMs = at('05T00:30:00').getTime()
    const { name } = await make({ cron: '0 */12 * * *' })
    expect(await schedules.next(account, name, 2)).toEqual([at('05T12:00:00'), at('06T00:00:00')])
    expect(await schedules.preview('30 0 * * *', 'Asia/Tokyo', 1)).toEqual([at('05T15:30:00')])
    expect(await schedules.preview('* * * * *', 'UTC', 1e6)).toHaveLength(1000)
    for (const [cron, timezone] of [
      ['often', 'UTC'],
      ['0 0 30 2 *', 'UTC'],
      ['0 0 * * *', 'Mars/Olympus'],
    ] as const) {
      await expect(schedules.preview(cron, timezone, 1)).rejects.toMatchObject({ code: 'invalid_request' })
    }
    await schedules.delete(account, name)
  })

  test('a run outlives its job, for a time', async () => {
    const { name } = await make({ job: { kind: 'brief', input: {} } })
    const { job } = await schedules.runNow(account, name)
    await bench.jobs.kill(bench.accountId, job?.id ?? 0, 'test')
    await deleteFinishedJobs(database.postgres, new Date(Date.now() + 60_000))
    expect(await history(name)).toMatchObject([{ cause: 'run_now', job: null }])
    await deleteOldRuns(database.postgres, new Date(nowMs + 1))
    expect(await history(name)).toEqual([])
    await schedules.delete(account, name)
  })
})

test('two schedulers fire by the real clock what is made while they sleep, once, and workers run it', async () => {
  const parts = { postgres: database.postgres, clock: systemClock, log }
  const schedulers = [openScheduler(parts), openScheduler(parts)]
  for (const scheduler of schedulers) await scheduler.start()
  const ran: unknown[] = []
  await bench.run(
    async ({ job }) => {
      ran.push((job.input as { scheduledTime: number }).scheduledTime)
    },
    { kind: 'ticking' },
  )
  const live = openSchedules(parts)
  const { accountId } = bench
  const ticking = { accountId, userId: 7, name: 'ticking', cron: '* * * * * *', job: { kind: 'ticking', input: {} } }
  await live.create(ticking)
  await expect.poll(() => ran.length).toBeGreaterThanOrEqual(3)
  await live.delete(account, 'ticking')
  for (const scheduler of schedulers) await scheduler.stop()
  expect(new Set(ran).size).toBe(ran.length)
})
