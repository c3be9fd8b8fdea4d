import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'

/**
 * Does not wait for the disk: an announcement is a transaction with a commit of its own, and whoever misses it after a crash
 * looks for himself.
 */
export async function notify(db: Queryable, channel: string, payload: string): Promise<void> {
  const statement = sql`
    select set_config('synchronous_commit', 'off', true), pg_notify(${channel}, ${payload})`
  await db.query(statement.prepared('jobs_notify'))
}
