import type { Privilege } from '../../access/access.ts'
import { AppError, isAppError, must } from '../../base/errors.ts'
import type { AsOf, TableSnapshot } from '../../store/store.ts'
import type { QueryContext } from '../query-context.ts'
import { nearestName } from './nearest-name.ts'
import { placeAt } from './places.ts'
import type { StandInTable, TableReference } from './statement.ts'
import { standInDatabase } from './statement.ts'

/** A table by its full name, in lower case as all names are; `offset` is where the SQL names it. */
export interface ResolvedName {
  readonly database: string
  readonly name: string
  readonly offset: number
}

/** A table of the query, under the name by which its text calls it. */
export interface OpenedTable {
  readonly database: string
  readonly name: string
  readonly snapshot: TableSnapshot
  /** Where only chunks are meant that this other snapshot has not. */
  readonly without?: TableSnapshot
}

/** Names that DuckDB keeps for its own catalogs and schemas: as databases they could not be told apart in SQL. */
const engineNames: ReadonlySet<string> = new Set(['information_schema', 'pg_catalog', 'system', 'temp', 'memory'])

/** Fails with `database_not_found` where neither the reference nor the query names a database. */
export function resolveName(context: QueryContext, reference: TableReference): ResolvedName {
  const database = (reference.database ?? context.input.database)?.toLowerCase()
  const name = reference.name.toLowerCase()
  if (database === undefined) {
    throw new AppError('database_not_found', `The query names the table ${JSON.stringify(name)}, but no database.`, {
      hint: 'Write database.table, or give the query a database.',
      position: placeAt(context.input.sql, reference.offset),
    })
  }
  return { database, name, offset: reference.offset }
}

/**
 * The tables of those names, the present ones at one moment, one for each distinct name. The privilege is asked for first,
 * so that nobody learns which tables there are in a database that is closed to them.
 */
export async function openTables(
  context: QueryContext,
  references: readonly TableReference[],
  standIns: readonly StandInTable[],
): Promise<readonly OpenedTable[]> {
  const called = distinct(references.map((reference) => calledTable(context, reference, standIns)))
  const names = called.map(({ resolved }) => resolved)
  await requirePrivilege(context, names, 'query')
  for (const name of names) {
    if (engineNames.has(name.database)) throw await tableNotFound(context, name)
  }
  const { store } = context.ports
  const snapshots = await store.openSnapshot(context.accountId, names).catch(async (error: unknown) => {
    throw isAppError(error, 'table_not_found') || isAppError(error, 'database_not_found')
      ? await missingOf(context, names, error)
      : error
  })
  return await Promise.all(
    called.map(async ({ database, name, since }, index) => {
      const snapshot = must(snapshots[index], 'each table is opened')
      return { database, name, ...(since === undefined ? { snapshot } : await openChanges(context, snapshot, since)) }
    }),
  )
}

/** Two snapshots of a table, of which one is taken from the other, with the columns of the newer one. */
async function openChanges(
  context: QueryContext,
  snapshot: TableSnapshot,
  since: number,
): Promise<Pick<OpenedTable, 'snapshot' | 'without'>> {
  const { database, name } = snapshot.table
  const named = { database, name, asOf: { snapshot: since } }
  const [other] = await context.ports.store.openSnapshot(context.accountId, [named])
  const without = must(other, 'the table is opened')
  if (snapshot.table.snapshot >= since) return { snapshot, without }
  const { columns, schemaVersion, restatedVersion, nextFieldId } = without.table
  const table = { ...snapshot.table, columns, schemaVersion, restatedVersion, nextFieldId }
  return { snapshot: { ...snapshot, table }, without }
}

/** What the text calls a table, and what that is. */
interface CalledTable {
  readonly database: string
  readonly name: string
  readonly resolved: ResolvedName & { readonly asOf?: AsOf }
  readonly since?: number
}

function calledTable(context: QueryContext, reference: TableReference, standIns: readonly StandInTable[]): CalledTable {
  const standsFor =
    reference.database === standInDatabase ? standIns.find(({ standIn }) => standIn.name === reference.name) : undefined
  if (standsFor === undefined) {
    const resolved = resolveName(context, reference)
    return { database: resolved.database, name: resolved.name, resolved }
  }
  const { standIn, table, asOf, since } = standsFor
  const resolved = { ...resolveName(context, table), ...(asOf !== null && { asOf }) }
  return { ...standIn, resolved, ...(since !== undefined && { since }) }
}

export async function requirePrivilege(
  context: QueryContext,
  names: readonly ResolvedName[],
  privilege: Privilege,
): Promise<void> {
  for (const database of new Set(names.map((name) => name.database))) {
    await context.ports.access.require(context.principal, database, privilege)
  }
}

function distinct(tables: readonly CalledTable[]): CalledTable[] {
  return [...new Map(tables.map((table) => [`${table.database}.${table.name}`, table])).values()]
}

/** Looks which of the names it is, for the place and a suggestion. Where it came into being meanwhile, `first` stands. */
async function missingOf(context: QueryContext, names: readonly ResolvedName[], first: AppError): Promise<AppError> {
  for (const name of names) {
    const found = await context.ports.store.table(context.accountId, name.database, name.name).catch(() => undefined)
    if (found === undefined) return await tableNotFound(context, name)
  }
  return first
}

/** `table_not_found` or `database_not_found`, with the place in the SQL and the name that may be meant. */
export async function tableNotFound(context: QueryContext, missing: ResolvedName): Promise<AppError> {
  const { store } = context.ports
  const { database, name, offset } = missing
  const position = placeAt(context.input.sql, offset)
  const tables = await store.listTables(context.accountId, database).catch(() => undefined)
  if (tables === undefined) {
    const databases = (await store.listDatabases(context.accountId)).map((known) => known.name)
    const meant = nearestName(database, databases)
    return new AppError('database_not_found', `The database ${JSON.stringify(database)} does not exist.`, {
      hint: meant === undefined ? 'SHOW DATABASES lists those there are.' : `Did you mean "${meant}"?`,
      position,
    })
  }
  const names = tables.map((known) => known.name)
  const meant = nearestName(name, names)
  return new AppError('table_not_found', `The table ${JSON.stringify(`${database}.${name}`)} does not exist.`, {
    hint: meant === undefined ? `SHOW TABLES FROM ${database} lists those there are.` : `Did you mean "${meant}"?`,
    position,
  })
}
