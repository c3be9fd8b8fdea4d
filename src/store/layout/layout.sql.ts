import type { Queryable } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import type { Layer } from '../store.ts'

interface TableKey {
  readonly accountId: number
  readonly tableId: number
}

export interface LayerRow {
  readonly layer: Layer
  readonly chunks: number
  readonly rows: number
  readonly bytes: number
  readonly time_from: number
  readonly time_to: number
  readonly small_chunks: number
  readonly small_bytes: number
}

export function selectLayers(db: Queryable, table: TableKey, smallBytes: number): Promise<LayerRow[]> {
  return db.query(sql`
    select layer, count(*) as chunks, sum(rows)::bigint as rows, sum(bytes)::bigint as bytes,
           min(lower(time_range)) as time_from, max(upper(time_range)) as time_to,
           count(*) filter (where bytes < ${smallBytes}) as small_chunks,
           coalesce(sum(bytes) filter (where bytes < ${smallBytes}), 0)::bigint as small_bytes
      from chunks
     where table_id = ${table.tableId} and account_id = ${table.accountId}
     group by layer
     order by layer desc`)
}

export interface BucketRow {
  readonly time_from: number
  readonly realtime: number
  readonly archive: number
  readonly rows: number
  readonly bytes: number
}

/** Chunks by the time at which they begin, in steps of so many seconds. */
export function selectBuckets(db: Queryable, table: TableKey, seconds: number): Promise<BucketRow[]> {
  return db.query(sql`
    select (floor(lower(time_range)::numeric / ${seconds}) * ${seconds})::bigint as time_from,
           count(*) filter (where layer = 'realtime') as realtime, count(*) filter (where layer = 'archive') as archive,
           sum(rows)::bigint as rows, sum(bytes)::bigint as bytes
      from chunks
     where table_id = ${table.tableId} and account_id = ${table.accountId}
     group by 1
     order by 1`)
}

export interface OverlapRow {
  /** The most chunks that lie over one time. */
  readonly deepest: number
  /** Over the time in which there are any. */
  readonly average: number
}

/** By a sweep over all beginnings and ends in order of time: for tables of so many chunks that they can be sorted at once. */
export async function selectOverlap(db: Queryable, table: TableKey): Promise<OverlapRow> {
  const rows = await db.query<OverlapRow>(sql`
    with edges as (
      select edge.time, sum(edge.change) as change
        from chunks c
        cross join lateral (values (lower(c.time_range), 1), (upper(c.time_range), -1)) as edge (time, change)
       where c.table_id = ${table.tableId} and c.account_id = ${table.accountId}
       group by edge.time
    ), depths as (
      select sum(change) over (order by time) as depth, lead(time) over (order by time) - time as seconds from edges
    )
    select coalesce(max(depth), 0)::bigint as deepest,
           coalesce(sum(depth * seconds) / nullif(sum(seconds) filter (where depth > 0), 0), 0)::float8 as average
      from depths`)
  return rows[0] ?? { deepest: 0, average: 0 }
}

/**
 * By looking at so many times, found by the index on them: the average at times by chance, and the deepest where chunks by
 * chance begin, which is where depth grows.
 */
export async function probeOverlap(
  db: Queryable,
  table: TableKey,
  probes: { readonly count: number; readonly from: number; readonly to: number },
): Promise<OverlapRow> {
  const own = sql`c.table_id = ${table.tableId} and c.account_id = ${table.accountId}`
  const rows = await db.query<OverlapRow>(sql`
    with times as (
      select ${probes.from} + floor(random() * ${probes.to - probes.from})::bigint as time, true as by_chance
        from generate_series(1, ${probes.count})
      union all
      (select lower(c.time_range), false from chunks c where ${own} order by random() limit ${probes.count})
    ), depths as (
      select by_chance, (select count(*) from chunks c where ${own} and c.time_range @> times.time) as depth from times
    )
    select max(depth) as deepest, coalesce(avg(depth) filter (where by_chance and depth > 0), 1)::float8 as average
      from depths`)
  return rows[0] ?? { deepest: 0, average: 0 }
}

export interface LargeChunkRow {
  readonly id: string
  readonly layer: Layer
  readonly time_from: number
  readonly time_to: number
  readonly rows: number
  readonly bytes: number
}

export function selectLargest(db: Queryable, table: TableKey, limit: number): Promise<LargeChunkRow[]> {
  return db.query(sql`
    select id, layer, lower(time_range) as time_from, upper(time_range) as time_to, rows, bytes
      from chunks
     where table_id = ${table.tableId} and account_id = ${table.accountId}
     order by bytes desc, id
     limit ${limit}`)
}

/** What is kept beside the newest snapshot. */
export async function selectKept(
  db: Queryable,
  table: TableKey,
): Promise<{ history_chunks: number; history_bytes: number; damaged_chunks: number; damaged_rows: number }> {
  const [row] = await db.query<Awaited<ReturnType<typeof selectKept>>>(sql`
    select (select count(*) from removed_chunks where table_id = ${table.tableId}) as history_chunks,
           (select coalesce(sum(bytes), 0)::bigint from removed_chunks where table_id = ${table.tableId}) as history_bytes,
           (select count(*) from damaged_chunks where table_id = ${table.tableId}) as damaged_chunks,
           (select coalesce(sum(rows), 0)::bigint from damaged_chunks where table_id = ${table.tableId}) as damaged_rows`)
  return row ?? { history_chunks: 0, history_bytes: 0, damaged_chunks: 0, damaged_rows: 0 }
}
