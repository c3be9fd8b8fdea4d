import type { Queryable } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import type { Chunk, ColumnStatistics, Layer, NewChunk } from './store.ts'

export interface ChunkRow {
  readonly id: string
  readonly object_key: string
  readonly layer: Layer
  readonly time_from: number
  readonly time_to: number
  readonly rows: number
  readonly bytes: number
  readonly column_statistics: Readonly<Record<number, ColumnStatistics>>
  readonly schema_version: number
  readonly crc32: number | null
  readonly sorted_by: readonly number[] | null
  readonly added_snapshot: number
  readonly created_at: Date
}

export function chunkOf(row: ChunkRow): Chunk {
  return {
    id: row.id,
    objectKey: row.object_key,
    timeRange: { from: row.time_from, to: row.time_to },
    rows: row.rows,
    bytes: row.bytes,
    statistics: row.column_statistics,
    layer: row.layer,
    schemaVersion: row.schema_version,
    crc32: row.crc32,
    ...(row.sorted_by !== null && { sortedBy: row.sorted_by }),
    addedSnapshot: row.added_snapshot,
    createdAt: row.created_at,
  }
}

export const chunkColumns = sql`
  id, object_key, layer, lower(time_range) as time_from, upper(time_range) as time_to, rows, bytes, column_statistics,
  schema_version, crc32, sorted_by, added_snapshot, created_at`

/**
 * The chunks of one snapshot that touch `ranges`, a multirange such as `{[0,3600),[7200,)}`: one search of the GiST
 * index on (table_id, time_range) for all of them, and a look at the few that were removed since. One statement sees both at
 * one moment, so that a chunk which a commit moves from one to the other is seen once.
 */
export function selectChunks(
  db: Queryable,
  table: { accountId: number; tableId: number; snapshot: number },
  ranges: string,
): Promise<ChunkRow[]> {
  return db.query(chunksStatement(table, ranges))
}

export const chunksStatement = (table: { accountId: number; tableId: number; snapshot: number }, ranges: string) => sql`
  select ${chunkColumns}
    from chunks
   where table_id = ${table.tableId} and account_id = ${table.accountId}
     and time_range && ${ranges}::int8multirange
     and added_snapshot <= ${table.snapshot}
  union all
  select ${chunkColumns}
    from removed_chunks
   where table_id = ${table.tableId} and account_id = ${table.accountId}
     and removed_snapshot > ${table.snapshot}
     and added_snapshot <= ${table.snapshot}
     and time_range && ${ranges}::int8multirange
   order by time_from, id`

export async function insertChunks(
  tx: Queryable,
  table: { accountId: number; tableId: number; snapshot: number; schemaVersion: number },
  chunks: readonly (NewChunk & { readonly layer: Layer })[],
): Promise<void> {
  await tx.query(sql`
    insert into chunks (id, account_id, table_id, layer, time_range, rows, bytes, object_key, column_statistics,
                        schema_version, crc32, sorted_by, added_snapshot)
    select id, ${table.accountId}, ${table.tableId}, layer, int8range(time_from, time_to), rows, bytes,
           object_key, column_statistics::jsonb, ${table.schemaVersion}, crc32, sorted_by::integer[], ${table.snapshot}
      from unnest(${chunks.map((chunk) => chunk.id)}::uuid[],
                  ${chunks.map((chunk) => chunk.timeRange.from)}::bigint[],
                  ${chunks.map((chunk) => chunk.timeRange.to)}::bigint[],
                  ${chunks.map((chunk) => chunk.rows)}::bigint[],
                  ${chunks.map((chunk) => chunk.bytes)}::bigint[],
                  ${chunks.map((chunk) => chunk.objectKey)}::text[],
                  ${chunks.map((chunk) => JSON.stringify(chunk.statistics))}::text[],
                  ${chunks.map((chunk) => chunk.crc32)}::bigint[],
                  ${chunks.map((chunk) => (chunk.sortedBy === undefined ? null : `{${chunk.sortedBy.join(',')}}`))}::text[],
                  ${chunks.map((chunk) => chunk.layer)}::text[])
           as added (id, time_from, time_to, rows, bytes, object_key, column_statistics, crc32, sorted_by, layer)`)
}

/** What a set of chunks comes to. */
export interface ChunkTotals {
  readonly chunks: number
  readonly realtimeChunks: number
  readonly rows: number
  readonly bytes: number
  /** Null of no chunks. */
  readonly time_from: number | null
  readonly time_to: number | null
}

/** Moves live chunks to the history, and says what they come to: fewer than were named where some are gone already. */
export async function removeChunks(
  tx: Queryable,
  table: { accountId: number; tableId: number; snapshot: number },
  ids: readonly string[],
): Promise<ChunkTotals> {
  const rows = await tx.query<ChunkTotals>(sql`
    with gone as (
      delete from chunks
       where id = any(${ids}::uuid[]) and table_id = ${table.tableId} and account_id = ${table.accountId}
      returning *
    ), kept as (
      insert into removed_chunks (id, account_id, table_id, layer, time_range, rows, bytes, object_key, column_statistics,
                                  schema_version, crc32, sorted_by, created_at, added_snapshot, removed_snapshot)
      select id, account_id, table_id, layer, time_range, rows, bytes, object_key, column_statistics,
             schema_version, crc32, sorted_by, created_at, added_snapshot, ${table.snapshot}
        from gone
    )
    select count(*) as chunks, count(*) filter (where layer = 'realtime') as "realtimeChunks",
           coalesce(sum(rows), 0)::bigint as rows, coalesce(sum(bytes), 0)::bigint as bytes,
           min(lower(time_range)) as time_from, max(upper(time_range)) as time_to
      from gone`)
  return rows[0] ?? { chunks: 0, realtimeChunks: 0, rows: 0, bytes: 0, time_from: null, time_to: null }
}
