import { AppError } from '../base/errors.ts'
import { requireName } from '../base/names.ts'
import type { Postgres, Queryable } from '../base/postgres/postgres.ts'
import { pgCode } from '../base/postgres/postgres.ts'
import type { DatabaseRow, TableRow } from './catalog.sql.ts'
import {
  holdDatabase,
  insertColumns,
  insertDatabase,
  insertTable,
  selectDatabase,
  selectTablesByName,
} from './catalog.sql.ts'
import { columnsOfNewTable, withFixedColumns } from './columns.ts'
import { insertAppliedIds, selectTableOfIds } from './commit.sql.ts'
import { lockPlaces } from './lock-names.ts'
import { lockTables, markDatabaseDropped, markTablesDropped } from './removal.sql.ts'
import type { NewTable, Database, Table, TableName } from './store.ts'
import { formatType, parseType } from './types.ts'

export async function createDatabase(
  postgres: Postgres,
  accountId: number,
  name: string,
  options: { readonly ifNotExists?: boolean },
): Promise<Database> {
  requireName('database', name)
  const id = await insertDatabase(postgres, accountId, name).catch((error: unknown) => {
    // 23503: the account that the row refers to is not there.
    throw pgCode(error) === '23503' ? new AppError('account_not_found', `Account ${accountId} does not exist.`) : error
  })
  if (id === undefined && options.ifNotExists !== true) {
    throw new AppError('already_exists', `The database "${name}" exists already.`, { hint: 'Choose another name.' })
  }
  return await requireDatabase(postgres, accountId, name)
}

export async function requireDatabase(db: Queryable, accountId: number, name: string): Promise<Database> {
  const row = await selectDatabase(db, accountId, name)
  if (row === undefined) throw databaseNotFound(name)
  return databaseOf(row)
}

/** The tables of those names, all as they are at one moment, in the order of the names. */
export async function requireTables(
  db: Queryable,
  accountId: number,
  names: readonly TableName[],
): Promise<TableRow[]> {
  const keyOf = (database: string, name: string) => `${database}.${name}`
  const rows = await selectTablesByName(db, accountId, names)
  const found = new Map(rows.map((row) => [keyOf(row.database, row.name), row]))
  const tables: TableRow[] = []
  for (const { database, name } of names) {
    const row = found.get(keyOf(database, name))
    if (row === undefined) {
      await requireDatabase(db, accountId, database)
      throw tableNotFound(database, name)
    }
    tables.push(row)
  }
  return tables
}

export async function createTable(
  postgres: Postgres,
  accountId: number,
  { database, name }: TableName,
  options: NewTable,
): Promise<void> {
  requireName('table', name)
  const { columns, nextFieldId } = columnsOfNewTable(`${database}.${name}`, options.columns ?? [])
  await postgres.transaction(async (tx) => {
    const held = await holdDatabase(tx, accountId, { name: database })
    if (held === undefined) throw databaseNotFound(database)
    const tableId = await insertTable(tx, { accountId, databaseId: held.id, name, nextFieldId })
    const { once } = options
    if (tableId === undefined) {
      const isOfBefore = once !== undefined && (await selectTableOfIds(tx, held.id, name, [once.uniqueId]))?.applied
      if (options.ifNotExists === true || isOfBefore === true) return
      throw new AppError('already_exists', `The table "${database}.${name}" exists already.`, {
        hint: 'Choose another name, or drop the table first.',
      })
    }
    if (once !== undefined) {
      const applied = { uniqueId: once.uniqueId, rows: 0, quarantined: 0 }
      await insertAppliedIds(tx, { accountId, tableId, snapshot: 0 }, [applied])
    }
    const notated = columns.map((column) => ({ ...column, type: formatType(column.type) }))
    if (notated.length > 0) await insertColumns(tx, { accountId, tableId, version: 1 }, notated)
  })
}

export async function dropTable(
  postgres: Postgres,
  accountId: number,
  { database, name }: TableName,
  at: { readonly now: Date; readonly removeAfter: Date },
): Promise<void> {
  await postgres.transaction(async (tx) => {
    const { id } = await requireDatabase(tx, accountId, database)
    const [tableId] = await lockPlaces(tx, accountId, [{ databaseId: id, name }])
    if (tableId === undefined) throw tableNotFound(database, name)
    await markTablesDropped(tx, [tableId], at.now, at.removeAfter)
  })
}

export async function dropDatabase(
  postgres: Postgres,
  accountId: number,
  name: string,
  at: { readonly now: Date; readonly removeAfter: Date },
): Promise<void> {
  await postgres.transaction(async (tx) => {
    const id = await markDatabaseDropped(tx, accountId, name, at.now)
    if (id === undefined) throw databaseNotFound(name)
    const tableIds = await lockTables(tx, accountId, id)
    if (tableIds.length > 0) await markTablesDropped(tx, tableIds, at.now, at.removeAfter)
  })
}

export function databaseOf(row: DatabaseRow): Database {
  return {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    tableCount: row.table_count,
    createdAt: row.created_at,
  }
}

export function tableOf(row: TableRow): Table {
  const own = row.columns.map((column) => ({
    fieldId: column.field_id,
    name: column.name,
    type: parseType(column.type),
  }))
  return {
    id: row.id,
    accountId: row.account_id,
    databaseId: row.database_id,
    database: row.database,
    name: row.name,
    snapshot: row.snapshot,
    schemaVersion: row.schema_version,
    nextFieldId: row.next_field_id,
    restatedVersion: row.restated_version,
    settings: {
      expireDays: row.expire_days,
      historyHours: row.history_hours,
      schemaMode: row.schema_mode,
      clusterColumns: row.cluster_columns,
    },
    columns: withFixedColumns(own),
    rows: row.rows,
    bytes: row.bytes,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

export function databaseNotFound(name: string): AppError {
  return new AppError('database_not_found', `The database ${JSON.stringify(name)} does not exist.`, {
    hint: 'Names are in lower case; SHOW DATABASES lists those there are.',
  })
}

export function tableNotFound(database: string, name: string): AppError {
  return new AppError('table_not_found', `The table ${JSON.stringify(`${database}.${name}`)} does not exist.`, {
    hint: `Names are in lower case; SHOW TABLES FROM ${database} lists those there are.`,
  })
}
