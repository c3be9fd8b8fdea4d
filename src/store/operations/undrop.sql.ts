import type { Queryable } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'

/** The table of that name that was dropped last, which the sweep leaves alone until the transaction ends. */
export async function lockDropped(
  tx: Queryable,
  accountId: number,
  databaseId: number,
  name: string,
): Promise<{ id: number; dropped_at: Date; history_hours: number } | undefined> {
  const rows = await tx.query<{ id: number; dropped_at: Date; history_hours: number }>(sql`
    select id, dropped_at, history_hours from tables
     where account_id = ${accountId} and database_id = ${databaseId} and name = ${name} and dropped_at is not null
     order by dropped_at desc
     limit 1
       for update`)
  return rows[0]
}

/** Brings the table back, and returns how many live chunks it has. */
export async function clearDropped(tx: Queryable, tableId: number): Promise<number> {
  const rows = await tx.query<{ chunks: number }>(sql`
    update tables set dropped_at = null where id = ${tableId}
    returning (select count(*) from chunks where table_id = ${tableId}) as chunks`)
  return rows[0]?.chunks ?? 0
}

/**
 * Takes the removal of the table's files back. Returns how many live chunks are safe: a removal that is due before
 * `notBefore` may be on its way already.
 */
export async function cancelRemovals(tx: Queryable, tableId: number, notBefore: Date): Promise<number> {
  const rows = await tx.query<{ live: number }>(sql`
    with cancelled as (
      delete from object_removals r
       using (select object_key, true as live from chunks where table_id = ${tableId}
              union all
              select object_key, false from removed_chunks where table_id = ${tableId}) c
       where r.object_key = c.object_key and r.remove_after > ${notBefore}
      returning c.live
    )
    select count(*) filter (where live) as live from cancelled`)
  return rows[0]?.live ?? 0
}
