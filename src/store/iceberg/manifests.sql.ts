import type { Queryable, Sql } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import type { ColumnStatistics } from '../store.ts'
import type { SpecId } from './partition.ts'

export interface ManifestRow {
  readonly object_key: string
  readonly bytes: number
  readonly spec: SpecId
  readonly added_snapshot: number
  readonly sequence_min: number
  readonly added_files: number
  readonly added_rows: number
  readonly existing_files: number
  readonly existing_rows: number
  readonly time_from: number
  readonly time_to: number
}

export interface NewManifestRow extends ManifestRow {
  readonly chunk_ids: readonly string[]
}

const manifestColumns = sql`
  m.object_key, m.bytes, m.spec, m.added_snapshot, m.sequence_min, m.added_files, m.added_rows, m.existing_files,
  m.existing_rows, lower(m.time_range) as time_from, upper(m.time_range) as time_to`

/** The manifests of the newest snapshot that has any. */
export function selectManifests(db: Queryable, tableId: number): Promise<ManifestRow[]> {
  return db.query(sql`
    select ${manifestColumns} from iceberg_manifests m
     where m.table_id = ${tableId} and m.removed_snapshot is null
     order by m.time_range, m.object_key`)
}

/** The chunks in manifests. */
export async function selectManifestChunks(db: Queryable, objectKeys: readonly string[]): Promise<string[]> {
  const rows = await db.query<{ id: string }>(sql`
    select unnest(chunk_ids) as id from iceberg_manifests where object_key = any(${objectKeys}::text[])`)
  return rows.map((row) => row.id)
}

export interface Span {
  readonly tableId: number
  /** What there are manifests for. */
  readonly from: number
  /** What there are to be manifests for. */
  readonly to: number
}

/**
 * The manifests that list chunks which are no longer there at `to`. The history tells, as long as it reaches back to `from`;
 * otherwise every listed chunk is looked for.
 */
export async function selectBrokenManifests(db: Queryable, span: Span, isHistoryWhole: boolean): Promise<string[]> {
  const lost = isHistoryWhole ? lostByHistory(span) : lostBySearch(span)
  const rows = await db.query<{ object_key: string }>(sql`
    with lost as materialized (${lost})
    select m.object_key
      from iceberg_manifests m
     where m.table_id = ${span.tableId} and m.removed_snapshot is null
       and m.time_range && (select range_agg(time_range) from lost)
       and exists (select from unnest(m.chunk_ids) as listed (id) join lost on lost.id = listed.id)`)
  return rows.map((row) => row.object_key)
}

const lostByHistory = ({ tableId, from, to }: Span): Sql => sql`
  select id, time_range
    from removed_chunks
   where table_id = ${tableId} and removed_snapshot > ${from} and removed_snapshot <= ${to} and added_snapshot <= ${from}`

const lostBySearch = ({ tableId, to }: Span): Sql => sql`
  select listed.id, m.time_range
    from iceberg_manifests m, unnest(m.chunk_ids) as listed (id)
   where m.table_id = ${tableId} and m.removed_snapshot is null
     and not exists (select from chunks c where c.id = listed.id)
     and not exists (select from removed_chunks r where r.id = listed.id and r.removed_snapshot > ${to})`

/**
 * The chunks that new manifests are to list: those that came since, and those of `ids` that are still there. One statement
 * sees what is live and what was removed at one moment.
 */
function pooled({ tableId, from, to }: Span, ids: readonly string[]): Sql {
  const wanted = sql`
    table_id = ${tableId} and added_snapshot <= ${to} and (added_snapshot > ${from} or id = any(${ids}::uuid[]))`
  const columns = sql`
    id, object_key, coalesce(sorted_by[1] = 1, false) as is_sorted, time_range, rows, bytes, column_statistics, added_snapshot, lower(time_range) as time_from,
    case when floor(lower(time_range) / 3600.0) = floor((upper(time_range) - 1) / 3600.0) then 1 else 0 end as spec`
  return sql`
    select ${columns} from chunks where ${wanted}
    union all
    select ${columns} from removed_chunks where ${wanted} and removed_snapshot > ${to}`
}

/** Where a group of chunks begins: of one spec, and in the order of time. */
export interface GroupStart {
  readonly spec: SpecId
  readonly time_from: number
  readonly id: string
}

/** Cuts the pool into groups of at most `size` chunks. */
export function selectGroups(db: Queryable, span: Span, ids: readonly string[], size: number): Promise<GroupStart[]> {
  return db.query(sql`
    select spec, time_from, id
      from (select spec, time_from, id, row_number() over (partition by spec order by time_from, id) as place
              from (${pooled(span, ids)}) as pool) as placed
     where place % ${size} = 1
     order by spec, time_from, id`)
}

export interface PooledChunkRow {
  readonly id: string
  readonly object_key: string
  /** Whether its rows are in the order of time. */
  readonly is_sorted: boolean
  readonly spec: SpecId
  readonly time_from: number
  readonly time_to: number
  readonly rows: number
  readonly bytes: number
  readonly column_statistics: Readonly<Record<number, ColumnStatistics>>
  readonly added_snapshot: number
}

/** The chunks of the pool from the start of one group until before that of the next. */
export function selectGroup(
  db: Queryable,
  span: Span,
  ids: readonly string[],
  start: GroupStart,
  next: GroupStart | undefined,
): Promise<PooledChunkRow[]> {
  const until =
    next?.spec === start.spec ? sql`and (time_from, id) < (${next.time_from}::bigint, ${next.id}::uuid)` : sql``
  const timeTo = next?.spec === start.spec ? next.time_from + 1 : null
  return db.query(sql`
    select id, object_key, is_sorted, spec, time_from, upper(time_range) as time_to, rows, bytes, column_statistics,
           added_snapshot
      from (${pooled(span, ids)}) as pool
     where spec = ${start.spec} and time_range && int8range(${start.time_from}::bigint, ${timeTo}::bigint)
       and (time_from, id) >= (${start.time_from}::bigint, ${start.id}::uuid) ${until}
     order by time_from, id`)
}

/** Puts the new manifests in the place of the replaced ones, as of `snapshot`. */
export async function replaceManifests(
  tx: Queryable,
  table: { accountId: number; tableId: number; snapshot: number },
  replaced: readonly string[],
  added: readonly NewManifestRow[],
): Promise<void> {
  await tx.query(sql`
    update iceberg_manifests set removed_snapshot = ${table.snapshot} where object_key = any(${replaced}::text[])`)
  for (const row of added) {
    await tx.query(sql`
      insert into iceberg_manifests (object_key, account_id, table_id, bytes, spec, added_snapshot, sequence_min,
                                     added_files, added_rows, existing_files, existing_rows, time_range, chunk_ids)
      values (${row.object_key}, ${table.accountId}, ${table.tableId}, ${row.bytes}, ${row.spec}, ${row.added_snapshot},
              ${row.sequence_min}, ${row.added_files}, ${row.added_rows}, ${row.existing_files}, ${row.existing_rows},
              int8range(${row.time_from}, ${row.time_to}), ${row.chunk_ids}::uuid[])`)
  }
}

/** Forgets the manifests that no snapshot from `oldest` on lists. Returns their keys. */
export async function deleteManifestsBefore(tx: Queryable, tableId: number, oldest: number): Promise<string[]> {
  const rows = await tx.query<{ object_key: string }>(sql`
    delete from iceberg_manifests
     where table_id = ${tableId} and removed_snapshot <= ${oldest}
    returning object_key`)
  return rows.map((row) => row.object_key)
}

/** The chunks in manifests, with the keys of their files. */
export function selectListedChunks(
  db: Queryable,
  objectKeys: readonly string[],
): Promise<{ id: string; object_key: string }[]> {
  return db.query(sql`
    with listed as (
      select unnest(chunk_ids) as id from iceberg_manifests where object_key = any(${objectKeys}::text[])
    )
    select c.id, c.object_key from chunks c join listed using (id)
    union all
    select r.id, r.object_key from removed_chunks r join listed using (id)`)
}

/** Those of the files, all of them written by other engines, that are or were files of a table. */
export async function selectKnownKeys(db: Queryable, objectKeys: readonly string[]): Promise<string[]> {
  const rows = await db.query<{ object_key: string }>(sql`
    select object_key from chunks where object_key like 'iceberg/%' and object_key = any(${objectKeys}::text[])
    union all
    select object_key from removed_chunks where object_key like 'iceberg/%' and object_key = any(${objectKeys}::text[])
    union all
    select object_key from object_removals where object_key = any(${objectKeys}::text[])`)
  return rows.map((row) => row.object_key)
}
