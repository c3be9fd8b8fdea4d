import { AppError, must } from '../../base/errors.ts'
import { requireName } from '../../base/names.ts'
import type { Postgres, Queryable } from '../../base/postgres/postgres.ts'
import { pgCode } from '../../base/postgres/postgres.ts'
import { tableNotFound } from '../catalog.ts'
import { lockTable, selectTableOfIds } from '../commit.sql.ts'
import { lockPlaces } from '../lock-names.ts'
import { markTablesDropped } from '../removal.sql.ts'
import type { Once, TableName } from '../store.ts'
import { holdDatabases, noteOperation } from './hold-tables.ts'
import { renameQuarantine, updateTableName } from './names.sql.ts'

/** When a table is dropped, and until when its files stay for those who read it. */
export interface Removal {
  readonly now: Date
  readonly removeAfter: Date
}

export interface Renaming {
  readonly from: TableName
  readonly to: TableName
  readonly once?: Once | undefined
  /** Drops the table that has the name; without it, a name that is taken is a failure. */
  readonly replacing?: Removal
}

/** Gives a table another name; the rows, their files and the ids that were applied stay with it. */
export async function renameTable(postgres: Postgres, accountId: number, renaming: Renaming): Promise<void> {
  const { from, to, once, replacing } = renaming
  requireName('table', to.name)
  if (from.database === to.database && from.name === to.name && replacing !== undefined) throw itself()
  try {
    await postgres.transaction(async (tx) => {
      const databases = await holdDatabases(tx, accountId, [from.database, to.database])
      const target = { databaseId: must(databases.get(to.database), 'the database is held'), name: to.name }
      if (await isDone(tx, target, once)) return
      const source = { databaseId: must(databases.get(from.database), 'the database is held'), name: from.name }
      const [id, taken] = await lockPlaces(tx, accountId, replacing === undefined ? [source] : [source, target])
      const table = id === undefined ? undefined : await lockTable(tx, accountId, id)
      if (table === undefined) throw tableNotFound(from.database, from.name)
      if (!(await noteOperation(tx, accountId, table, 'rename', once))) return
      if (replacing !== undefined && taken !== undefined) {
        await markTablesDropped(tx, [taken], replacing.now, replacing.removeAfter)
      }
      await updateTableName(tx, table.id, target)
      await renameQuarantine(tx, { accountId, tableId: table.id }, from, to)
    })
  } catch (error) {
    // 23505: the names of tables are unique in their database.
    throw pgCode(error) === '23505' ? nameTaken(to) : error
  }
}

async function isDone(tx: Queryable, to: { databaseId: number; name: string }, once?: Once): Promise<boolean> {
  if (once === undefined) return false
  return (await selectTableOfIds(tx, to.databaseId, to.name, [once.uniqueId]))?.applied === true
}

/** No table can have it, so that it is free for the moment in which neither of two tables has its name. */
const nameBetween = '@swap'

/** Two tables change names, in one transaction. */
export async function swapTables(
  postgres: Postgres,
  accountId: number,
  first: TableName,
  second: TableName,
  once?: Once,
): Promise<void> {
  if (first.database === second.database && first.name === second.name) {
    throw itself()
  }
  await postgres.transaction(async (tx) => {
    const databases = await holdDatabases(tx, accountId, [first.database, second.database])
    const placeOf = ({ database, name }: TableName) => ({
      databaseId: must(databases.get(database), 'the database is held'),
      name,
    })
    const [here, there] = [placeOf(first), placeOf(second)]
    const [one, other] = await lockPlaces(tx, accountId, [here, there])
    if (one === undefined) throw tableNotFound(first.database, first.name)
    if (other === undefined) throw tableNotFound(second.database, second.name)
    for (const id of [one, other]) {
      const table = must(await lockTable(tx, accountId, id), 'the table is locked')
      if (!(await noteOperation(tx, accountId, table, 'swap', once))) return
    }
    await updateTableName(tx, one, { ...here, name: nameBetween })
    await updateTableName(tx, other, here)
    await updateTableName(tx, one, there)
    await renameQuarantine(tx, { accountId, tableId: one }, first, second)
    await renameQuarantine(tx, { accountId, tableId: other }, second, first)
  })
}

function itself(): AppError {
  return new AppError('invalid_request', 'A table cannot take its own place.', { hint: 'Name two tables.' })
}

export function nameTaken({ database, name }: TableName): AppError {
  return new AppError('already_exists', `The table "${database}.${name}" exists already.`, {
    hint: 'Choose another name, drop that table first, or swap the two.',
  })
}
