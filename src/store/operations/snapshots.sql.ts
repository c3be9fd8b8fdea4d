import type { Queryable } from '../../base/postgres/postgres.ts'
import { sql } from '../../base/postgres/postgres.ts'
import type { Operation, Snapshot, SnapshotTotals } from '../store.ts'

interface SnapshotRow {
  readonly snapshot: number
  readonly committed_at: Date
  readonly operation: Operation
  readonly cause: string
  readonly schema_version: number
  readonly rows: number | null
  readonly bytes: number | null
  readonly chunks: number | null
  readonly rows_added: number
  readonly rows_removed: number
  readonly bytes_added: number
  readonly bytes_removed: number
  readonly chunks_added: number
  readonly chunks_removed: number
}

type Totals = Pick<
  SnapshotRow,
  'rows_added' | 'rows_removed' | 'bytes_added' | 'bytes_removed' | 'chunks_added' | 'chunks_removed'
>

const addedOf = (row: Totals): SnapshotTotals => ({
  rows: row.rows_added,
  bytes: row.bytes_added,
  chunks: row.chunks_added,
})
const removedOf = (row: Totals): SnapshotTotals => ({
  rows: row.rows_removed,
  bytes: row.bytes_removed,
  chunks: row.chunks_removed,
})

/** Newest first; `oldest` is the oldest one that can still be read. */
export async function selectSnapshots(
  db: Queryable,
  table: { accountId: number; tableId: number },
  oldest: number,
  page: { readonly limit: number; readonly before?: number },
): Promise<Snapshot[]> {
  const rows = await db.query<SnapshotRow>(sql`
    select snapshot, committed_at, operation, cause, schema_version, rows, bytes, chunks, rows_added, rows_removed,
           bytes_added, bytes_removed, chunks_added, chunks_removed
      from snapshots
     where account_id = ${table.accountId} and table_id = ${table.tableId}
       and (${page.before ?? null}::bigint is null or snapshot < ${page.before ?? null}::bigint)
     order by snapshot desc
     limit ${page.limit}`)
  return rows.map((row) => ({
    snapshot: row.snapshot,
    committedAt: row.committed_at,
    operation: row.operation,
    cause: row.cause,
    schemaVersion: row.schema_version,
    rows: row.rows,
    bytes: row.bytes,
    chunks: row.chunks,
    added: addedOf(row),
    removed: removedOf(row),
    isKept: row.snapshot >= oldest,
  }))
}

/** What the snapshots behind `from`, up to `to`, did, by operation. */
export async function selectOperations(
  db: Queryable,
  table: { accountId: number; tableId: number },
  { from, to }: { readonly from: number; readonly to: number },
): Promise<{ operation: Operation; commits: number; added: SnapshotTotals; removed: SnapshotTotals }[]> {
  const rows = await db.query<Totals & { operation: Operation; commits: number }>(sql`
    select operation, count(*) as commits,
           sum(rows_added)::bigint as rows_added, sum(rows_removed)::bigint as rows_removed,
           sum(bytes_added)::bigint as bytes_added, sum(bytes_removed)::bigint as bytes_removed,
           sum(chunks_added)::bigint as chunks_added, sum(chunks_removed)::bigint as chunks_removed
      from snapshots
     where account_id = ${table.accountId} and table_id = ${table.tableId}
       and snapshot > ${from} and snapshot <= ${to}
     group by operation
     order by operation`)
  return rows.map((row) => ({
    operation: row.operation,
    commits: row.commits,
    added: addedOf(row),
    removed: removedOf(row),
  }))
}

/** The chunks that only the one or the other of two snapshots has. */
export async function selectDifference(
  db: Queryable,
  table: { accountId: number; tableId: number },
  { from, to }: { readonly from: number; readonly to: number },
): Promise<{ added: SnapshotTotals; removed: SnapshotTotals }> {
  const rows = await db.query<SnapshotTotals & { came: boolean }>(sql`
    select came, coalesce(sum(rows), 0)::bigint as rows, coalesce(sum(bytes), 0)::bigint as bytes, count(*) as chunks
      from (select true as came, rows, bytes
              from chunks
             where account_id = ${table.accountId} and table_id = ${table.tableId}
               and added_snapshot > ${from} and added_snapshot <= ${to}
            union all
            select added_snapshot > ${from}, rows, bytes
              from removed_chunks
             where account_id = ${table.accountId} and table_id = ${table.tableId}
               and ((added_snapshot > ${from} and added_snapshot <= ${to} and removed_snapshot > ${to})
                    or (added_snapshot <= ${from} and removed_snapshot > ${from} and removed_snapshot <= ${to})))
           as differing
     group by came`)
  const totals = (came: boolean): SnapshotTotals => {
    const row = rows.find((of) => of.came === came)
    return { rows: row?.rows ?? 0, bytes: row?.bytes ?? 0, chunks: row?.chunks ?? 0 }
  }
  return { added: totals(true), removed: totals(false) }
}
