import { must } from '../base/errors.ts'
import type { ErrorCode } from '../base/errors.ts'
import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { LimitFigures, ScheduleFigures } from './figures.ts'

/** Limits, taken together wherever their keys name what belongs to an account. */
export function sumLimits(db: Queryable): Promise<LimitFigures[]> {
  return db.query(sql`
    select case when key like 'kind:%' then key else split_part(key, ':', 1) end as limit,
           sum(slots)::bigint as slots, sum(used)::bigint as used, count(*) filter (where used >= slots) as full
      from job_limits
     group by 1
     order by 1`)
}

export function countRetries(db: Queryable, seconds: number): Promise<{ code: ErrorCode; count: number }[]> {
  return db.query(sql`
    select error ->> 'code' as code, count(*) as count
      from job_history
     where at > now() - ${seconds} * interval '1 second' and to_state = 'retry_wait' and error is not null
     group by error ->> 'code'`)
}

/**
 * Dead letters by kind. Account by account, which is how the index of failures finds them: what succeeded, and that is nearly
 * everything, is not read.
 */
export function countDead(db: Queryable): Promise<{ kind: string; count: number }[]> {
  return db.query(sql`
    with ends as (
      select d.id, d.job_id
        from accounts
       cross join lateral (
               select id, job_id from job_history
                where account_id = accounts.id and to_state = 'dead'
               offset 0
             ) as d
      union all
      select id, job_id from job_history
       where account_id is null and to_state = 'dead'
    )
    select j.kind, count(*) as count
      from ends join jobs j on j.id = ends.job_id
     where not exists (select from job_waiting where job_id = ends.job_id)
       and not exists (select from job_running where job_id = ends.job_id)
       and not exists (select from job_history later where later.job_id = ends.job_id and later.id > ends.id)
     group by j.kind
     order by j.kind`)
}

/** One row for each schedule is read: 100,000 take 17 ms. */
export async function countSchedules(db: Queryable): Promise<Omit<ScheduleFigures, 'fired'>> {
  const [row] = await db.query<Omit<ScheduleFigures, 'fired'>>(sql`
    select count(*) filter (where paused_at is null) as active, count(*) filter (where paused_at is not null) as paused,
           coalesce(greatest(0, extract(epoch from now() - min(next_time) filter (where paused_at is null))), 0)::float8
             as "lateSeconds"
      from schedule_times`)
  return must(row, 'an aggregate has a row')
}

export function countFired(db: Queryable, seconds: number): Promise<ScheduleFigures['fired'][number][]> {
  return db.query(sql`
    select cause, count(*) as count from schedule_runs
     where fired_at > now() - ${seconds} * interval '1 second'
     group by cause
     order by cause`)
}
