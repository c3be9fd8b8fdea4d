import type { Queryable } from './postgres.ts'
import { sql } from './postgres.ts'

/** Whether a transaction is open that began so long ago: nobody sees yet what it will have committed. */
export async function hasOpenTransaction(db: Queryable, olderThanSeconds: number): Promise<boolean> {
  const rows = await db.query(sql`
    select 1 from pg_stat_activity
     where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
       and xact_start < now() - make_interval(secs => ${olderThanSeconds})
     limit 1`)
  return rows.length > 0
}
