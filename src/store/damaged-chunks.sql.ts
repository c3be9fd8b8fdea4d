import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { DamageNote } from './store.ts'

/** Notes chunks that this transaction has just moved to the history as damaged. */
export async function keepDamagedChunks(
  tx: Queryable,
  table: { accountId: number; tableId: number; snapshot: number },
  notes: readonly DamageNote[],
): Promise<void> {
  await tx.query(sql`
    insert into damaged_chunks (id, account_id, table_id, object_key, time_range, rows, bytes, reason, detail, byte_offset,
                                chunk, set_aside_snapshot)
    select r.id, r.account_id, r.table_id, r.object_key, r.time_range, r.rows, r.bytes, note.reason, note.detail,
           note.byte_offset, to_jsonb(r), ${table.snapshot}
      from unnest(${notes.map(({ id }) => id)}::uuid[],
                  ${notes.map(({ reason }) => reason)}::text[],
                  ${notes.map(({ detail }) => detail)}::text[],
                  ${notes.map(({ byteOffset }) => byteOffset)}::bigint[]) as note (id, reason, detail, byte_offset)
      join removed_chunks r on r.id = note.id
     where r.table_id = ${table.tableId} and r.account_id = ${table.accountId}`)
}

export interface DamagedChunkRow {
  readonly id: string
  readonly object_key: string
  readonly time_from: number
  readonly time_to: number
  readonly rows: number
  readonly bytes: number
  readonly reason: string
  readonly detail: string
  readonly byte_offset: number | null
  readonly set_aside_snapshot: number
  readonly set_aside_at: Date
}

/** Newest first. */
export async function selectDamagedChunks(
  db: Queryable,
  table: { accountId: number; tableId: number },
  limit: number,
): Promise<DamagedChunkRow[]> {
  return await db.query<DamagedChunkRow>(sql`
    select id, object_key, lower(time_range) as time_from, upper(time_range) as time_to, rows, bytes, reason, detail,
           byte_offset, set_aside_snapshot, set_aside_at
      from damaged_chunks
     where table_id = ${table.tableId} and account_id = ${table.accountId}
     order by set_aside_at desc, id
     limit ${limit}`)
}

/** Over all accounts: for metrics. */
export async function countDamagedChunks(db: Queryable): Promise<{ chunks: number; rows: number; bytes: number }> {
  const rows = await db.query<{ chunks: number; rows: number; bytes: number }>(sql`
    select count(*) as chunks, coalesce(sum(rows), 0)::bigint as rows, coalesce(sum(bytes), 0)::bigint as bytes
      from damaged_chunks`)
  return rows[0] ?? { chunks: 0, rows: 0, bytes: 0 }
}
