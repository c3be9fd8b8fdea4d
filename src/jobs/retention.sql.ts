import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'

/** Deletes some jobs, with their history, that were finished before. Returns how many. */
export async function deleteFinishedBefore(db: Queryable, before: Date, limit: number): Promise<number> {
  const rows = await db.query<{ count: number }>(sql`
    with old as materialized (
      select distinct job_id from job_history
       where at < ${before} and to_state in ('success', 'error', 'killed', 'dead')
         -- Those that were redriven since have not ended.
         and not exists (select from job_waiting where job_id = job_history.job_id)
         and not exists (select from job_running where job_id = job_history.job_id)
         and not exists (select from job_history later where later.job_id = job_history.job_id and later.at >= ${before})
       limit ${limit}
    ), forgotten as (
      delete from job_history using old where job_history.job_id = old.job_id
    ), deleted as (
      delete from jobs using old where jobs.id = old.job_id returning 1
    )
    select count(*) as count from deleted`)
  return rows[0]?.count ?? 0
}
