import type { Queryable } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import type { TableSettings } from '../store.ts'

/** Changes what is given, and leaves the rest. */
export async function updateSettings(
  tx: Queryable,
  tableId: number,
  { expireDays, historyHours, schemaMode, clusterColumns }: Partial<TableSettings>,
): Promise<void> {
  await tx.query(sql`
    update tables
       set expire_days = case when ${expireDays === undefined} then expire_days else ${expireDays ?? null}::integer end,
           history_hours = coalesce(${historyHours ?? null}::integer, history_hours),
           -- Imports that are about to add columns look again.
           schema_version = schema_version + case when schema_mode <> ${schemaMode ?? null}::text then 1 else 0 end,
           schema_mode = coalesce(${schemaMode ?? null}::text, schema_mode),
           cluster_columns = coalesce(${clusterColumns ?? null}::integer[], cluster_columns)
     where id = ${tableId}`)
}

/**
 * Ends the history of the table before its newest snapshot. Its chunks count as removed now, so that queries which read them
 * have the grace period. Returns how many these are.
 */
export async function endHistory(tx: Queryable, tableId: number, now: Date): Promise<number> {
  const rows = await tx.query<{ chunks: number }>(sql`
    with ended as (
      update tables set oldest_snapshot = snapshot where id = ${tableId}
    ), removed as (
      update removed_chunks set removed_at = ${now} where table_id = ${tableId} returning 1
    )
    select count(*) as chunks from removed`)
  return rows[0]?.chunks ?? 0
}
