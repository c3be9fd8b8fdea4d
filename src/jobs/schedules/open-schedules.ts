import type { Clock } from '../../base/clock.ts'
import { AppError, must } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Postgres, Queryable } from '../../base/postgres/postgres.ts'
import { pgCode } from '../../base/postgres/postgres.ts'
import { Announcer } from '../announcer.ts'
import { readyChannel, schedulesChannel } from '../channels.ts'
import { jobOf } from '../job-row.ts'
import { finishedStates } from '../jobs.ts'
import { Lanes } from '../lanes.ts'
import type { NewSchedule, Schedule, ScheduleChange, ScheduledRun, Schedules, ScheduleScope } from '../schedules.ts'
import { previewMax } from '../schedules.ts'
import { timesOf } from './backfill.ts'
import { CronCache, parseCron } from './cron.ts'
import type { CronTimes } from './cron.ts'
import { readyItems } from './fire.ts'
import { insertRuns } from './firing.sql.ts'
import { requireScheduledTime } from './scheduled-time.ts'
import type { ReadSchedule } from './schedule-values.ts'
import { readSchedule, scheduleOf } from './schedule-values.ts'
import type { RunAndJobRow } from './schedules.sql.ts'
import {
  deleteRun,
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
import { timesAfter } from './times-after.ts'

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
    this.#changed({ accountId }, name, 'made')
    return await this.get({ accountId }, name)
  }

  async get(scope: ScheduleScope, name: string): Promise<Schedule> {
    return await find(this.#postgres, scope, name)
  }

  async list(scope: ScheduleScope, { after = '', limit }: { after?: string; limit: number }): Promise<Schedule[]> {
    return (await selectSchedules(this.#postgres, scope, { after, limit })).map(scheduleOf)
  }

  async update(...[scope, name, change]: Parameters<Schedules['update']>): Promise<Schedule> {
    const draft = readSchedule(changedBy(await this.get(scope, name), change), this.#crons)
    // Made before the lock is taken: it is written on a connection of its own.
    const laneId = change.job === undefined ? null : await this.#laneId(draft)
    const changed = await this.#locked(scope, name, async (tx, before) => {
      const after = changedBy(before, change)
      const { values, cron } = readSchedule(after, this.#crons)
      const isSameTimes = after.cron === before.cron && after.timezone === before.timezone
      const nextTime = isSameTimes ? before.nextTime : this.#firstTime(after, cron)
      await updateSchedule(tx, before.id, values, laneId).catch((error: unknown) => {
        throw translated(error, scope.accountId, after.name)
      })
      await updateTimes(tx, before.id, { nextTime, pausedAt: before.pausedAt })
      return await find(tx, { accountId: before.accountId }, after.name)
    })
    this.#changed(scope, changed.name, 'changed')
    return changed
  }

  async delete(scope: ScheduleScope, name: string): Promise<Schedule> {
    const deleted = await this.#locked(scope, name, async (tx, schedule) => {
      await deleteSchedule(tx, schedule.id)
      return schedule
    })
    this.#changed(scope, name, 'deleted')
    return deleted
  }

  async pause(scope: ScheduleScope, name: string): Promise<Schedule> {
    return await this.#setPause(scope, name, new Date(this.#clock.nowMs()))
  }

  async resume(scope: ScheduleScope, name: string): Promise<Schedule> {
    return await this.#setPause(scope, name, null)
  }

  async runNow(...[scope, name, which = {}]: Parameters<Schedules['runNow']>): Promise<ScheduledRun> {
    const { at = new Date(this.#clock.nowMs()), again = false } = which
    const time = new Date(Math.floor(requireScheduledTime(`for which "${name}" is to run`, at) / 1000) * 1000)
    const { id } = await this.#insertRuns(scope, name, 'run_now', async (tx, schedule) => {
      if (again) await forgetFinished(tx, schedule, time)
      return [time]
    })
    const [run] = await selectRuns(this.#postgres, id, { at: time })
    return runOf(must(run, 'a run that was made or known is there'))
  }

  async backfill(...[scope, name, { from, to, dryRun }]: Parameters<Schedules['backfill']>): Promise<Date[]> {
    const schedule = await this.get(scope, name)
    const times = await timesOf(this.#clock, this.#cronOf(schedule), { from, to })
    const missing = async (db: Queryable, { id }: Schedule): Promise<Date[]> => {
      const known = new Set((await selectRunTimes(db, id, from, to)).map((time) => time.getTime()))
      return times.filter((time) => !known.has(time.getTime()))
    }
    if (dryRun) return await missing(this.#postgres, schedule)
    return (await this.#insertRuns(scope, name, 'backfill', missing)).times
  }

  async next(...[scope, name, count, after]: Parameters<Schedules['next']>): Promise<Date[]> {
    const schedule = await this.get(scope, name)
    return schedule.cron === null ? [] : await this.#timesToCome(this.#cronOf(schedule), count, after)
  }

  async preview(cron: string, timezone: string, count: number): Promise<Date[]> {
    const times = parseCron(cron, timezone)
    requireTimeToCome({ cron, timezone }, times.next(this.#clock.nowMs()))
    return await this.#timesToCome(times, count)
  }

  async history(...[scope, name, { before, limit }]: Parameters<Schedules['history']>): Promise<ScheduledRun[]> {
    const { id } = await this.get(scope, name)
    return (await selectRuns(this.#postgres, id, { before: before ?? null, limit })).map(runOf)
  }

  /** Runs `body` while nobody else fires or changes the schedule. */
  async #locked<T>(
    scope: ScheduleScope,
    name: string,
    body: (tx: Queryable, schedule: Schedule) => Promise<T>,
  ): Promise<T> {
    return await this.#postgres.transaction(async (tx) => {
      await lockSchedule(tx, scope.accountId, name)
      return await body(tx, await find(tx, scope, name))
    })
  }

  async #setPause(scope: ScheduleScope, name: string, pausedAt: Date | null): Promise<Schedule> {
    const schedule = await this.#locked(scope, name, async (tx, before) => {
      // A second pause does not move the first.
      const since = pausedAt === null ? null : (before.pausedAt ?? pausedAt)
      await updateTimes(tx, before.id, { nextTime: before.nextTime, pausedAt: since })
      return { ...before, pausedAt: since }
    })
    this.#changed(scope, name, pausedAt === null ? 'resumed' : 'paused')
    return schedule
  }

  /** Makes the jobs of those times that have none, under the lock of the schedule. */
  async #insertRuns(
    scope: ScheduleScope,
    name: string,
    cause: ScheduledRun['cause'],
    timesFor: (tx: Queryable, schedule: Schedule) => Date[] | Promise<Date[]>,
  ): Promise<{ id: number; times: Date[] }> {
    const now = new Date(this.#clock.nowMs())
    const { id, times, fired } = await this.#locked(scope, name, async (tx, schedule) => {
      const wanted = await timesFor(tx, schedule)
      const runs = wanted.map((time) => ({ schedules: `{${schedule.id}}`, timeSeconds: time.getTime() / 1000 }))
      return { id: schedule.id, times: wanted, fired: await insertRuns(tx, runs, { cause, now }) }
    })
    this.#announcer.announce(readyChannel, readyItems(fired))
    this.#log.info({ accountId: scope.accountId, schedule: name, cause, times: times.length }, 'a schedule was run')
    return { id, times }
  }

  async #timesToCome(cron: CronTimes, count: number, after?: Date): Promise<Date[]> {
    const times: Date[] = []
    if (count < 1) return times
    for await (const time of timesAfter(this.#clock, cron, after?.getTime() ?? this.#clock.nowMs())) {
      if (times.push(time) >= Math.min(count, previewMax)) break
    }
    return times
  }

  async #laneId({ lane }: ReadSchedule): Promise<number> {
    const [id] = await this.#lanes.ensure(this.#postgres, [lane])
    return must(id, 'a lane has an id')
  }

  #firstTime(schedule: NewSchedule, cron: CronTimes | null): Date | null {
    return cron === null ? null : requireTimeToCome(schedule, cron.next(this.#clock.nowMs()))
  }

  #cronOf({ name, cron, timezone }: Schedule): CronTimes {
    if (cron !== null) return this.#crons.get(cron, timezone)
    throw new AppError('invalid_request', `The schedule "${name}" has no cron, and so no times to fill.`, {
      hint: 'Run it for a single time, or give it a cron.',
    })
  }

  #changed({ accountId }: ScheduleScope, name: string, what: string): void {
    this.#announcer.announce(schedulesChannel, ['changed'])
    this.#log.info({ accountId, schedule: name }, `a schedule was ${what}`)
  }
}

/** Makes room for another job of the time, unless there is one that is not finished. */
async function forgetFinished(tx: Queryable, { id }: Schedule, time: Date): Promise<void> {
  const [run] = (await selectRuns(tx, id, { at: time })).map(runOf)
  if (run === undefined || (run.job !== null && !finishedStates.has(run.job.state))) return
  await deleteRun(tx, id, time)
}

function changedBy(schedule: Schedule, change: ScheduleChange): Schedule {
  return { ...schedule, ...change, job: { ...schedule.job, ...change.job } }
}

async function find(db: Queryable, scope: ScheduleScope, name: string): Promise<Schedule> {
  const row = await selectSchedule(db, scope, name)
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

/** A cron without any is a mistake, such as of a day that its month does not have. */
function requireTimeToCome(
  { cron, timezone = 'UTC' }: Pick<NewSchedule, 'cron' | 'timezone'>,
  ms: number | null,
): Date {
  if (ms !== null) return new Date(ms)
  throw new AppError('invalid_request', `The cron "${cron}" names no time to come in ${timezone}.`, {
    hint: 'See whether its day exists in its month.',
  })
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
