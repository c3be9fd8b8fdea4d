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

// Times travel as whole unix seconds: as dates, thousands of them take longer on their way than the statement does.

export interface DueRow {
  readonly id: number
  readonly next_seconds: number
}

/** Locks some of the schedules that are due, and passes over those that somebody else fires or changes. */
export function lockDue(db: Queryable, now: Date, limit: number): Promise<DueRow[]> {
  const statement = sql`
    select schedule_id as id, extract(epoch from next_time)::bigint as next_seconds from schedule_times
     where next_time <= ${now} and paused_at is null
     order by next_time
     limit ${limit}
       for update skip locked`
  return db.query(statement.prepared('schedules_lock_due'))
}

export interface CronRow {
  readonly id: number
  readonly name: string
  readonly cron: string
  readonly timezone: string
  readonly catch_up: CatchUp
}

/** Of locked schedules; read after the locks were taken, so that a change that came before them is seen. */
export function selectCrons(db: Queryable, ids: readonly number[]): Promise<CronRow[]> {
  const statement = sql`select id, name, cron, timezone, catch_up from schedules where id = any(${ids}::bigint[])`
  return db.query(statement.prepared('schedules_select_crons'))
}

export interface RunValues {
  readonly scheduleId: number
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
  runs: readonly RunValues[],
  { cause, now }: { cause: ScheduledRun['cause']; now: Date },
): Promise<FiredRow[]> {
  const statement = sql`
    with wanted as materialized (
      select nextval('jobs_id_seq') as job_id, w.seconds, to_timestamp(w.seconds) as scheduled_time, s.*
        from unnest(${runs.map((run) => run.scheduleId)}::bigint[], ${runs.map((run) => run.timeSeconds)}::bigint[])
             as w (schedule_id, seconds)
       cross join lateral (select * from schedules where id = w.schedule_id offset 0) s
       where not exists (
               select from schedule_runs
                where schedule_id = w.schedule_id and scheduled_time = to_timestamp(w.seconds)
             )
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
  steps: readonly { id: number; nextSeconds: number | null }[],
): Promise<void> {
  const statement = sql`
    update schedule_times t set next_time = to_timestamp(step.seconds)
      from unnest(${steps.map((step) => step.id)}::bigint[], ${steps.map((step) => step.nextSeconds)}::bigint[])
           as step (id, seconds)
     where t.schedule_id = step.id`
  await db.query(statement.prepared('schedules_advance'))
}

/** Sets locked schedules aside. */
export async function pauseLocked(db: Queryable, ids: readonly number[], now: Date): Promise<void> {
  await db.query(sql`update schedule_times set paused_at = ${now} where schedule_id = any(${ids}::bigint[])`)
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
