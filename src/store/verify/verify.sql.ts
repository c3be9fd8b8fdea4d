import type { Queryable } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import type { ChunkRow } from '../chunks.sql.ts'
import { chunkColumns } from '../chunks.sql.ts'

/** The live chunks of a table, or so many of them, by chance. */
export async function selectChunkIds(
  db: Queryable,
  table: { accountId: number; tableId: number },
  sample: number | null,
): Promise<string[]> {
  const rows = await db.query<{ id: string }>(sql`
    select id from chunks
     where table_id = ${table.tableId} and account_id = ${table.accountId}
     order by ${sample === null ? sql`id` : sql`random()`}
     limit ${sample}`)
  return rows.map(({ id }) => id)
}

/** Those of the chunks that are live still. */
export function selectLiveChunks(
  db: Queryable,
  table: { accountId: number; tableId: number },
  ids: readonly string[],
): Promise<ChunkRow[]> {
  return db.query(sql`
    select ${chunkColumns} from chunks
     where id = any(${ids}::uuid[]) and table_id = ${table.tableId} and account_id = ${table.accountId}
     order by id`)
}

/**
 * What a merge made at that snapshot, as far as it is live, and what it was made of, as far as it is in the history. No rows
 * where the snapshot was no merge.
 */
export async function selectMerge(
  db: Queryable,
  table: { accountId: number; tableId: number; snapshot: number },
): Promise<{ outputs: ChunkRow[]; inputs: ChunkRow[]; chunks_added: number; chunks_removed: number } | undefined> {
  const key = sql`table_id = ${table.tableId} and account_id = ${table.accountId}`
  const [merge] = await db.query<{ chunks_added: number; chunks_removed: number }>(sql`
    select chunks_added, chunks_removed from snapshots
     where ${key} and snapshot = ${table.snapshot} and operation = 'merge'`)
  if (merge === undefined) return undefined
  const outputs = await db.query<ChunkRow>(sql`
    select ${chunkColumns} from chunks where ${key} and added_snapshot = ${table.snapshot}`)
  const inputs = await db.query<ChunkRow>(sql`
    select ${chunkColumns} from removed_chunks where ${key} and removed_snapshot = ${table.snapshot}`)
  return { outputs, inputs, ...merge }
}
