import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'

export interface LimitRow {
  readonly id: number
  readonly key: string
  readonly slots: number
  readonly used: number
  readonly paused: boolean
}

/**
 * The limits of these keys, which stay as they are until the transaction ends. Locked before they are counted, and in the
 * order of their ids: whoever counts without the lock counts past another who does the same.
 */
export function lockLimits(tx: Queryable, keys: readonly string[]): Promise<LimitRow[]> {
  const statement = sql`
    select id, key, slots, used, coalesce(paused_until > now(), false) as paused
      from job_limits
     where key = any (${keys}::text[])
     order by id
       for update`
  return tx.query(statement.prepared('jobs_lock_limits'))
}

/** The limits of these keys as they are at this moment: enough to see that there is no room. */
export function readLimits(db: Queryable, keys: readonly string[]): Promise<LimitRow[]> {
  const statement = sql`
    select id, key, slots, used, coalesce(paused_until > now(), false) as paused
      from job_limits
     where key = any (${keys}::text[])`
  return db.query(statement.prepared('jobs_read_limits'))
}

export async function lockLimitIds(tx: Queryable, ids: readonly number[]): Promise<void> {
  await tx.query(
    sql`select from job_limits where id = any (${ids}::bigint[]) order by id for update`.prepared(
      'jobs_lock_limit_ids',
    ),
  )
}

/** Adds to the slots in use; the rows are locked. A limit that was removed meanwhile counts nothing any more. */
export async function addUsedSlots(tx: Queryable, added: ReadonlyMap<number, number>): Promise<void> {
  const statement = sql`
    update job_limits
       set used = greatest(used + added.slots, 0)
      from unnest(${[...added.keys()]}::bigint[], ${[...added.values()]}::integer[]) as added (limit_id, slots)
     where id = added.limit_id`
  await tx.query(statement.prepared('jobs_add_used'))
}
