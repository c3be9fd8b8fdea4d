import { must } from '../../base/errors.ts'
import type { Queryable } from '../../base/postgres/postgres.ts'
import { requireLease } from '../require-lease.ts'
import { holdDatabase } from '../catalog.sql.ts'
import { databaseNotFound, tableNotFound } from '../catalog.ts'
import type { LockedTable } from '../commit.sql.ts'
import { advanceTable, insertAppliedIds, lockTable } from '../commit.sql.ts'
import { lockPlaces } from '../lock-names.ts'
import type { Once, Operation, TableName } from '../store.ts'

/** Keeps the databases from being dropped until the transaction ends; before any table is locked. */
export async function holdDatabases(
  tx: Queryable,
  accountId: number,
  names: readonly string[],
): Promise<Map<string, number>> {
  const held = new Map<string, number>()
  for (const name of [...new Set(names)].toSorted()) {
    const database = await holdDatabase(tx, accountId, { name })
    if (database === undefined) throw databaseNotFound(name)
    held.set(name, database.id)
  }
  return held
}

/** The table of that name, which nobody else changes until the transaction ends. */
export async function lockNamed(tx: Queryable, accountId: number, table: TableName): Promise<LockedTable> {
  const databases = await holdDatabases(tx, accountId, [table.database])
  const place = { databaseId: must(databases.get(table.database), 'the database is held'), name: table.name }
  const [id] = await lockPlaces(tx, accountId, [place])
  const locked = id === undefined ? undefined : await lockTable(tx, accountId, id)
  if (locked === undefined) throw tableNotFound(table.database, table.name)
  return locked
}

const none = { chunks: 0, realtimeChunks: 0, rows: 0, bytes: 0, time_from: null, time_to: null }

/**
 * Notes that something was done with the table which changed none of its rows. False where that was noted before, under the
 * same id: then it is not to be done again.
 */
export async function noteOperation(
  tx: Queryable,
  accountId: number,
  table: LockedTable,
  operation: Operation,
  once: Once | undefined,
): Promise<boolean> {
  await requireLease(tx, once?.fence)
  const at = { accountId, tableId: table.id, snapshot: table.snapshot + 1 }
  if (once !== undefined) {
    const ids = await insertAppliedIds(tx, at, [{ uniqueId: once.uniqueId, rows: 0, quarantined: 0 }])
    if (ids.length === 0) return false
  }
  const cause = once?.uniqueId ?? operation
  await advanceTable(tx, { ...at, operation, cause, added: none, removed: none, nextFieldId: null })
  return true
}
