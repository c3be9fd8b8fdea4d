import { AppError } from '../../base/errors.ts'
import type { LaneFacts } from '../lanes.ts'
import type { NewSchedule, Schedule, ScheduledJob } from '../schedules.ts'
import { exactJson } from '../stored-json.ts'
import { checkTimezone } from './cron.ts'
import type { CronCache, CronTimes } from './cron.ts'
import type { ScheduleRow, ScheduleValues } from './schedules.sql.ts'

/** A schedule that was checked, and its times. */
export interface ReadSchedule {
  readonly values: ScheduleValues
  readonly lane: LaneFacts
  readonly cron: CronTimes | null
}

/** Ten years of retries and waits are more than anybody means. */
const secondsMax = 10 * 366 * 86_400
const attemptsLimit = 1000
const slotsMax = 1_000_000

const namePattern = /^[^\p{C}\s](?:[^\p{C}]{0,126}[^\p{C}\s])?$/u
const kindPattern = /^[^\p{C}\s/]{1,128}$/u
const catchUps: readonly unknown[] = ['all', 'last', 'skip']

/** Fails with `invalid_request`, naming what is wrong. */
export function readSchedule(schedule: NewSchedule, crons: CronCache): ReadSchedule {
  const { accountId, userId, name, cron, timezone = 'UTC', delaySeconds = 0, catchUp = 'all', job } = schedule
  require(namePattern.test(name), 'name', name, 'Use 1 to 128 characters, without spaces at either end.')
  require(catchUps.includes(catchUp), 'catchUp', catchUp, 'Use all, last or skip.')
  require(isWhole(delaySeconds, 0, secondsMax), 'delaySeconds', delaySeconds, `Use a whole number up to ${secondsMax}.`)
  checkTimezone(timezone)
  checkJob(job)
  const { workgroup, resources } = job
  return {
    values: {
      accountId,
      userId,
      name,
      cron: cron?.trim() ?? null,
      timezone,
      delaySeconds,
      catchUp,
      kind: job.kind,
      input: exactJson('input of the schedule', job.input),
      priority: job.priority ?? 0,
      attemptsMax: job.attemptsMax ?? 3,
      timeoutMs: job.timeoutMs === undefined ? null : Math.ceil(job.timeoutMs),
      workgroup: workgroup ?? null,
      resources: exactJson('resources of the schedule', resources ?? {}),
    },
    lane: {
      kind: job.kind,
      accountId,
      ...(workgroup !== undefined && { workgroup }),
      ...(resources !== undefined && { resources }),
    },
    cron: cron === null ? null : crons.get(cron.trim(), timezone),
  }
}

function checkJob({ kind, priority = 0, attemptsMax = 1, timeoutMs, workgroup, resources = {} }: ScheduledJob): void {
  require(kindPattern.test(kind), 'job.kind', kind, 'Name a kind of job, such as query.')
  require(isWhole(priority, -2, 2), 'job.priority', priority, 'Use -2 (idle) to 2 (urgent).')
  require(isWhole(attemptsMax, 1, attemptsLimit), 'job.attemptsMax', attemptsMax, `Use 1 to ${attemptsLimit}.`)
  if (timeoutMs !== undefined) {
    const fits = timeoutMs > 0 && timeoutMs <= secondsMax * 1000
    require(fits, 'job.timeoutMs', timeoutMs, `Use a number up to ${secondsMax * 1000}.`)
  }
  if (workgroup !== undefined) require(namePattern.test(workgroup), 'job.workgroup', workgroup, 'Name a workgroup.')
  for (const [name, slots] of Object.entries(resources)) {
    require(namePattern.test(name), 'job.resources', name, 'Name resources of 1 to 128 characters.')
    require(isWhole(slots, 1, slotsMax), `job.resources.${name}`, slots, `Use 1 to ${slotsMax} slots.`)
  }
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most
}

function require(isRight: boolean, field: string, value: unknown, hint: string): void {
  if (isRight) return
  const shown = (JSON.stringify(value) ?? 'nothing').slice(0, 200)
  throw new AppError('invalid_request', `The ${field} of the schedule cannot be ${shown}.`, { hint })
}

export function scheduleOf(row: ScheduleRow): Schedule {
  return {
    id: row.id,
    accountId: row.account_id,
    userId: row.user_id,
    name: row.name,
    cron: row.cron,
    timezone: row.timezone,
    delaySeconds: row.delay_seconds,
    catchUp: row.catch_up,
    job: {
      kind: row.kind,
      input: row.input,
      priority: row.priority,
      attemptsMax: row.attempts_max,
      resources: row.resources,
      ...(row.timeout_ms !== null && { timeoutMs: row.timeout_ms }),
      ...(row.workgroup !== null && { workgroup: row.workgroup }),
    },
    pausedAt: row.paused_at,
    nextTime: row.next_time,
    createdAt: row.created_at,
  }
}
