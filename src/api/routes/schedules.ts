import type { Principal } from '../../access/access.ts'
import type { NewSchedule, Schedule, ScheduleChange, Schedules, ScheduleScope } from '../../jobs/schedules.ts'
import type { Process, QueryJobInput, ScheduledQuery } from '../../process/process.ts'
import type { OperationInput } from '../contract/operation.ts'
import {
  backfillSchedule,
  createSchedule,
  deleteSchedule,
  getSchedule,
  listNextTimes,
  listScheduleRuns,
  listSchedules,
  pauseSchedule,
  previewCron,
  resumeSchedule,
  runSchedule,
  updateSchedule,
} from '../contract/schedules.ts'
import { cursorAfterName, cursorBeforeTime, nameOfCursor, pageBy, timeOfCursor } from '../cursor.ts'
import { runJson, scheduleJson } from '../schedule-json.ts'
import { serveOperation } from '../serve-operation.ts'
import type { OperationHost } from '../serve-operation.ts'
import { requireFullKey, requireReader } from '../sight.ts'

export interface ScheduleParts {
  readonly schedules: Schedules
  readonly process: Process
}

/** Schedules as users have them: each runs a query in the name of its user. */
export function serveSchedules(host: OperationHost, parts: ScheduleParts): void {
  serveMaking(host, parts)
  serveLooking(host, parts)
  serveRunning(host, parts)
}

function serveMaking(host: OperationHost, { schedules, process }: ScheduleParts): void {
  serveOperation(host, createSchedule).with(async ({ principal, body }) => {
    const { accountId, userId } = principal
    const job = await process.scheduledQuery(principal, { sql: body.sql, database: body.database, ...boundsOf(body) })
    const times: Omit<NewSchedule, 'accountId' | 'userId' | 'job'> = {
      name: body.name,
      cron: body.cron,
      timezone: body.timezone,
      delaySeconds: body.delay_seconds,
      catchUp: body.catch_up,
    }
    return { status: 201, body: scheduleJson(await schedules.create({ accountId, userId, job, ...times })) }
  })

  serveOperation(host, updateSchedule).with(async ({ principal, params, body }) => {
    const scope = changingScopeOf(principal)
    const before = await schedules.get(scope, params.schedule)
    const change = { ...timesChangedBy(body), ...(await queryChangedBy(process, principal, before, body)) }
    return { status: 200, body: scheduleJson(await schedules.update(scope, params.schedule, change)) }
  })

  serveOperation(host, deleteSchedule).with(async ({ principal, params }) => {
    await schedules.delete(changingScopeOf(principal), params.schedule)
    return { status: 204 }
  })

  serveOperation(host, pauseSchedule).with(async ({ principal, params }) => ({
    status: 200,
    body: scheduleJson(await schedules.pause(changingScopeOf(principal), params.schedule)),
  }))

  serveOperation(host, resumeSchedule).with(async ({ principal, params }) => ({
    status: 200,
    body: scheduleJson(await schedules.resume(changingScopeOf(principal), params.schedule)),
  }))
}

function serveLooking(host: OperationHost, { schedules }: ScheduleParts): void {
  serveOperation(host, listSchedules).with(async ({ principal, query: { limit, cursor } }) => {
    const after = nameOfCursor(cursor)
    const page = { limit: limit + 1, ...(after !== undefined && { after }) }
    const found = await schedules.list(seeingScopeOf(principal), page)
    const { rows, nextCursor } = pageBy(found, limit, ({ name }) => cursorAfterName(name))
    return { status: 200, body: { items: rows.map(scheduleJson), next_cursor: nextCursor } }
  })

  serveOperation(host, getSchedule).with(async ({ principal, params }) => ({
    status: 200,
    body: scheduleJson(await schedules.get(seeingScopeOf(principal), params.schedule)),
  }))

  serveOperation(host, previewCron).with(async ({ principal, body: { cron, timezone, count } }) => {
    requireReader(principal)
    return { status: 200, body: timesJson(await schedules.preview(cron, timezone, count)) }
  })

  serveOperation(host, listNextTimes).with(async ({ principal, params, query }) => {
    const times = await schedules.next(seeingScopeOf(principal), params.schedule, query.count)
    return { status: 200, body: timesJson(times) }
  })

  serveOperation(host, listScheduleRuns).with(async ({ principal, params, query: { limit, cursor } }) => {
    const before = timeOfCursor(cursor)
    const page = { limit: limit + 1, ...(before !== undefined && { before }) }
    const found = await schedules.history(seeingScopeOf(principal), params.schedule, page)
    const { rows, nextCursor } = pageBy(found, limit, ({ scheduledTime }) => cursorBeforeTime(scheduledTime))
    return { status: 200, body: { items: rows.map(runJson), next_cursor: nextCursor } }
  })
}

function serveRunning(host: OperationHost, { schedules }: ScheduleParts): void {
  serveOperation(host, runSchedule).with(async ({ principal, params, body: { scheduled_time: time, again } }) => {
    const which = { again, ...(time !== undefined && { at: new Date(time) }) }
    return { status: 200, body: runJson(await schedules.runNow(changingScopeOf(principal), params.schedule, which)) }
  })

  serveOperation(host, backfillSchedule).with(async ({ principal, params, body }) => {
    const range = { from: new Date(body.from), to: new Date(body.to), dryRun: body.dry_run }
    const times = await schedules.backfill(changingScopeOf(principal), params.schedule, range)
    return { status: 200, body: timesJson(times) }
  })
}

/** Members see and change their own schedules, administrators all; of others it is not even said that they exist. */
function seeingScopeOf(principal: Principal): ScheduleScope {
  requireReader(principal)
  const { accountId, userId, role } = principal
  return role === 'member' ? { accountId, userId } : { accountId }
}

/** A key that only reads could otherwise set off what was written with a full one. */
function changingScopeOf(principal: Principal): ScheduleScope {
  requireFullKey(principal, 'change or run schedules')
  return seeingScopeOf(principal)
}

type Change = OperationInput<typeof updateSchedule>['body']

function timesChangedBy(body: Change): ScheduleChange {
  return {
    ...(body.name !== undefined && { name: body.name }),
    ...(body.cron !== undefined && { cron: body.cron }),
    ...(body.timezone !== undefined && { timezone: body.timezone }),
    ...(body.delay_seconds !== undefined && { delaySeconds: body.delay_seconds }),
    ...(body.catch_up !== undefined && { catchUp: body.catch_up }),
  }
}

/** With another query, the schedule is that of whoever wrote it; its bounds can be changed without that. */
async function queryChangedBy(
  process: Process,
  principal: Principal,
  { job: before }: Schedule,
  body: Change,
): Promise<ScheduleChange> {
  const isRewritten = body.sql !== undefined || body.database !== undefined || body.take_over === true
  const { priority, timeout_seconds: seconds, attempts_max: attempts } = body
  const isMoved = body.engine !== undefined
  if (!isRewritten && !isMoved && priority === undefined && seconds === undefined && attempts === undefined) return {}
  const { sql, database } = before.input as QueryJobInput
  const after = await process.scheduledQuery(principal, {
    sql: body.sql ?? sql,
    database: body.database === undefined ? database : body.database,
    ...boundsOf(body),
  })
  return {
    ...(isRewritten && { userId: principal.userId }),
    job: {
      ...(isRewritten && { input: after.input }),
      ...(isMoved && { kind: after.kind }),
      ...(priority !== undefined && { priority: after.priority }),
      ...(seconds !== undefined && { timeoutMs: after.timeoutMs }),
      ...(attempts !== undefined && { attemptsMax: after.attemptsMax }),
    },
  }
}

function boundsOf(
  body: Pick<Change, 'engine' | 'priority' | 'timeout_seconds' | 'attempts_max'>,
): Partial<ScheduledQuery> {
  return {
    ...(body.engine !== undefined && { engine: body.engine }),
    ...(body.priority !== undefined && { priority: body.priority }),
    ...(typeof body.timeout_seconds === 'number' && { timeoutMs: body.timeout_seconds * 1000 }),
    ...(body.attempts_max !== undefined && { attemptsMax: body.attempts_max }),
  }
}

function timesJson(times: readonly Date[]) {
  return { times: times.map((time) => time.toISOString()) }
}
