import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { Chunk, ColumnStatistics, NewChunk } from './store.ts'

export interface ChunkRow {
  readonly id: string
  readonly object_key: string
  readonly layer: Chunk['layer']
  readonly time_from: number
  readonly time_to: number
  readonly rows: number
  readonly bytes: number
  readonly column_statistics: Readonly<Record<number, ColumnStatistics>>
  readonly added_snapshot: number
}

/**
 * The chunks of one snapshot that touch `ranges`, a multirange such as `{[0,3600),[7200,)}`: one search of the GiST
 * index on (table_id, time_range) for all of them.
 */
export function selectChunks(
  db: Queryable,
  table: { accountId: number; tableId: number; snapshot: number },
  ranges: string,
): Promise<ChunkRow[]> {
  return db.query(chunksStatement(table, ranges))
}

export const chunksStatement = (table: { accountId: number; tableId: number; snapshot: number }, ranges: string) => sql`
  select id, object_key, layer, lower(time_range) as time_from, upper(time_range) as time_to, rows, bytes,
         column_statistics, added_snapshot
    from chunks
   where table_id = ${table.tableId} and account_id = ${table.accountId}
     and time_range && ${ranges}::int8multirange
     and added_snapshot <= ${table.snapshot}
     and (removed_snapshot is null or removed_snapshot > ${table.snapshot})
   order by lower(time_range), id`

export async function insertChunks(
  tx: Queryable,
  table: { accountId: number; tableId: number; snapshot: number },
  chunks: readonly NewChunk[],
): Promise<void> {
  await tx.query(sql`
    insert into chunks (id, account_id, table_id, layer, time_range, rows, bytes, object_key, column_statistics,
                        added_snapshot)
    select id, ${table.accountId}, ${table.tableId}, 'realtime', int8range(time_from, time_to), rows, bytes, object_key,
           column_statistics::jsonb, ${table.snapshot}
      from unnest(${chunks.map((chunk) => chunk.id)}::uuid[],
                  ${chunks.map((chunk) => chunk.timeRange.from)}::bigint[],
                  ${chunks.map((chunk) => chunk.timeRange.to)}::bigint[],
                  ${chunks.map((chunk) => chunk.rows)}::bigint[],
                  ${chunks.map((chunk) => chunk.bytes)}::bigint[],
                  ${chunks.map((chunk) => chunk.objectKey)}::text[],
                  ${chunks.map((chunk) => JSON.stringify(chunk.statistics))}::text[])
           as added (id, time_from, time_to, rows, bytes, object_key, column_statistics)`)
}
