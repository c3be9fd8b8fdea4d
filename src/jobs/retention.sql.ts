import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'

/** Deletes some jobs, with their history, that were finished before; the oldest first. Returns how many. */
export async function deleteFinishedBefore(db: Queryable, before: Date, limit: number): Promise<number> {
  const rows = await db.query<{ count: number }>(sql`
    with old as materialized (
      select id from jobs
       where finished_at < ${before}
       order by finished_at
       limit ${limit}
         for update skip locked
    ), deleted as (
      delete from jobs using old where jobs.id = old.id returning 1
    )
    select count(*) as count from deleted`)
  return rows[0]?.count ?? 0
}
