import { AppError, isAppError } from '../../base/errors.ts'
import { queryColumns } from '../../store/columns.ts'
import type { Once, Table, TableSettings } from '../../store/store.ts'
import { nearestName } from '../planning/nearest-name.ts'
import type { ResolvedName } from '../planning/resolve-tables.ts'
import { requirePrivilege, resolveName, tableNotFound } from '../planning/resolve-tables.ts'
import type { PropertyValue, TableReference, TableStatement } from '../planning/statement.ts'
import type { QueryOutput } from '../process.ts'
import type { QueryContext } from '../query-context.ts'
import { createTable } from './create-table.ts'
import { requireTarget, uniqueIdOf, written } from './job-write.ts'

/** The statements about tables as a whole but for those that make one with rows. */
export async function changeTable(
  context: QueryContext,
  statement: Exclude<TableStatement, { kind: 'create_table_as' }>,
): Promise<QueryOutput> {
  switch (statement.kind) {
    case 'create_table':
      return await createTable(context, statement)
    case 'alter_columns':
      return await alterColumns(context, statement)
    case 'drop_table':
      return await dropTable(context, statement)
    case 'undrop_table':
      return await undropTable(context, statement)
    case 'rename_table':
      return await renameTable(context, statement)
    case 'swap_tables':
      return await swapTables(context, statement)
    case 'set_properties':
      return await setProperties(context, statement)
    case 'purge_history':
      return await purgeHistory(context, statement)
  }
}

/** DROP TABLE. A job that is tried again may find that it has dropped the table already. */
async function dropTable(
  context: QueryContext,
  statement: TableStatement & { kind: 'drop_table' },
): Promise<QueryOutput> {
  const name = resolveName(context, statement.table)
  await requirePrivilege(context, [name], 'full')
  try {
    await context.ports.store.dropTable(context.accountId, name.database, name.name)
  } catch (error) {
    if (!isAppError(error, 'table_not_found')) throw error
    if (!statement.ifExists && context.attempt.job.attempt <= 1) throw await tableNotFound(context, name)
  }
  return written('drop_table', 0)
}

async function undropTable(
  context: QueryContext,
  statement: TableStatement & { kind: 'undrop_table' },
): Promise<QueryOutput> {
  const [name] = await requireNames(context, [statement.table])
  const table = await context.ports.store.undropTable(context.accountId, name, onceOf(context))
  return written('undrop_table', table.rows)
}

async function renameTable(
  context: QueryContext,
  statement: TableStatement & { kind: 'rename_table' },
): Promise<QueryOutput> {
  const [from, to] = await requireNames(context, [statement.table, inDatabaseOf(statement.to, statement.table)])
  await placed(context, from, () => context.ports.store.renameTable(context.accountId, from, to, onceOf(context)))
  return written('alter_table', 0)
}

async function swapTables(
  context: QueryContext,
  statement: TableStatement & { kind: 'swap_tables' },
): Promise<QueryOutput> {
  const [one, other] = await requireNames(context, [statement.table, inDatabaseOf(statement.other, statement.table)])
  await placed(context, one, () => context.ports.store.swapTables(context.accountId, one, other, onceOf(context)))
  return written('alter_table', 0)
}

async function purgeHistory(
  context: QueryContext,
  statement: TableStatement & { kind: 'purge_history' },
): Promise<QueryOutput> {
  const table = await requireTarget(context, statement.table, 'full')
  await context.ports.store.purgeHistory(context.accountId, table, onceOf(context))
  return written('alter_table', 0)
}

async function alterColumns(
  context: QueryContext,
  { table, change }: TableStatement & { kind: 'alter_columns' },
): Promise<QueryOutput> {
  const { columns, database, name } = await requireTarget(context, table, 'full')
  try {
    await context.ports.store.alterColumns(context.accountId, { database, name }, [change], onceOf(context))
  } catch (error) {
    if (!isAppError(error, 'column_not_found')) throw error
    const known = queryColumns(columns).map(({ queryName }) => queryName)
    const meant = nearestName(change.name, known)
    throw meant === undefined ? error : AppError.fromRecord({ ...error.toRecord(), hint: `Did you mean "${meant}"?` })
  }
  return written('alter_table', 0)
}

async function setProperties(
  context: QueryContext,
  statement: TableStatement & { kind: 'set_properties' },
): Promise<QueryOutput> {
  const table = await requireTarget(context, statement.table, 'full')
  const settings: Partial<TableSettings> = Object.assign(
    {},
    ...[...statement.properties].map(([name, value]) => settingOf(table, name, value)),
  )
  await context.ports.store.setProperties(context.accountId, table, settings, onceOf(context))
  return written('alter_table', 0)
}

/** A name without a database means one beside the table that the statement is about. */
function inDatabaseOf(reference: TableReference, beside: TableReference): TableReference {
  return reference.database === null ? { ...reference, database: beside.database } : reference
}

async function requireNames<const References extends readonly TableReference[]>(
  context: QueryContext,
  references: References,
): Promise<{ [Index in keyof References]: ResolvedName }> {
  const names = references.map((reference) => resolveName(context, reference))
  await requirePrivilege(context, names, 'full')
  return names as { [Index in keyof References]: ResolvedName }
}

/** Runs the change; a table that is missing is told with its place and the name that may be meant. */
async function placed<T>(context: QueryContext, name: ResolvedName, change: () => Promise<T>): Promise<T> {
  try {
    return await change()
  } catch (error) {
    if (!isAppError(error, 'table_not_found')) throw error
    const { store } = context.ports
    const found = await store.table(context.accountId, name.database, name.name).catch(() => undefined)
    throw found === undefined ? await tableNotFound(context, name) : error
  }
}

/** A job that is tried again changes nothing the second time. */
function onceOf(context: QueryContext): Once {
  const { job, leaseToken } = context.attempt
  return { uniqueId: uniqueIdOf(context), fence: { jobId: job.id, leaseToken } }
}

const properties = ['expire_days', 'history_hours', 'cluster_by', 'schema_mode'] as const

const historyHoursDefault = 24

function settingOf(table: Table, property: string, value: PropertyValue): Partial<TableSettings> {
  switch (property) {
    case 'expire_days':
      if (value === null || typeof value === 'number') return { expireDays: value }
      throw unfitting(property, value, 'a number of days, or NULL to keep all rows')
    case 'history_hours':
      if (value === null || typeof value === 'number') return { historyHours: value ?? historyHoursDefault }
      throw unfitting(property, value, 'a number of hours')
    case 'cluster_by':
      if (value === null || typeof value === 'string') return { clusterColumns: clusterColumns(table, value ?? '') }
      throw unfitting(property, value, "names of columns with commas between them, such as 'user_id, code'")
    case 'schema_mode': {
      const mode = value ?? 'evolve'
      if (mode === 'evolve' || mode === 'freeze' || mode === 'quarantine') return { schemaMode: mode }
      throw unfitting(property, value, "'evolve', 'freeze' or 'quarantine'")
    }
    default: {
      const meant = nearestName(property, properties)
      throw new AppError('query_semantic', `Tables have no property ${JSON.stringify(property.slice(0, 100))}.`, {
        hint: meant === undefined ? `They have ${properties.join(', ')}.` : `Did you mean "${meant}"?`,
      })
    }
  }
}

/** Field ids, in the order of the names; none for the order of time. */
function clusterColumns(table: Table, names: string): number[] {
  const known = queryColumns(table.columns)
  const wanted = names.split(',').map((name) => name.trim())
  return wanted
    .filter((name) => name !== '')
    .map((name) => {
      const found = known.find(({ queryName }) => queryName.toLowerCase() === name.toLowerCase())
      if (found !== undefined) return found.column.fieldId
      throw new AppError(
        'query_semantic',
        `The table "${table.database}.${table.name}" has no column ${JSON.stringify(name)}.`,
      )
    })
}

function unfitting(property: string, value: PropertyValue, wanted: string): AppError {
  return new AppError('query_semantic', `The property ${property} cannot be ${JSON.stringify(value)}.`, {
    hint: `It is ${wanted}.`,
  })
}
