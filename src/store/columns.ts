import { AppError, must } from '../base/errors.ts'
import { foldedName, requireColumnName } from '../base/names.ts'
import type { Column } from './store.ts'
import type { LogicalType } from './types.ts'
import { duckdbFileType, duckdbType, innerTypes, nestingProblem, quotedName, quotedText } from './types.ts'

const bigint: LogicalType = { kind: 'bigint' }
const varchar: LogicalType = { kind: 'varchar' }

/** Unix seconds: in every row of every table, never null. */
export const timeColumn: Column = { fieldId: 1, name: 'time', type: bigint }

/** Microseconds since the epoch, where the source carries fractions of a second. */
export const timeUsColumn: Column = { fieldId: 2, name: 'time_us', type: bigint }

/** Values that did not fit their column: its name, and the value as JSON text. */
export const rescuedColumn: Column = {
  fieldId: 3,
  name: '_rescued',
  type: { kind: 'map', key: varchar, value: varchar },
}

/** The columns that every table has and nobody can make, with field ids 1 to 5 (4 and 5 inside of `_rescued`). */
export const fixedColumns: readonly Column[] = [timeColumn, timeUsColumn, rescuedColumn]

const fixedFieldIds: ReadonlySet<number> = new Set(fixedColumns.map((column) => column.fieldId))

/** The field id of a table's first column of its own. */
export const firstFieldId = 6

/** Columns that a table may have besides the fixed ones. */
export const columnsMax = 2000

export function isFixedColumn(column: Column): boolean {
  return fixedFieldIds.has(column.fieldId)
}

/** All columns of a table in the order in which `SELECT *` shows them: what a person looks for first, then the rest. */
export function withFixedColumns(own: readonly Column[]): readonly Column[] {
  return [timeColumn, ...own, timeUsColumn, rescuedColumn]
}

/**
 * How many field ids a column of this type takes: one for itself, and one for each type inside of it, because Iceberg
 * identifies elements, keys, values and fields by id as well.
 */
export function fieldIdCount(type: LogicalType): number {
  return 1 + innerTypes(type).reduce((sum, inner) => sum + fieldIdCount(inner.type), 0)
}

/**
 * Gives new columns their field ids, counted up from the table's `nextFieldId`. The ids inside of a column follow the
 * column's own, depth first, so that the column's id and type determine them and two columns never share one. Fails with
 * `invalid_request` where a type nests too deep.
 */
export function assignFieldIds(
  columns: readonly { readonly name: string; readonly type: LogicalType }[],
  nextFieldId: number,
): { columns: Column[]; nextFieldId: number } {
  let next = nextFieldId
  const assigned = columns.map(({ name, type }) => {
    const problem = nestingProblem(type)
    if (problem !== undefined) throw tooNested(name, problem)
    const column = { fieldId: next, name, type }
    next += fieldIdCount(type)
    return column
  })
  return { columns: assigned, nextFieldId: next }
}

function tooNested(name: string, problem: string): AppError {
  return new AppError('invalid_request', `The type of the column ${JSON.stringify(name)} ${problem}.`, {
    hint: 'Keep the values as json, which nests as deep as records do.',
  })
}

/**
 * The columns of a table that is to be made. Fails with `invalid_name` or `too_many_columns` where it could not have them: SQL does
 * not tell `Code` from `code`, so somebody who asks for both gets neither.
 */
export function columnsOfNewTable(
  table: string,
  columns: readonly { readonly name: string; readonly type: LogicalType }[],
): { columns: Column[]; nextFieldId: number } {
  const assigned = assignFieldIds(columns, firstFieldId)
  const seen = new Set<string>()
  for (const { name } of assigned.columns) {
    if (seen.has(requireColumnName(name).toLowerCase())) {
      throw new AppError('invalid_name', `The column ${JSON.stringify(name)} is named twice.`, {
        hint: 'Names of columns must differ by more than upper and lower case.',
      })
    }
    seen.add(name.toLowerCase())
  }
  if (columns.length > columnsMax) throw tooManyColumns(table, columns.length)
  return assigned
}

export function tooManyColumns(table: string, count: number): AppError {
  return new AppError(
    'too_many_columns',
    `The table ${JSON.stringify(table)} would have ${count} columns; ${columnsMax} are allowed.`,
    { hint: 'Drop some, or keep what is seldom asked for in one column of the type json.' },
  )
}

/** What is inside of a column, with field ids: `key` with 4 and `value` with 5 of `_rescued`. Nothing for scalars. */
export function innerColumns(column: Column): Column[] {
  return assignFieldIds(innerTypes(column.type), column.fieldId + 1).columns
}

/** The field ids of what is inside of a column: `{ key: 4, value: 5 }` of `_rescued`. */
export function innerFieldIds(column: Column): ReadonlyMap<string, number> {
  return new Map(innerColumns(column).map(({ name, fieldId }) => [name, fieldId]))
}

/**
 * The value of `FIELD_IDS` in DuckDB's `COPY … TO … (FORMAT parquet)`: `{"time": 1, "_rescued":
 * {__duckdb_field_id: 3, "key": 4, "value": 5}}`. The columns must be those of the copied query, by name.
 */
export function fieldIdsClause(columns: readonly Column[]): string {
  return `{${columns.map((column) => `${quotedName(column.name)}: ${fieldIdTree(column.fieldId, column.type)}`).join(', ')}}`
}

function fieldIdTree(fieldId: number, type: LogicalType): string {
  const inner = innerTypes(type)
  if (inner.length === 0) return String(fieldId)
  let next = fieldId + 1
  const entries = inner.map((child) => {
    const entry = `${quotedName(child.name)}: ${fieldIdTree(next, child.type)}`
    next += fieldIdCount(child.type)
    return entry
  })
  return `{__duckdb_field_id: ${fieldId}, ${entries.join(', ')}}`
}

/** A column under the name by which SQL reaches it. */
export interface QueryColumn {
  readonly column: Column
  readonly queryName: string
}

/**
 * Names for use in SQL, which does not tell `Code` from `code`: the older of two such columns keeps its name, the newer
 * one gets `_1`, `_2` … behind it. No later column changes the name of an earlier one, and none takes `time` away.
 */
export function queryColumns(columns: readonly Column[]): QueryColumn[] {
  const names = new Map<number, string>()
  const used = new Set<string>()
  for (const column of columns.toSorted((a, b) => a.fieldId - b.fieldId)) {
    let queryName = column.name
    for (let suffix = 1; used.has(foldedName(queryName)); suffix += 1) queryName = `${column.name}_${suffix}`
    used.add(foldedName(queryName))
    names.set(column.fieldId, queryName)
  }
  return columns.map((column) => ({ column, queryName: must(names.get(column.fieldId), 'every column got a name') }))
}

/**
 * The value of `schema` in DuckDB's `read_parquet(files, schema = …)`: which field id is read under which name and type,
 * NULL where a file lacks it: `map{1: {name: 'time', type: 'BIGINT', default_value: NULL}}`.
 */
export function schemaClause(columns: readonly QueryColumn[]): string {
  const entries = columns.map(({ column, queryName }) => {
    return `${column.fieldId}: {name: ${quotedText(queryName)}, type: ${quotedText(duckdbType(column.type))}, default_value: NULL}`
  })
  return `map{${entries.join(', ')}}`
}

/** As `schemaClause`, with the types of the files: for reading what is to be written to another file. */
export function fileSchemaClause(columns: readonly Column[]): string {
  const entries = columns.map(({ fieldId, name, type }) => {
    return `${fieldId}: {name: ${quotedText(name)}, type: ${quotedText(duckdbFileType(type))}, default_value: NULL}`
  })
  return `map{${entries.join(', ')}}`
}
