import { AppError, isAppError, must } from '../../../base/errors.ts'
import type { Schedule, ScheduledRun, ScheduleScope } from '../../../jobs/schedules.ts'
import type { QueryJobInput, ScheduledQuery } from '../../../process/process.ts'
import { dateText } from '../codec.ts'
import { listedFactsOf, requireReader } from '../job-facts.ts'
import { listedJson, typeOf } from '../job-json.ts'
import { operation } from '../operation.ts'
import type { Call, Operation } from '../operation.ts'
import { momentParameter, wholeParameter } from '../parameters.ts'
import { readResultUrl, refuseConnections } from '../result-url.ts'
import { param } from '../sight.ts'
import { boundsOf, engineOfType } from './jobs.ts'

/** Here times are written as in ISO 8601, and not as anywhere else. */
const isoText = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`

/** Members see and change their own schedules, administrators all of the account. */
function scopeOf(call: Call): ScheduleScope {
  requireReader(call)
  const { accountId, userId, role } = call.principal
  return role === 'member' ? { accountId, userId } : { accountId }
}

/** A schedule as clients know it, saved queries among them, whose cron is empty. */
async function scheduleJson(call: Call, { name, cron, timezone, delaySeconds, createdAt, userId, job }: Schedule) {
  const { sql, database, delivery } = job.input as QueryJobInput
  return {
    name,
    cron: cron ?? '',
    timezone,
    delay: delaySeconds,
    created_at: isoText(createdAt),
    type: typeOf(job),
    query: sql,
    database: database ?? '',
    user_name: (await call.access.userNames(call.principal)).get(userId) ?? '',
    priority: job.priority,
    retry_limit: job.attemptsMax - 1,
    result: delivery?.shownAs ?? '',
  }
}

/** Null where there is no next time, or a pause keeps it from coming. */
const nextTime = ({ nextTime: time, pausedAt }: Schedule): string | null =>
  time === null || pausedAt !== null ? null : isoText(time)

/** The query of a schedule, from what a request says and, for what it does not, from the schedule of before. */
async function scheduledQuery(call: Call, before: Schedule | undefined): Promise<ScheduledQuery> {
  const { form, principal, store } = call
  refuseConnections(call)
  const input = before?.job.input as QueryJobInput | undefined
  const submittedAs = form['type'] ?? (before === undefined ? 'hive' : typeOf(before.job))
  const database = form['database'] ?? input?.database ?? null
  if (database !== null) await store.database(principal.accountId, database)
  const { priority = before?.job.priority, retryLimit } = boundsOf(call)
  const attemptsMax = retryLimit === undefined ? before?.job.attemptsMax : retryLimit + 1
  const delivery = form['result'] === undefined ? input?.delivery : await readResultUrl(call, form['result'])
  return {
    sql: form['query'] ?? input?.sql ?? '',
    database,
    engine: engineOfType(submittedAs),
    submittedAs,
    ...(priority !== undefined && { priority }),
    ...(attemptsMax !== undefined && { attemptsMax }),
    ...(delivery !== undefined && { delivery }),
  }
}

/** When it runs, as far as the request says it. */
function timesOf(call: Call) {
  const { cron, timezone } = call.form
  const delaySeconds = wholeParameter(call, 'delay', { min: 0, max: 316_224_000 })
  return {
    ...(cron !== undefined && { cron: cron.trim() === '' ? null : cron }),
    ...(timezone !== undefined && timezone !== '' && { timezone }),
    ...(delaySeconds !== undefined && { delaySeconds }),
  }
}

const createSchedule = operation('POST', '/schedule/create/{name}', async (call) => {
  scopeOf(call)
  const { accountId, userId } = call.principal
  const job = await call.process.scheduledQuery(call.principal, await scheduledQuery(call, undefined))
  const name = param(call, 'name')
  const schedule = await call.schedules.create({ accountId, userId, name, cron: null, ...timesOf(call), job })
  const shown = await scheduleJson(call, schedule)
  return { body: { id: schedule.id, ...shown, start: nextTime(schedule) } }
})

const updateSchedule = operation('POST', '/schedule/update/{name}', async (call) => {
  const [scope, name] = [scopeOf(call), param(call, 'name')]
  const before = await call.schedules.get(scope, name)
  const job = await call.process.scheduledQuery(call.principal, await scheduledQuery(call, before))
  const renamed = call.form['name'] ?? ''
  const schedule = await call.schedules.update(scope, name, {
    ...timesOf(call),
    ...(renamed !== '' && { name: renamed }),
    userId: call.principal.userId,
    job,
  })
  return { body: { id: schedule.id, ...(await scheduleJson(call, schedule)), next_time: nextTime(schedule) } }
})

const deleteSchedule = operation('POST', '/schedule/delete/{name}', async (call) => {
  const scope = scopeOf(call)
  requireFullKey(call)
  const schedule = await call.schedules.delete(scope, param(call, 'name'))
  const { priority: _priority, retry_limit: _limit, result: _result, ...shown } = await scheduleJson(call, schedule)
  return { body: shown }
})

/** Whoever may only read could otherwise set off, or end, what was written with a full key. */
function requireFullKey({ principal }: Call): void {
  if (principal.keyKind === 'full') return
  throw new AppError('forbidden', `A key of the kind ${principal.keyKind} may not change or run schedules.`, {
    hint: 'Use a full key.',
  })
}

const pageMax = 1000

const listSchedules = operation('GET', '/schedule/list', async (call) => {
  const scope = scopeOf(call)
  const schedules = []
  let page: Schedule[]
  do {
    const after = schedules.at(-1)?.name
    page = await call.schedules.list(scope, { limit: pageMax, ...(after !== undefined && { after }) })
    for (const schedule of page) {
      schedules.push({ ...(await scheduleJson(call, schedule)), next_time: nextTime(schedule) })
    }
  } while (page.length === pageMax)
  return { body: { schedules } }
})

const runsByDefault = 20

const scheduleHistory = operation('GET', '/schedule/history/{name}', async (call) => {
  const scope = scopeOf(call)
  const from = wholeParameter(call, 'from', { min: 0, max: pageMax }) ?? 0
  const to = wholeParameter(call, 'to', { min: from, max: pageMax }) ?? from + runsByDefault - 1
  const all = await call.schedules.history(scope, param(call, 'name'), { limit: to + 1 })
  const runs = all.slice(from).filter(hasJob)
  const facts = await listedFactsOf(
    call,
    runs.map(({ job }) => job),
  )
  const history = facts.map((fact, index) => {
    const { result_export_target_job_id: _target, linked_result_export_job_id: _linked, ...shown } = listedJson(fact)
    const time = runs[index]?.scheduledTime
    return { ...shown, scheduled_at: time === undefined ? null : dateText(time) }
  })
  return { body: { history, count: history.length, from, to } }
})

function hasJob(run: ScheduledRun): run is ScheduledRun & { readonly job: NonNullable<ScheduledRun['job']> } {
  return run.job !== null
}

const runsMax = 9

/** Runs it for a time, and for so many of the times that follow as `num` says. The ids of jobs are numbers here. */
const runSchedule = operation('POST', '/schedule/run/{name}/{time}', async (call) => {
  const [scope, name] = [scopeOf(call), param(call, 'name')]
  requireFullKey(call)
  const form = { time: param(call, 'time') }
  const time = must(momentParameter({ ...call, form }, 'time'), 'a path has no empty parts')
  const count = wholeParameter(call, 'num', { min: 1, max: runsMax }) ?? 1
  const schedule = await call.schedules.get(scope, name)
  const jobs = []
  for (const at of await timesFrom(call, schedule, time, count)) {
    const { job } = await call.schedules.runNow(scope, name, { at, again: true }).catch(unfit)
    if (job !== null) jobs.push({ job_id: job.id, type: typeOf(schedule.job), scheduled_at: dateText(at) })
  }
  return { body: { jobs } }
})

/** The time, and those of the cron that follow it. Without a cron one second follows the other: runs are told apart by their times. */
async function timesFrom(call: Call, { name, cron }: Schedule, time: Date, count: number): Promise<Date[]> {
  if (cron === null) return Array.from({ length: count }, (_, index) => new Date(time.getTime() + index * 1000))
  return [time, ...(await call.schedules.next(scopeOf(call), name, count - 1, time))]
}

function unfit(error: unknown): never {
  if (!isAppError(error, 'invalid_request')) throw error
  throw new AppError('invalid_request', error.message, {
    hint: 'Write the time as unix seconds: schedule/run/name/1704067200.',
  })
}

export const scheduleOperations: readonly Operation[] = [
  createSchedule,
  updateSchedule,
  deleteSchedule,
  listSchedules,
  scheduleHistory,
  runSchedule,
]
