import { AppError } from '../../base/errors.ts'
import type { Queryable } from '../../base/postgres/postgres.ts'
import type { TableRow } from '../catalog.sql.ts'
import { requireTables, tableOf } from '../catalog.ts'
import type { AsOf, TableName, TableSnapshot } from '../store.ts'
import type { PastRow } from './past-tables.sql.ts'
import { selectBeginning, selectOldest, selectPast } from './past-tables.sql.ts'

/** Tables as they are, at one moment, and those with `asOf` as they were. */
export async function openSnapshots(
  db: Queryable,
  now: Date,
  accountId: number,
  tables: readonly (TableName & { readonly asOf?: AsOf })[],
): Promise<TableSnapshot[]> {
  const rows = await requireTables(db, accountId, tables)
  return await Promise.all(
    rows.map(async (row, index) => {
      const asOf = tables[index]?.asOf
      if (asOf !== undefined) return await pastTable(db, row, asOf, now)
      return { table: tableOf(row), chunkCount: row.chunks }
    }),
  )
}

/**
 * A table as it was: with the columns and the chunks of then. Fails with `snapshot_not_found` where it never was, and with
 * `snapshot_expired` where its history does not reach back so far.
 */
export async function pastTable(db: Queryable, row: TableRow, asOf: AsOf, now: Date): Promise<TableSnapshot> {
  const table = { accountId: row.account_id, tableId: row.id }
  const past = (await selectPast(db, table, asOf)) ?? (await beginning(db, row, asOf))
  if (past === undefined) throw notFound(row, asOf)
  const oldest = await selectOldest(db, table, now)
  if (past.snapshot < oldest.snapshot) throw expired(row, past.snapshot, oldest)
  return {
    table: tableOf({
      ...row,
      snapshot: past.snapshot,
      schema_version: past.schema_version,
      // What was to be restated then is not known any more; what was written before the last change may have to be.
      restated_version: Math.min(row.restated_version, past.schema_version),
      columns: past.columns,
      rows: past.rows ?? row.rows,
      bytes: past.bytes ?? row.bytes,
    }),
    chunkCount: past.chunks ?? row.chunks,
  }
}

async function beginning(db: Queryable, row: TableRow, asOf: AsOf): Promise<PastRow | undefined> {
  const isThen = 'snapshot' in asOf ? asOf.snapshot === 0 : asOf.time >= row.created_at
  return isThen ? await selectBeginning(db, row.id) : undefined
}

function notFound({ database, name, snapshot, created_at }: TableRow, asOf: AsOf): AppError {
  const table = JSON.stringify(`${database}.${name}`)
  if ('snapshot' in asOf) {
    return new AppError('snapshot_not_found', `The table ${table} has no snapshot ${asOf.snapshot}.`, {
      hint: `Its newest is ${snapshot}.`,
    })
  }
  return new AppError('snapshot_not_found', `The table ${table} was not there at ${asOf.time.toISOString()}.`, {
    hint: `It was made at ${created_at.toISOString()}.`,
  })
}

function expired(
  { database, name }: TableRow,
  snapshot: number,
  oldest: { readonly snapshot: number; readonly committedAt: Date | null },
): AppError {
  const since = oldest.committedAt === null ? '' : ` of ${oldest.committedAt.toISOString()}`
  return new AppError(
    'snapshot_expired',
    `Snapshot ${snapshot} of the table ${JSON.stringify(`${database}.${name}`)} is no longer kept.`,
    {
      hint: `The oldest that can be read is ${oldest.snapshot}${since}. The property history_hours says how far back it goes.`,
    },
  )
}
