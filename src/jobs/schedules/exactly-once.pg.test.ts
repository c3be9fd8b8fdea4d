import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { TestDatabase } from '../../../test/support/postgres.ts'
import { openTestDatabase } from '../../../test/support/postgres.ts'
import { systemClock } from '../../base/clock.ts'
import { isAppError } from '../../base/errors.ts'
import { openLog } from '../../base/log.ts'
import type { Postgres, Queryable } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import type { Randomness } from '../../base/randomness.ts'
import { openJobsBench } from '../testing/jobs-bench.ts'
import { localTime } from '../testing/local-time.ts'
import { makeManySchedules } from '../testing/many-schedules.ts'
import { seededRandomness, wholeNumber } from '../testing/seeded-randomness.ts'
import { CronCache } from './cron.ts'
import { fireDue, FiringPass } from './fire.ts'
import { selectNextDue } from './firing.sql.ts'
import { openScheduler } from './open-scheduler.ts'
import { openSchedules } from './open-schedules.ts'

const log = openLog('silent')
const stepMs = 5 * 60_000
const hourMs = 3_600_000
const start = Date.parse('2025-01-01T00:00:00Z')
const end = start + 365 * 24 * hourMs

const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe']

/** By minutes of the local day: at each of them whenever clocks show it, or once a day. */
const crons: { cron: string; isPlain: boolean; minutes: (minute: number) => boolean }[] = [
  { cron: '0 * * * *', isPlain: false, minutes: (minute) => minute % 60 === 0 },
  { cron: '*/20 1-2 * * *', isPlain: false, minutes: (minute) => minute % 20 === 0 && minute >= 60 && minute < 180 },
  { cron: '30 2 * * *', isPlain: true, minutes: (minute) => minute === 150 },
  { cron: '45 1 * * *', isPlain: true, minutes: (minute) => minute === 105 },
  { cron: '15 2 * * *', isPlain: true, minutes: (minute) => minute === 135 },
]

/** What the rules of docs/schedules.md ask for, told from what clocks show in each five minutes of the year. */
function expectedTimes(zone: string, { isPlain, minutes }: (typeof crons)[number]): number[] {
  const times: number[] = []
  const target = Array.from({ length: 1440 }, (_, minute) => minute).find(minutes) ?? 0
  let doneDay = ''
  for (let ms = start; ms <= end; ms += stepMs) {
    const { day, hour, minute } = localTime(ms, zone)
    const ofDay = hour * 60 + minute
    const isNow = isPlain ? ofDay >= target && day !== doneDay : minutes(ofDay)
    // The day that has begun before the year is not the year's.
    if (isNow && ms > start && !(isPlain && doneDay === '' && ofDay > target)) times.push(ms)
    if (isNow) doneDay = day
  }
  return times
}

/** A PostgreSQL whose connection dies in some transactions: before a statement, before the commit, or right after it. */
function mortal(postgres: Postgres, randomness: Randomness): Postgres {
  const die = (db: Queryable) => db.query(sql`select pg_terminate_backend(pg_backend_pid())`)
  return {
    query: (statement) => postgres.query(statement),
    listen: (...channel) => postgres.listen(...channel),
    close: () => postgres.close(),
    async transaction<T>(body: (tx: Queryable) => Promise<T>) {
      const deathAt = wholeNumber(randomness, 0, 11)
      let statements = 0
      const result = await postgres.transaction(async (tx) => {
        const answer = await body({
          async query<Row>(statement: Parameters<Queryable['query']>[0]) {
            if (statements++ === deathAt) await die(tx)
            return await tx.query<Row>(statement)
          },
        })
        if (deathAt === 4) await die(tx)
        return answer
      })
      if (deathAt === 5) throw new Error('killed after the commit')
      return result
    },
  }
}

describe('every scheduled time has exactly one job', () => {
  let database: TestDatabase

  beforeAll(async () => {
    database = await openTestDatabase()
  })
  afterAll(() => database.close())

  test(
    'over a year with changes of clocks in three zones, while one of two schedulers dies again and again',
    { timeout: 600_000 },
    async () => {
      const { postgres } = database
      const randomness = seededRandomness(20_250_330)
      let nowMs = start
      const bench = await openJobsBench(postgres)
      const { accountId } = bench
      const schedules = openSchedules({ postgres, clock: { ...systemClock, nowMs: () => nowMs }, log })
      const expected = new Map<number, number[]>()
      for (const timezone of zones) {
        for (const rule of crons) {
          const name = `${rule.cron} ${timezone}`
          const job = { kind: 'report', input: {} }
          const { id } = await schedules.create({ accountId, userId: 1, name, cron: rule.cron, timezone, job })
          expected.set(id, expectedTimes(timezone, rule))
        }
      }
      let deaths = 0
      const fireAll = async (own: Postgres) => {
        let crons = new CronCache()
        for (;;) {
          try {
            if ((await fireDue({ postgres: own, crons, log }, new FiringPass(), nowMs)).due === 0) return
          } catch (error) {
            if (!isAppError(error, 'database_unavailable') && !String(error).includes('killed')) throw error
            deaths++
            crons = new CronCache()
          }
        }
      }
      const mortalPostgres = mortal(postgres, randomness)
      while (nowMs < end) {
        nowMs = Math.min(end, nowMs + wholeNumber(randomness, 1, 48) * hourMs)
        await Promise.all([fireAll(mortalPostgres), fireAll(postgres)])
      }
      await fireAll(postgres)

      expect(deaths).toBeGreaterThan(50)
      const runs = await postgres.query<{ schedule_id: number; ms: number; input_ms: number }>(sql`
      select r.schedule_id, (extract(epoch from r.scheduled_time) * 1000)::bigint as ms,
             (j.input->>'scheduledTime')::bigint * 1000 as input_ms
        from schedule_runs r join jobs j on j.id = r.job_id join job_waiting w on w.job_id = j.id
       order by r.schedule_id, r.scheduled_time`)
      for (const [id, times] of expected) {
        const own = runs.filter((run) => run.schedule_id === id)
        expect(own.map(({ ms }) => ms)).toEqual(times)
        expect(own.every((run) => run.ms === run.input_ms)).toBe(true)
      }
      const [{ jobs } = { jobs: 0 }] = await postgres.query<{ jobs: number }>(sql`select count(*) as jobs from jobs`)
      expect(jobs).toBe(runs.length)
      await bench.stop()
    },
  )
})

test(
  'a hundred thousand schedules that are due in one second fire once, under two schedulers',
  { timeout: 600_000 },
  async () => {
    const database = await openTestDatabase()
    const { postgres } = database
    const count = 100_000
    const dueAt = new Date(Math.floor(Date.now() / 1000) * 1000)
    await makeManySchedules(postgres, count, dueAt)
    const schedulers = [1, 2].map(() => openScheduler({ postgres, clock: systemClock, log }))
    for (const scheduler of schedulers) await scheduler.start()
    for (;;) {
      const next = await selectNextDue(postgres)
      if (next === null || next > dueAt) break
      await systemClock.sleep(50)
    }
    for (const scheduler of schedulers) await scheduler.stop()
    const [counted] = await postgres.query(sql`
    select count(distinct schedule_id) as fired, count(*) filter (where scheduled_time = ${dueAt}) as runs,
           count(distinct job_id) filter (where scheduled_time = ${dueAt}) as jobs,
           (select count(*) from jobs) - count(*) as others
      from schedule_runs`)
    expect(counted).toEqual({ fired: count, runs: count, jobs: count, others: 0 })
    await database.close()
  },
)
