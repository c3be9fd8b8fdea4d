import type { Privilege } from '../../access/access.ts'
import { AppError, isAppError } from '../../base/errors.ts'
import type { TableSnapshot } from '../../store/store.ts'
import type { QueryContext } from '../query-context.ts'
import { nearestName } from './nearest-name.ts'
import { placeAt } from './places.ts'
import type { TableReference } from './statement.ts'

/** A table by its full name, in lower case as all names are; `offset` is where the SQL names it. */
export interface ResolvedName {
  readonly database: string
  readonly name: string
  readonly offset: number
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
 * The tables of those names at one moment, one for each distinct name. The privilege is asked for first, so that nobody
 * learns which tables there are in a database that is closed to them.
 */
export async function openTables(
  context: QueryContext,
  references: readonly TableReference[],
): Promise<readonly TableSnapshot[]> {
  const names = distinct(references.map((reference) => resolveName(context, reference)))
  await requirePrivilege(context, names, 'query')
  for (const name of names) {
    if (engineNames.has(name.database)) throw await tableNotFound(context, name)
  }
  const { store } = context.ports
  return await store.openSnapshot(context.accountId, names).catch(async (error: unknown) => {
    throw isAppError(error, 'table_not_found') || isAppError(error, 'database_not_found')
      ? await missingOf(context, names, error)
      : error
  })
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

function distinct(names: readonly ResolvedName[]): ResolvedName[] {
  return [...new Map(names.map((name) => [`${name.database}.${name.name}`, name])).values()]
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
