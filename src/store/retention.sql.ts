import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'

/** Each returns how many rows it deleted, at most `limit`. */

/** Ids older than that are not told from new ones any more. */
export async function forgetAppliedIds(db: Queryable, before: Date, limit: number): Promise<number> {
  const rows = await db.query(sql`
    delete from applied_ids where ctid = any(array(
      select ctid from applied_ids where committed_at < ${before} order by committed_at limit ${limit}
         for update skip locked))
    returning 1`)
  return rows.length
}

/** And places. */
export async function forgetAppliedPlaces(db: Queryable, before: Date, limit: number): Promise<number> {
  const rows = await db.query(sql`
    delete from applied_places where ctid = any(array(
      select ctid from applied_places where committed_at < ${before} order by committed_at limit ${limit}
         for update skip locked))
    returning 1`)
  return rows.length
}

/** Arrivals are numbered as they come, so that the oldest are found by their number. */
export async function forgetArrivals(db: Queryable, before: Date, limit: number): Promise<number> {
  const rows = await db.query(sql`
    delete from arrivals where id in (
      select id from (select id, arrived_at from arrivals order by id limit ${limit}) oldest where arrived_at < ${before})
    returning 1`)
  return rows.length
}

/**
 * Snapshots that cannot be read any more: those before the last one, of longer ago than the table's history, that removed a
 * chunk. That one is kept, for it is the oldest which can be read, and so are those whose inputs are still there.
 */
export async function forgetSnapshots(db: Queryable, now: Date, limit: number): Promise<number> {
  const rows = await db.query(sql`
    with cuts as materialized (
      select t.id as table_id,
             (select n.snapshot from snapshots n
               where n.table_id = t.id and n.chunks_removed > 0
                 and n.committed_at <= ${now}::timestamptz - make_interval(hours => t.history_hours)
               order by n.snapshot desc
               limit 1) as snapshot
        from tables t
       where t.dropped_at is null
    )
    delete from snapshots where ctid = any(array(
      select s.ctid
        from cuts c
        join snapshots s on s.table_id = c.table_id and s.snapshot < c.snapshot
       where not exists (select from removed_chunks r
                          where r.table_id = s.table_id and r.removed_snapshot = s.snapshot)
       limit ${limit}))
    returning 1`)
  return rows.length
}
