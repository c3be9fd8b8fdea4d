import type { Queryable, Sql } from '../base/postgres/postgres.ts'
import { sql } from '../base/postgres/postgres.ts'
import { StatementShapes } from '../base/postgres/statement-shapes.ts'
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
    addedSnapshot: row.added_snapshot,
    createdAt: row.created_at,
    ...(row.sorted_by !== null && { sortedBy: row.sorted_by }),
  }
}

const storedColumns = sql`
  id, object_key, layer, time_range, rows, bytes, column_statistics, schema_version, crc32, sorted_by, added_snapshot,
  created_at`

export const chunkColumns = sql`
  id, object_key, layer, lower(time_range) as time_from, upper(time_range) as time_to, rows, bytes, column_statistics,
  schema_version, crc32, sorted_by, added_snapshot, created_at`

/** A snapshot of a table, and the times that are asked for: a multirange such as `{[0,3600),[7200,)}`; null for all. */
export interface ChunkPlace {
  readonly accountId: number
  readonly tableId: number
  readonly snapshot: number
  readonly ranges: string | null
}

/**
 * The chunks of one snapshot that touch the ranges: one search of the GiST index on (table_id, time_range) for all of
 * them, and a look at the few that were removed since. One statement sees both at one moment, so that a chunk which a
 * commit moves from one to the other is seen once.
 */
export function selectChunks(
  db: Queryable,
  place: ChunkPlace,
  choice: ChunkFilter & { readonly limit?: number } = {},
): Promise<ChunkRow[]> {
  return db.query(shapes.prepared(chunksStatement(place, choice)))
}

/** By the fields and the comparisons of what is asked for. To plan such a statement takes longer than to find a few chunks with it. */
const shapes = new StatementShapes('store_chunks')

/** Which of the chunks count, as an expression over their row and what is joined to it. */
export interface ChunkFilter {
  readonly passes?: Sql
  readonly joined?: Sql
}

export const chunksStatement = (
  place: ChunkPlace,
  { limit, ...filter }: ChunkFilter & { readonly limit?: number } = {},
) => sql`
  select ${chunkColumns}
    from (${chunksAt(place, filter)} ${limit === undefined ? sql`` : sql`limit ${limit}`}) as chosen
   order by time_from, id`

export async function countChunks(db: Queryable, place: ChunkPlace): Promise<number> {
  const rows = await db.query<{ count: number }>(sql`select count(*) as count from (${chunksAt(place)}) as chosen`)
  return rows[0]?.count ?? 0
}

/** The rows of both tables that make up the chunks of the snapshot. */
export function chunksAt(
  { accountId, tableId, snapshot, ranges }: ChunkPlace,
  { passes = sql`true`, joined = sql``, columns = storedColumns }: ChunkFilter & { readonly columns?: Sql } = {},
): Sql {
  const inTime = ranges === null ? sql`true` : sql`time_range && ${ranges}::int8multirange`
  return sql`
    select ${columns}
      from chunks ${joined}
     where table_id = ${tableId} and account_id = ${accountId} and ${inTime} and added_snapshot <= ${snapshot}
       and ${passes}
    union all
    select ${columns}
      from removed_chunks ${joined}
     where table_id = ${tableId} and account_id = ${accountId} and ${inTime} and added_snapshot <= ${snapshot}
       and removed_snapshot > ${snapshot} and ${passes}`
}

/** Whether all rows of a chunk are within the ranges. */
export function isInside({ ranges }: ChunkPlace): Sql {
  return ranges === null ? sql`true` : sql`time_range <@ ${ranges}::int8multirange`
}

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

/** The times of the newest rows of the tables that have any. */
export async function selectNewestTimes(
  db: Queryable,
  accountId: number,
  tableIds: readonly number[],
): Promise<{ id: number; time: number }[]> {
  return await db.query(sql`
    select table_id as id, max(upper(time_range)) - 1 as time
      from chunks
     where account_id = ${accountId} and table_id = any(${tableIds}::bigint[])
     group by table_id`)
}
