import { AppError } from '../base/errors.ts'
import { queryColumns } from '../store/columns.ts'
import { formatType } from '../store/types.ts'
import { answerRows } from './answer-rows.ts'
import { isLike } from './planning/like.ts'
import { placeAt } from './planning/places.ts'
import { requirePrivilege, resolveName, tableNotFound } from './planning/resolve-tables.ts'
import type { Statement } from './planning/statement.ts'
import type { QueryOutput } from './process.ts'
import type { QueryContext } from './query-context.ts'

/** The databases that the user may query. */
export async function showDatabases(
  context: QueryContext,
  { like }: Statement & { kind: 'show_databases' },
): Promise<QueryOutput> {
  const { access, store } = context.ports
  const databases = await store.listDatabases(context.accountId)
  const open = await Promise.all(databases.map(({ name }) => access.may(context.principal, name, 'query')))
  const shown = databases.filter(({ name }, index) => open[index] === true && isLike(name, like))
  return await answerRows(context, 'show', {
    columns: [
      { name: 'database', kind: 'varchar' },
      { name: 'tables', kind: 'bigint' },
    ],
    rows: shown.map(({ name, tableCount }) => [name, tableCount]),
  })
}

export async function showTables(
  context: QueryContext,
  statement: Statement & { kind: 'show_tables' },
): Promise<QueryOutput> {
  const database = (statement.database ?? context.input.database)?.toLowerCase()
  if (database === undefined) {
    throw new AppError('database_not_found', 'The query names no database.', {
      hint: 'Write SHOW TABLES FROM database, or give the query a database.',
      position: placeAt(context.input.sql, 0),
    })
  }
  await context.ports.access.require(context.principal, database, 'query')
  const tables = await context.ports.store.listTables(context.accountId, database)
  return await answerRows(context, 'show', {
    columns: [
      { name: 'table', kind: 'varchar' },
      { name: 'rows', kind: 'bigint' },
      { name: 'bytes', kind: 'bigint' },
    ],
    rows: tables.filter(({ name }) => isLike(name, statement.like)).map(({ name, rows, bytes }) => [name, rows, bytes]),
  })
}

/** The columns under the names by which SQL reaches them. */
export async function describeTable(
  context: QueryContext,
  statement: Statement & { kind: 'describe' },
): Promise<QueryOutput> {
  const name = resolveName(context, statement.table)
  await requirePrivilege(context, [name], 'query')
  const { store } = context.ports
  const table = await store.table(context.accountId, name.database, name.name).catch(async (error: unknown) => {
    throw error instanceof AppError && error.status === 404 ? await tableNotFound(context, name) : error
  })
  return await answerRows(context, 'describe', {
    columns: [
      { name: 'column', kind: 'varchar' },
      { name: 'type', kind: 'varchar' },
    ],
    rows: queryColumns(table.columns).map(({ queryName, column }) => [queryName, formatType(column.type)]),
  })
}
