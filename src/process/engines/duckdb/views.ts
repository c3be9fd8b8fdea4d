import { statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'

import type { Session } from '../../../base/duckdb/session.ts'
import { diskFull, errno } from '../../../base/disk.ts'
import type { QueryColumn } from '../../../store/columns.ts'
import type { ScannedFiles } from '../../../store/schema/projection.ts'
import { projectedScan } from '../../../store/schema/projection.ts'
import { duckdbType, quotedName } from '../../../store/types.ts'
import { schemaStatements } from './schemas.ts'
import type { ExecuteInput } from './tasks.ts'

/**
 * Makes the tables of the input over its files. `companion` is where a file without rows is written, for those that need one beside
 * them (`needCompanion`).
 */
export async function makeViews(
  session: Session,
  input: ExecuteInput,
  { macros = [], companion }: { readonly macros?: readonly string[]; readonly companion: string },
): Promise<void> {
  const emptyFile = needCompanion(input) ? companion : null
  if (emptyFile !== null) await writeEmptyFile(emptyFile)
  const statements = [
    ...macros,
    ...schemaStatements(input.tables, input.database),
    ...(hasChanges(input) ? [`set disabled_optimizers = '${unfolding}';`] : []),
    ...input.tables.map((table) => tableOverFiles(table, emptyFile)),
  ]
  if (statements.length > 0) await session.run(statements.join('\n'))
}

/**
 * The text with the tables' names alone, where they can be named for the one statement, which takes a third less than to make a view and to
 * ask that: the text has no names of its own then, and names databases where it names tables and nowhere else.
 */
export function withoutDatabases({ sql, offset, tables, references }: ExecuteInput): string | undefined {
  const names = new Set(tables.map(({ name }) => name))
  if (names.size < tables.length || tables.some(({ scans }) => scans.length === 0)) return undefined
  if (/\bwith\b/i.test(sql)) return undefined
  let text = sql
  // From the last to the first: what is left out moves nothing that comes before it.
  for (const reference of references.toSorted((a, b) => b.offset - a.offset)) {
    const at = reference.offset - offset
    const length = reference.database === null ? 0 : lengthBeforeName(text.slice(at), reference.database)
    if (length === undefined) return undefined
    // A quote ends the word before it, as in `from"web".logs`, and is left out as well.
    const gap = /\s$/.test(text.slice(0, at)) ? '' : ' '
    if (length > 0) text = text.slice(0, at) + gap + text.slice(at + length)
  }
  return tables.some(({ database }) => namesDatabase(text, database)) ? undefined : text
}

/** How long the database and its dot are; undefined where the text goes on with anything else, a comment perhaps. */
function lengthBeforeName(text: string, database: string): number | undefined {
  const [all = '', quoted, bare] = /^(?:"([^"]+)"|(\w+))\s*\.\s*(?=["\w])/.exec(text) ?? []
  return (quoted ?? bare)?.toLowerCase() === database.toLowerCase() ? all.length : undefined
}

const namesDatabase = (sql: string, database: string): boolean =>
  sql
    .toLowerCase()
    .split(database)
    .slice(1)
    .some((rest) => /^"?\s*\./.test(rest))

/** Stands before a SELECT whose tables can be named (`withoutDatabases`). */
export function namedTables({ tables }: ExecuteInput): string {
  if (tables.length === 0) return ''
  const named = tables.map((table) => {
    return `${quotedName(table.name)} as not materialized (${scannedRows(table.columns, table.scans)})`
  })
  return `with ${named.join(', ')}\n`
}

const scannedRows = (columns: readonly QueryColumn[], scans: readonly ScannedFiles[]): string =>
  scans.map((scan) => projectedScan(columns, scan)).join('\nunion all\n')

const scansOf = ({ tables }: ExecuteInput): readonly ScannedFiles[] => tables.flatMap(({ scans }) => scans)

export const filesOf = (input: ExecuteInput): readonly string[] => scansOf(input).flatMap(({ files }) => files)

/** Whether rows of before a change of columns are read, which takes settings of their own. */
export const hasChanges = (input: ExecuteInput): boolean => scansOf(input).some(({ changes }) => changes.length > 0)

/**
 * These write the steps of a projection into one another, where each names the one before several times: a plan for ORDER BY
 * … LIMIT over a few changed columns then takes minutes and all memory.
 */
const unfolding = 'top_n,late_materialization'

/**
 * DuckDB reads several files with all its threads, and of one file whose columns are told as many row groups at a time as it
 * has seen in it beforehand: none. So a large file that is read by itself is given a companion without rows.
 */
export const needCompanion = (input: ExecuteInput): boolean =>
  input.limits.threads > 1 && scansOf(input).some(isReadAlone)

/** Beside the spill directory, which DuckDB removes when it likes. */
export const companionOf = ({ spillDirectory }: ExecuteInput): string => `${spillDirectory}.empty`

/** What fits into one row group or a few is read by one thread as soon as by two. */
const companionBytesMin = 1_000_000

function isReadAlone({ files }: ScannedFiles): boolean {
  const [file, ...more] = files
  if (file === undefined || more.length > 0) return false
  return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) >= companionBytesMin
}

/** One column and no rows, as DuckDB writes them; it would take 2 ms to do so, a tenth of a query for five minutes. */
const emptyParquet =
  'UEFSMRUCGSw1ABgNZHVja2RiX3NjaGVtYRUCABUCJQIYB25vdGhpbmclIgAWABkMKChEdWNrREIgdmVyc2lvbiB2MS41LjUgKGJ1aWxkIGQ4Y2RhYTMzZmQpGRwcAAAAXAAAAFBBUjE='

async function writeEmptyFile(path: string): Promise<void> {
  try {
    await writeFile(path, emptyParquet, 'base64')
  } catch (error) {
    throw errno(error) === 'ENOSPC' ? diskFull(error) : error
  }
}

/**
 * The columns by field id, whatever a file calls them and whether it has them, and rows of before the columns were changed as
 * they are since; a table without files is an empty one.
 */
function tableOverFiles(
  { database, name, columns, scans }: ExecuteInput['tables'][number],
  emptyFile: string | null,
): string {
  const path = `${quotedName(database)}.${quotedName(name)}`
  if (scans.length === 0) {
    const definitions = columns.map(({ column, queryName }) => `${quotedName(queryName)} ${duckdbType(column.type)}`)
    return `create table ${path} (${definitions.join(', ')});`
  }
  const readable = scans.map((scan) =>
    emptyFile !== null && isReadAlone(scan) ? { ...scan, files: [...scan.files, emptyFile] } : scan,
  )
  return `create view ${path} as ${scannedRows(columns, readable)};`
}
