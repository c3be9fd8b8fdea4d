import type { Queryable } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import type { JobRow } from '../job-row.ts'
import { jobSources, listedJobColumns } from '../job-row.ts'
import type { CatchUp, ScheduledRun, ScheduleScope } from '../schedules.ts'

export interface ScheduleRow {
  readonly id: number
  readonly account_id: number
  readonly user_id: number
  readonly name: string
  readonly cron: string | null
  readonly timezone: string
  readonly delay_seconds: number
  readonly catch_up: CatchUp
  readonly kind: string
  readonly input: unknown
  readonly priority: number
  readonly attempts_max: number
  readonly timeout_ms: number | null
  readonly workgroup: string | null
  readonly resources: Readonly<Record<string, number>>
  readonly next_time: Date | null
  readonly paused_at: Date | null
  readonly created_at: Date
}

/** A schedule as it is written, but for its lane. */
export interface ScheduleValues {
  readonly accountId: number
  readonly userId: number
  readonly name: string
  readonly cron: string | null
  readonly timezone: string
  readonly delaySeconds: number
  readonly catchUp: CatchUp
  readonly kind: string
  /** JSON text, as is `resources`. */
  readonly input: string
  readonly priority: number
  readonly attemptsMax: number
  readonly timeoutMs: number | null
  readonly workgroup: string | null
  readonly resources: string
}

const columns = sql`
  s.id, s.account_id, s.user_id, s.name, s.cron, s.timezone, s.delay_seconds, s.catch_up, s.kind, s.input, s.priority,
  s.attempts_max, s.timeout_ms, s.workgroup, s.resources, t.next_time, t.paused_at, s.created_at`

export async function insertSchedule(
  db: Queryable,
  values: ScheduleValues,
  laneId: number,
  nextTime: Date | null,
): Promise<void> {
  await db.query(sql`
    with made as (
      insert into schedules (account_id, user_id, name, cron, timezone, delay_seconds, catch_up, lane_id, kind, input,
                             priority, attempts_max, timeout_ms, workgroup, resources)
      values (${values.accountId}, ${values.userId}, ${values.name}, ${values.cron}, ${values.timezone},
              ${values.delaySeconds}, ${values.catchUp}, ${laneId}, ${values.kind}, ${values.input},
              ${values.priority}, ${values.attemptsMax}, ${values.timeoutMs}, ${values.workgroup}, ${values.resources})
      returning id
    )
    insert into schedule_times (schedule_id, next_time)
    select id, ${nextTime} from made`)
}

/** Leaves the lane as it is where it is null. */
export async function updateSchedule(
  db: Queryable,
  id: number,
  values: ScheduleValues,
  laneId: number | null,
): Promise<void> {
  await db.query(sql`
    update schedules
       set user_id = ${values.userId}, name = ${values.name}, cron = ${values.cron}, timezone = ${values.timezone},
           delay_seconds = ${values.delaySeconds}, catch_up = ${values.catchUp}, lane_id = coalesce(${laneId}, lane_id),
           kind = ${values.kind}, input = ${values.input}, priority = ${values.priority},
           attempts_max = ${values.attemptsMax}, timeout_ms = ${values.timeoutMs}, workgroup = ${values.workgroup},
           resources = ${values.resources}
     where id = ${id}`)
}

export async function updateTimes(
  db: Queryable,
  id: number,
  { nextTime, pausedAt }: { nextTime: Date | null; pausedAt: Date | null },
): Promise<void> {
  await db.query(sql`
    update schedule_times set next_time = ${nextTime}, paused_at = ${pausedAt} where schedule_id = ${id}`)
}

/** With its runs. The caller holds its lock. */
export async function deleteSchedule(db: Queryable, id: number): Promise<void> {
  await db.query(sql`delete from schedules where id = ${id}`)
  await db.query(sql`delete from schedule_runs where schedule_id = ${id}`)
}

const isWithin = ({ accountId, userId }: ScheduleScope) =>
  userId === undefined ? sql`s.account_id = ${accountId}` : sql`s.account_id = ${accountId} and s.user_id = ${userId}`

export async function selectSchedule(
  db: Queryable,
  scope: ScheduleScope,
  name: string,
): Promise<ScheduleRow | undefined> {
  const [row] = await db.query<ScheduleRow>(sql`
    select ${columns} from schedules s join schedule_times t on t.schedule_id = s.id
     where ${isWithin(scope)} and s.name = ${name}`)
  return row
}

/** Waits for whoever fires or changes the schedule, and keeps others from it until the transaction ends. */
export async function lockSchedule(db: Queryable, accountId: number, name: string): Promise<void> {
  await db.query(sql`
    select from schedules where account_id = ${accountId} and name = ${name} for update`)
  await db.query(sql`
    select from schedule_times
     where schedule_id = (select id from schedules where account_id = ${accountId} and name = ${name})
       for update`)
}

export function selectSchedules(
  db: Queryable,
  scope: ScheduleScope,
  { after, limit }: { after: string; limit: number },
): Promise<ScheduleRow[]> {
  return db.query(sql`
    select ${columns} from schedules s join schedule_times t on t.schedule_id = s.id
     where ${isWithin(scope)} and s.name > ${after}
     order by s.name
     limit ${limit}`)
}

export interface RunRow {
  readonly scheduled_time: Date
  readonly cause: ScheduledRun['cause']
  readonly fired_at: Date
}

/** Null in every column of the job where it is deleted. */
export type RunAndJobRow = RunRow & (JobRow | { readonly id: null })

/** The runs of these times, or the newest before a time, with their jobs. */
export function selectRuns(
  db: Queryable,
  scheduleId: number,
  which: { readonly at: Date } | { readonly before: Date | null; readonly limit: number },
): Promise<RunAndJobRow[]> {
  const condition =
    'at' in which
      ? sql`scheduled_time = ${which.at}`
      : sql`scheduled_time < coalesce(${which.before}::timestamptz, 'infinity')`
  return db.query(sql`
    select run.scheduled_time, run.cause, run.fired_at, job.*
      from (select * from schedule_runs
             where schedule_id = ${scheduleId} and ${condition}
             order by scheduled_time desc
             limit ${'at' in which ? 1 : which.limit}) run
      left join lateral (select ${listedJobColumns} from ${jobSources} where j.id = run.job_id) job on true
     order by run.scheduled_time desc`)
}

/** The caller holds the lock of the schedule. */
export async function deleteRun(db: Queryable, scheduleId: number, time: Date): Promise<void> {
  await db.query(sql`delete from schedule_runs where schedule_id = ${scheduleId} and scheduled_time = ${time}`)
}

/** The scheduled times in [from, to) that have a job. */
export async function selectRunTimes(db: Queryable, scheduleId: number, from: Date, to: Date): Promise<Date[]> {
  const rows = await db.query<{ scheduled_time: Date }>(sql`
    select scheduled_time from schedule_runs
     where schedule_id = ${scheduleId} and scheduled_time >= ${from} and scheduled_time < ${to}`)
  return rows.map((row) => row.scheduled_time)
}

/** Forgets runs that were fired before. Their times are long past: no scheduler comes back to them. */
export async function deleteRunsBefore(db: Queryable, before: Date, limit: number): Promise<number> {
  const rows = await db.query<{ count: number }>(sql`
    with old as materialized (
      select schedule_id, scheduled_time from schedule_runs where fired_at < ${before} limit ${limit}
    ), deleted as (
      delete from schedule_runs r using old
       where r.schedule_id = old.schedule_id and r.scheduled_time = old.scheduled_time
      returning 1
    )
    select count(*) as count from deleted`)
  return rows[0]?.count ?? 0
}
