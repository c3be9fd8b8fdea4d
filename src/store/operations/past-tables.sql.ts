import type { Queryable, Sql } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import type { TableRow } from '../catalog.sql.ts'
import type { AsOf } from '../store.ts'

export interface PastRow {
  readonly snapshot: number
  readonly schema_version: number
  readonly rows: number | null
  readonly bytes: number | null
  readonly chunks: number | null
  readonly columns: TableRow['columns']
}

function columnsAt(tableId: Sql, version: Sql): Sql {
  return sql`
           coalesce((select json_agg(json_build_object('field_id', c.field_id, 'name', c.name, 'type', c.type)
                                     order by c.position)
                       from columns c
                      where c.table_id = ${tableId} and c.added_version <= ${version}
                        and (c.removed_version is null or c.removed_version > ${version})), '[]')`
}

/** A table begins empty, with the columns that it was made with, and snapshot 0, of which nothing is noted. */
export async function selectBeginning(db: Queryable, tableId: number): Promise<PastRow> {
  const rows = await db.query<Pick<PastRow, 'columns'>>(
    sql`select ${columnsAt(sql`${tableId}::bigint`, sql`1`)} as columns`,
  )
  return { snapshot: 0, schema_version: 1, rows: 0, bytes: 0, chunks: 0, columns: rows[0]?.columns ?? [] }
}

/** The snapshot of that number, or the newest at that time, with the columns of then. */
export async function selectPast(
  db: Queryable,
  table: { accountId: number; tableId: number },
  asOf: AsOf,
): Promise<PastRow | undefined> {
  const meant: Sql =
    'snapshot' in asOf ? sql`s.snapshot = ${asOf.snapshot}` : sql`s.committed_at <= ${asOf.time.toISOString()}`
  const rows = await db.query<PastRow>(sql`
    select s.snapshot, s.schema_version, s.rows, s.bytes, s.chunks,
           ${columnsAt(sql`s.table_id`, sql`s.schema_version`)} as columns
      from snapshots s
     where s.table_id = ${table.tableId} and s.account_id = ${table.accountId} and ${meant}
     order by s.snapshot desc
     limit 1`)
  return rows[0]
}

/**
 * The oldest snapshot that can be read: what it needs was neither forgotten nor removed longer ago than the history of the
 * table reaches.
 */
export async function selectOldest(
  db: Queryable,
  table: { accountId: number; tableId: number },
  now: Date,
): Promise<{ snapshot: number; committedAt: Date | null }> {
  const rows = await db.query<{ snapshot: number; committed_at: Date | null }>(sql`
    with oldest as (
      select greatest(t.oldest_snapshot, coalesce(
               (select max(s.snapshot)
                  from snapshots s
                 where s.table_id = t.id and s.chunks_removed > 0
                   and s.committed_at <= ${now}::timestamptz - make_interval(hours => t.history_hours)), 0)) as snapshot
        from tables t
       where t.id = ${table.tableId} and t.account_id = ${table.accountId}
    )
    select o.snapshot, s.committed_at
      from oldest o
      left join snapshots s on s.table_id = ${table.tableId} and s.snapshot = o.snapshot`)
  const [row] = rows
  return { snapshot: row?.snapshot ?? 0, committedAt: row?.committed_at ?? null }
}
