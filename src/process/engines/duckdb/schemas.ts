import { quotedName } from '../../../store/types.ts'
import type { Session } from '../../../base/duckdb/session.ts'
import { quotedText } from '../../../base/duckdb/session.ts'
import type { EngineTable } from './tasks.ts'

/** Makes the databases as schemas, and lets unqualified names be looked up in the query's own. */
export async function makeSchemas(
  session: Session,
  tables: readonly EngineTable[],
  database: string | null,
): Promise<void> {
  const names = new Set(tables.map((table) => table.database))
  if (database !== null) names.add(database)
  for (const name of names) await session.run(`create schema if not exists ${quotedName(name)}`)
  if (database !== null) await session.run(`set search_path = ${quotedText(quotedName(database))}`)
}
