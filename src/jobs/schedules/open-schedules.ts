import type { Clock } from '../../base/clock.ts'
import { AppError, must } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Postgres, Queryable } from '../../base/postgres/postgres.ts'
import { pgCode } from '../../base/postgres/postgres.ts'
import { Announcer } from '../announcer.ts'
import { readyChannel, schedulesChannel } from '../channels.ts'
import { jobOf } from '../job-row.ts'
import { Lanes } from '../lanes.ts'
import type { NewSchedule, Schedule, ScheduledRun, Schedules } from '../schedules.ts'
import { previewMax } from '../schedules.ts'
import { timesOf } from './backfill.ts'
import { CronCache } from './cron.ts'
import type { CronTimes } from './cron.ts'
import { readyItems } from './fire.ts'
import { insertRuns } from './firing.sql.ts'
import type { ReadSchedule } from './schedule-values.ts'
import { readSchedule, scheduleOf } from './schedule-values.ts'
import type { RunAndJobRow } from './schedules.sql.ts'
import {
  deleteSchedule,
  insertSchedule,
  lockSchedule,
  selectRuns,
  selectRunTimes,
  selectSchedule,
  selectSchedules,
  updateSchedule,
  updateTimes,
} from './schedules.sql.ts'

export interface SchedulesOptions {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly log: Logger
}

/** Schedules as those see them who make and watch them. Firing is the work of `openScheduler`. */
export function openSchedules(options: SchedulesOptions): Schedules {
  return new OpenSchedules(options)
}

class OpenSchedules implements Schedules {
  readonly #postgres: Postgres
  readonly #clock: Clock
  readonly #log: Logger
  readonly #announcer: Announcer
  readonly #lanes = new Lanes()
  readonly #crons = new CronCache()

  constructor({ postgres, clock, log }: SchedulesOptions) {
    this.#postgres = postgres
    this.#clock = clock
    this.#log = log
    this.#announcer = new Announcer(postgres, clock)
  }

  async create(schedule: NewSchedule): Promise<Schedule> {
    const read = readSchedule(schedule, this.#crons)
    const nextTime = this.#firstTime(schedule, read.cron)
    const { accountId, name } = schedule
    try {
      await insertSchedule(this.#postgres, read.values, await this.#laneId(read), nextTime)
    } catch (error) {
      throw translated(error, accountId, name)
    }
    this.#changed(accountId, name, 'made')
    return await this.get(accountId, name)
  }

  async get(accountId: number, name: string): Promise<Schedule> {
    return await find(this.#postgres, accountId, name)
  }

  async list(accountId: number, { after = '', limit }: { after?: string; limit: number }): Promise<Schedule[]> {
    return (await selectSchedules(this.#postgres, accountId, { after, limit })).map(scheduleOf)
  }

  async update(...[accountId, name, change]: Parameters<Schedules['update']>): Promise<Schedule> {
    const draft = readSchedule({ ...(await this.get(accountId, name)), ...change }, this.#crons)
    // Made before the lock is taken: it is written on a connection of its own.
    const laneId = change.job === undefined ? null : await this.#laneId(draft)
    const changed = await this.#locked(accountId, name, async (tx, before) => {
      const after = { ...before, ...change }
      const { values, cron } = readSchedule(after, this.#crons)
      const isSameTimes = after.cron === before.cron && after.timezone === before.timezone
      const nextTime = isSameTimes ? before.nextTime : this.#firstTime(after, cron)
      await updateSchedule(tx, before.id, values, laneId).catch((error: unknown) => {
        throw translated(error, accountId, after.name)
      })
      await updateTimes(tx, before.id, { nextTime, pausedAt: before.pausedAt })
      return await find(tx, accountId, after.name)
    })
    this.#changed(accountId, changed.name, 'changed')
    return changed
  }

  async delete(accountId: number, name: string): Promise<Schedule> {
    const deleted = await this.#locked(accountId, name, async (tx, schedule) => {
      await deleteSchedule(tx, schedule.id)
      return schedule
    })
    this.#changed(accountId, name, 'deleted')
    return deleted
  }

  async pause(accountId: number, name: string): Promise<Schedule> {
    return await this.#setPause(accountId, name, new Date(this.#clock.nowMs()))
  }

  async resume(accountId: number, name: string): Promise<Schedule> {
    return await this.#setPause(accountId, name, null)
  }

  async runNow(accountId: number, name: string, at = new Date(this.#clock.nowMs())): Promise<ScheduledRun> {
    if (Number.isNaN(at.getTime())) throw unreadableTime(name)
    const time = new Date(Math.floor(at.getTime() / 1000) * 1000)
    const { id } = await this.#insertRuns(accountId, name, 'run_now', () => [time])
    const [run] = await selectRuns(this.#postgres, id, { at: time })
    return runOf(must(run, 'a run that was made or known is there'))
  }

  async backfill(...[accountId, name, { from, to, dryRun }]: Parameters<Schedules['backfill']>): Promise<Date[]> {
    const schedule = await this.get(accountId, name)
    const times = await timesOf(this.#clock, this.#cronOf(schedule), { from, to })
    const missing = async (db: Queryable, { id }: Schedule): Promise<Date[]> => {
      const known = new Set((await selectRunTimes(db, id, from, to)).map((time) => time.getTime()))
      return times.filter((time) => !known.has(time.getTime()))
    }
    if (dryRun) return await missing(this.#postgres, schedule)
    return (await this.#insertRuns(accountId, name, 'backfill', missing)).times
  }

  async next(accountId: number, name: string, count: number): Promise<Date[]> {
    const schedule = await this.get(accountId, name)
    if (schedule.cron === null) return []
    const cron = this.#cronOf(schedule)
    const times: Date[] = []
    let nextMs = cron.next(this.#clock.nowMs())
    while (nextMs !== null && times.length < Math.min(count, previewMax)) {
      times.push(new Date(nextMs))
      nextMs = cron.next(nextMs)
    }
    return times
  }

  async history(...[accountId, name, { before, limit }]: Parameters<Schedules['history']>): Promise<ScheduledRun[]> {
    const { id } = await this.get(accountId, name)
    return (await selectRuns(this.#postgres, id, { before: before ?? null, limit })).map(runOf)
  }

  /** Runs `body` while nobody else fires or changes the schedule. */
  async #locked<T>(
    accountId: number,
    name: string,
    body: (tx: Queryable, schedule: Schedule) => Promise<T>,
  ): Promise<T> {
    return await this.#postgres.transaction(async (tx) => {
      await lockSchedule(tx, accountId, name)
      return await body(tx, await find(tx, accountId, name))
    })
  }

  async #setPause(accountId: number, name: string, pausedAt: Date | null): Promise<Schedule> {
    const schedule = await this.#locked(accountId, name, async (tx, before) => {
      // A second pause does not move the first.
      const since = pausedAt === null ? null : (before.pausedAt ?? pausedAt)
      await updateTimes(tx, before.id, { nextTime: before.nextTime, pausedAt: since })
      return { ...before, pausedAt: since }
    })
    this.#changed(accountId, name, pausedAt === null ? 'resumed' : 'paused')
    return schedule
  }

  /** Makes the jobs of those times that have none, under the lock of the schedule. */
  async #insertRuns(
    accountId: number,
    name: string,
    cause: ScheduledRun['cause'],
    timesFor: (tx: Queryable, schedule: Schedule) => Date[] | Promise<Date[]>,
  ): Promise<{ id: number; times: Date[] }> {
    const now = new Date(this.#clock.nowMs())
    const { id, times, fired } = await this.#locked(accountId, name, async (tx, schedule) => {
      const wanted = await timesFor(tx, schedule)
      const runs = wanted.map((time) => ({ scheduleId: schedule.id, timeSeconds: time.getTime() / 1000 }))
      return { id: schedule.id, times: wanted, fired: await insertRuns(tx, runs, { cause, now }) }
    })
    this.#announcer.announce(readyChannel, readyItems(fired))
    this.#log.info({ accountId, schedule: name, cause, times: times.length }, 'a schedule was run')
    return { id, times }
  }

  async #laneId({ lane }: ReadSchedule): Promise<number> {
    const [id] = await this.#lanes.ensure(this.#postgres, [lane])
    return must(id, 'a lane has an id')
  }

  #firstTime({ cron: text, timezone = 'UTC' }: NewSchedule, cron: CronTimes | null): Date | null {
    if (cron === null) return null
    const nextMs = cron.next(this.#clock.nowMs())
    if (nextMs !== null) return new Date(nextMs)
    throw new AppError('invalid_request', `The cron "${text}" names no time to come in ${timezone}.`, {
      hint: 'See whether its day exists in its month.',
    })
  }

  #cronOf({ name, cron, timezone }: Schedule): CronTimes {
    if (cron !== null) return this.#crons.get(cron, timezone)
    throw new AppError('invalid_request', `The schedule "${name}" has no cron, and so no times to fill.`, {
      hint: 'Run it for a single time, or give it a cron.',
    })
  }

  #changed(accountId: number, name: string, what: string): void {
    this.#announcer.announce(schedulesChannel, ['changed'])
    this.#log.info({ accountId, schedule: name }, `a schedule was ${what}`)
  }
}

async function find(db: Queryable, accountId: number, name: string): Promise<Schedule> {
  const row = await selectSchedule(db, accountId, name)
  if (row !== undefined) return scheduleOf(row)
  throw new AppError('schedule_not_found', `The schedule "${name}" does not exist.`, {
    hint: 'List the schedules to find the right name.',
  })
}

function runOf(row: RunAndJobRow): ScheduledRun {
  return {
    scheduledTime: row.scheduled_time,
    cause: row.cause,
    firedAt: row.fired_at,
    job: row.id === null ? null : jobOf(row),
  }
}

const uniqueViolation = '23505'
const foreignKeyViolation = '23503'

function translated(error: unknown, accountId: number, name: string): unknown {
  if (pgCode(error) === uniqueViolation) {
    return new AppError('already_exists', `The schedule "${name}" already exists.`, {
      hint: 'Choose another name, or change the schedule that is there.',
      cause: error,
    })
  }
  if (pgCode(error) !== foreignKeyViolation) return error
  return new AppError('account_not_found', `The account ${accountId} of the schedule "${name}" does not exist.`, {
    hint: 'List the accounts to find the right id.',
    cause: error,
  })
}

function unreadableTime(name: string): AppError {
  return new AppError('invalid_request', `The time for which "${name}" is to run cannot be read.`, {
    hint: 'Give a time such as 2026-01-31T12:00:00Z, or none for now.',
  })
}
