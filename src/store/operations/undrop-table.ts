import { AppError, must } from '../../base/errors.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import { pgCode } from '../../base/postgres/postgres.ts'
import { tableNotFound } from '../catalog.ts'
import { lockTable, selectTableOfIds } from '../commit.sql.ts'
import type { Once, TableName } from '../store.ts'
import { holdDatabases, noteOperation } from './hold-tables.ts'
import { nameTaken } from './rename-tables.ts'
import { cancelRemovals, clearDropped, lockDropped } from './undrop.sql.ts'

/** A sweep that runs now may have read the plan a moment ago. */
const sweepMarginMs = 60_000

/** Brings back the table of that name that was dropped last, with all that it had. */
export async function undropTable(
  postgres: Postgres,
  now: Date,
  accountId: number,
  name: TableName,
  once?: Once,
): Promise<void> {
  try {
    await postgres.transaction(async (tx) => {
      const databases = await holdDatabases(tx, accountId, [name.database])
      const databaseId = must(databases.get(name.database), 'the database is held')
      if (once !== undefined) {
        const there = await selectTableOfIds(tx, databaseId, name.name, [once.uniqueId])
        if (there?.applied === true) return
      }
      const dropped = await lockDropped(tx, accountId, databaseId, name.name)
      if (dropped === undefined) throw tableNotFound(name.database, name.name)
      const hours = (now.getTime() - dropped.dropped_at.getTime()) / 3_600_000
      if (hours > dropped.history_hours) throw gone(name, dropped.dropped_at)
      const safe = await cancelRemovals(tx, dropped.id, new Date(now.getTime() + sweepMarginMs))
      if (safe < (await clearDropped(tx, dropped.id))) throw gone(name, dropped.dropped_at)
      const table = must(await lockTable(tx, accountId, dropped.id), 'the table is locked')
      await noteOperation(tx, accountId, table, 'undrop', once)
    })
  } catch (error) {
    // 23505: meanwhile another table has the name.
    throw pgCode(error) === '23505' ? nameTaken(name) : error
  }
}

function gone({ database, name }: TableName, droppedAt: Date): AppError {
  return new AppError(
    'snapshot_expired',
    `The table "${database}.${name}" was dropped at ${droppedAt.toISOString()}, and is no longer kept.`,
    { hint: 'A dropped table can be brought back for as long as its property history_hours says.' },
  )
}
