import { quotedName } from '../../../store/types.ts'
import { quotedText } from '../../../base/duckdb/session.ts'
import type { EngineTable } from './tasks.ts'

/** Makes the databases as schemas, and lets unqualified names be looked up in the query's own. */
export function schemaStatements(tables: readonly EngineTable[], database: string | null): string[] {
  const names = new Set(tables.map((table) => table.database))
  if (database !== null) names.add(database)
  return [
    ...[...names].map((name) => `create schema if not exists ${quotedName(name)};`),
    ...(database === null ? [] : [`set search_path = ${quotedText(quotedName(database))};`]),
  ]
}
