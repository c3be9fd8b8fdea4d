import { must } from '../../base/errors.ts'
import type { Queryable } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import { workerServerSettings } from '../plans.ts'
import { positionOf } from '../position.sql.ts'
import type { CatchUp, ScheduledRun } from '../schedules.ts'

/** For the rest of the transaction: its statements find rows by index, also where tables have grown since the planner looked. */
export async function planByIndex(tx: Queryable): Promise<void> {
  const statement = sql`
    select set_config(name, value, true)
      from unnest(${Object.keys(workerServerSettings)}::text[], ${Object.values(workerServerSettings)}::text[])
           as setting (name, value)`
  await tx.query(statement.prepared('schedules_plan_by_index'))
}

// Schedules that are due together mostly share their crons. They travel as groups, and in these as array literals, which
// this process hands on without reading them. Times travel as whole unix seconds.

/** Schedules that are due and locked, in the order of their places. */
export interface Locked {
  readonly count: number
  /** Array literals: which schedules, and since when each is due. */
  readonly schedules: string
  readonly due_seconds: string
}

/** In the order in which schedules are due. */
export interface Place {
  readonly seconds: number
  readonly id: number
}

/**
 * Locks the first schedules after a place that are due, and passes over those that somebody else fires or changes. Whoever
 * fires many asks for those after the last ones: what was fired a moment ago is still in the index, and was read again.
 */
export async function lockDue(
  db: Queryable,
  { now, after, limit }: { readonly now: Date; readonly after: Place; readonly limit: number },
): Promise<Locked> {
  const statement = sql`
    select count(*) as count,
           coalesce(array_agg(schedule_id), '{}')::text as schedules,
           coalesce(array_agg(extract(epoch from next_time)::bigint), '{}')::text as due_seconds
      from (select schedule_id, next_time from schedule_times
             where next_time <= ${now} and paused_at is null
               and (next_time, schedule_id) > (to_timestamp(${after.seconds}), ${after.id}::bigint)
             order by next_time, schedule_id
             limit ${limit}
               for update skip locked) as locked`
  const rows = await db.query<Locked>(statement.prepared('schedules_lock_due'))
  return must(rows[0], 'an aggregate has a row')
}

/** The place of the last of them; undefined of none. */
export function lastOf({ schedules, due_seconds: seconds }: Locked): Place | undefined {
  const last = (literal: string) => Number(literal.slice(Math.max(1, literal.lastIndexOf(',') + 1), -1))
  return schedules === '{}' ? undefined : { seconds: last(seconds), id: last(schedules) }
}

/** Locked schedules of one cron that are due since one time. */
export interface DueGroup {
  /** An array literal. */
  readonly schedules: string
  readonly count: number
  readonly cron: string
  readonly timezone: string
  readonly catch_up: CatchUp
  readonly due_seconds: number
}

/** What is locked, by cron; read after the locks were taken, so that a change that came before them is seen. */
export function selectDueGroups(db: Queryable, locked: Locked): Promise<DueGroup[]> {
  const statement = sql`
    select array_agg(due.id)::text as schedules, count(*) as count, s.cron, s.timezone, s.catch_up, due.seconds as due_seconds
      from unnest(${locked.schedules}::bigint[], ${locked.due_seconds}::bigint[]) as due (id, seconds)
     cross join lateral (select cron, timezone, catch_up from schedules where id = due.id offset 0) as s
     group by s.cron, s.timezone, s.catch_up, due.seconds
     order by due.seconds`
  return db.query(statement.prepared('schedules_due_groups'))
}

/** Schedules that are to run for one scheduled time. */
export interface RunsAt {
  /** An array literal. */
  readonly schedules: string
  readonly timeSeconds: number
}

/** What workers are to hear of: jobs of a lane, queued or due at a time to come. */
export interface FiredRow {
  readonly lane_id: number
  readonly state: 'queued' | 'delayed'
  readonly due_at: Date
  readonly count: number
}

/**
 * Makes the jobs of scheduled times that have none; others are left out. The caller holds the locks of the schedules. Jobs
 * are copied from their schedules inside of the database, as `insertJobs` makes them from values.
 */
export function insertRuns(
  db: Queryable,
  runs: readonly RunsAt[],
  { cause, now }: { cause: ScheduledRun['cause']; now: Date },
): Promise<FiredRow[]> {
  const statement = sql`
    with wanted as materialized (
      select nextval('jobs_id_seq') as job_id, run.seconds, to_timestamp(run.seconds) as scheduled_time, s.*
        from unnest(${runs.map((run) => run.schedules)}::text[], ${runs.map((run) => run.timeSeconds)}::bigint[])
             as run (schedules, seconds)
       cross join lateral unnest(run.schedules::bigint[]) as w (schedule_id)
       cross join lateral (
               select id, account_id, user_id, lane_id, kind, priority, input, delay_seconds, attempts_max, timeout_ms
                 from schedules
                where id = w.schedule_id
               offset 0
             ) as s
       -- Not by "not exists": that is a join, for which the planner once chose to read all runs for each.
       where (select job_id from schedule_runs
               where schedule_id = w.schedule_id and scheduled_time = to_timestamp(run.seconds)) is null
    ), noted as (
      insert into schedule_runs (schedule_id, scheduled_time, account_id, job_id, cause, fired_at)
      select id, scheduled_time, account_id, job_id, ${cause}, ${now} from wanted
    ), made as (
      insert into jobs (id, lane_id, account_id, user_id, kind, priority, input, run_at, attempts_max, timeout_ms,
                        submitted_by)
      overriding system value
      select job_id, lane_id, account_id, user_id, kind, priority,
             case when jsonb_typeof(input) = 'object'
                  then input || jsonb_build_object('scheduledTime', seconds) else input end,
             -- What is late goes behind what is on time: its place in the lane is that of now.
             greatest(to_timestamp(seconds + delay_seconds), now()),
             attempts_max, timeout_ms, 'schedule:' || id
        from wanted
      returning id, lane_id, account_id, priority, run_at
    ), waiting as (
      insert into job_waiting (job_id, lane_id, account_id, state, due_at, position)
      select id, lane_id, account_id, case when run_at > now() then 'delayed' else 'queued' end, run_at,
             ${positionOf(sql`run_at`, sql`priority`)}
        from made
    )
    select lane_id, case when run_at > now() then 'delayed' else 'queued' end as state, run_at as due_at,
           count(*) as count
      from made
     group by lane_id, run_at`
  return db.query(statement.prepared('schedules_insert_runs'))
}

/** Where locked schedules go on; null where there is no time any more. */
export async function advance(
  db: Queryable,
  steps: readonly { readonly schedules: string; readonly nextSeconds: number | null }[],
): Promise<void> {
  const statement = sql`
    update schedule_times t set next_time = to_timestamp(step.seconds)
      from unnest(${steps.map((step) => step.schedules)}::text[], ${steps.map((step) => step.nextSeconds)}::bigint[])
           as step (schedules, seconds)
     cross join lateral unnest(step.schedules::bigint[]) as stepped (id)
     cross join lateral (select ctid as place from schedule_times where schedule_id = stepped.id offset 0) as locked
     where t.ctid = locked.place`
  await db.query(statement.prepared('schedules_advance'))
}

/** Sets locked schedules aside. */
export async function pauseLocked(db: Queryable, schedules: string, now: Date): Promise<void> {
  await db.query(sql`update schedule_times set paused_at = ${now} where schedule_id = any(${schedules}::bigint[])`)
}

/** When the next schedule is due. */
export async function selectNextDue(db: Queryable): Promise<Date | null> {
  const statement = sql`
    select next_time from schedule_times
     where next_time is not null and paused_at is null
     order by next_time
     limit 1`
  const rows = await db.query<{ next_time: Date }>(statement.prepared('schedules_next_due'))
  return rows[0]?.next_time ?? null
}
