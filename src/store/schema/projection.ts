import type { QueryColumn } from '../columns.ts'
import { rescuedColumn, schemaClause } from '../columns.ts'
import type { SchemaChange } from '../store.ts'
import type { LogicalType } from '../types.ts'
import { duckdbFileType, duckdbType, quotedName, withoutJson } from '../types.ts'
import { conversion } from './conversions.ts'
import { stepwise } from './stepwise.ts'

/** Files that are read in one way: by the changes of the columns since they were written (`groupChunks`). */
export interface ScannedFiles {
  readonly changes: readonly SchemaChange[]
  /** Paths; at least one. */
  readonly files: readonly string[]
}

/**
 * A SELECT of the rows of the files as they are after the changes: the columns in the order and under the names given, of
 * the types that queries see or, for rows that are written to a file again, of those of files. Each change does to the rows
 * of before what would have become of them, had they been imported with the columns that it made:
 *
 * - A rename takes what was rescued under the old name along. What was rescued under the new name, when no column had it,
 *   is found under the old one.
 * - A drop takes what was rescued under the name away with the column.
 * - A change of type reads each value anew: what was rescued of it, or else its JSON text. What fits comes into the column,
 *   what does not is rescued.
 * - A column that restores reads what was rescued under its name.
 *
 * The changes follow each other, so that it makes no difference which of them a file was written anew for.
 */
export function projectedScan(
  columns: readonly QueryColumn[],
  { changes, files }: ScannedFiles,
  types: 'of queries' | 'of files' = 'of queries',
): string {
  const list = `[${files.map(quotedText).join(', ')}]`
  if (changes.length === 0) return cleanScan(columns, list, types)
  const lineages = columns.map((column) => lineageOf(column, changes))
  const inner = changes.reduce((from, change) => changed(from, change, lineages), initialScan(lineages, list))
  const items = lineages.map(({ name, queryColumn: { column, queryName } }) => {
    return `CAST(${name} AS ${typeName(column.type, types)}) AS ${quotedName(queryName)}`
  })
  return `SELECT ${items.join(', ')}\nFROM (${inner})`
}

/** The columns that may have a value after the changes, where the files have these fields. The time is always there. */
export function filledColumns(
  columns: readonly QueryColumn[],
  changes: readonly SchemaChange[],
  present: ReadonlySet<number>,
): QueryColumn[] {
  const hasRescued = present.has(rescuedColumn.fieldId)
  return columns.filter((column) => {
    const { source, fieldIds } = lineageOf(column, changes)
    if (column.column.fieldId === rescuedColumn.fieldId)
      return hasRescued || changes.some(({ kind }) => kind === 'retype')
    const isRead = source === null || fieldIds.length > 1
    return (source !== null && present.has(source.fieldId)) || (isRead && hasRescued)
  })
}

function cleanScan(columns: readonly QueryColumn[], list: string, types: 'of queries' | 'of files'): string {
  const read = types === 'of queries' ? columns : columns.map(inFile)
  return `SELECT * FROM read_parquet(${list}, schema = ${schemaClause(read)})`
}

const typeName = (type: LogicalType, types: 'of queries' | 'of files') =>
  types === 'of files' ? duckdbFileType(type) : duckdbType(type)

/** A column of the result, and what it began as in the files. Inside, its values are called `name` all the way. */
interface Lineage {
  readonly name: string
  readonly queryColumn: QueryColumn
  /** The field ids that it had, the newest first. */
  readonly fieldIds: readonly number[]
  /** What the files hold; null where it was not there yet. */
  readonly source: { readonly fieldId: number; readonly type: LogicalType } | null
}

function lineageOf(queryColumn: QueryColumn, changes: readonly SchemaChange[]): Lineage {
  const { column } = queryColumn
  const fieldIds = [column.fieldId]
  let source: Lineage['source'] = column
  for (const change of changes.toReversed()) {
    if (change.kind === 'retype' && change.to.fieldId === source?.fieldId) {
      source = change.from
      fieldIds.push(source.fieldId)
    }
    if (change.kind === 'restore' && change.column.fieldId === source?.fieldId) source = null
  }
  return { name: `c${column.fieldId}`, queryColumn, fieldIds, source }
}

/** The values of `_rescued`, a column like the others. */
const rescued = `c${rescuedColumn.fieldId}`

function initialScan(lineages: readonly Lineage[], list: string): string {
  const read = lineages.flatMap(({ name, source }) =>
    source === null ? [] : [inFile({ column: { ...source, name }, queryName: name })],
  )
  const absent = lineages.filter(({ source }) => source === null).map(({ name }) => `, NULL AS ${name}`)
  return `SELECT *${absent.join('')} FROM read_parquet(${list}, schema = ${schemaClause(read)})`
}

/** The column as it is in files: JSON is text there, and need not be looked at to be read. */
function inFile({ column, queryName }: QueryColumn): QueryColumn {
  return { column: { ...column, type: withoutJson(column.type) }, queryName }
}

function changed(from: string, change: SchemaChange, lineages: readonly Lineage[]): string {
  switch (change.kind) {
    case 'rename':
      return replaced(from, swappedNames(change.from, change.to))
    case 'drop':
      return replaced(from, withoutName(change.column.name))
    case 'retype':
      return convertedValues(from, change.from.type, change.to, lineages)
    case 'restore':
      return convertedValues(from, null, change.column, lineages)
  }
}

const replaced = (from: string, expression: string) => `SELECT * REPLACE (${expression} AS ${rescued})\nFROM (${from})`

function swappedNames(one: string, other: string): string {
  const [a, b] = [quotedText(one), quotedText(other)]
  const key = `CASE e.key WHEN ${a} THEN ${b} WHEN ${b} THEN ${a} ELSE e.key END`
  const swapped = `map_from_entries(list_transform(map_entries(${rescued}), lambda e: {'key': ${key}, 'value': e.value}))`
  return `CASE WHEN ${rescued}[${a}] IS NULL AND ${rescued}[${b}] IS NULL THEN ${rescued} ELSE ${swapped} END`
}

/** What else was rescued in the row; NULL where there is nothing else. */
function withoutName(name: string): string {
  const key = quotedText(name)
  const rest = `map_from_entries(list_filter(map_entries(${rescued}), lambda e: e.key <> ${key}))`
  return `CASE WHEN ${rescued}[${key}] IS NULL THEN ${rescued} WHEN cardinality(${rescued}) > 1 THEN ${rest} END`
}

/** Reads the values anew, for the type that the column has with the change. One that was dropped later needs it no more. */
function convertedValues(
  from: string,
  typeBefore: LogicalType | null,
  column: { readonly fieldId: number; readonly name: string; readonly type: LogicalType },
  lineages: readonly Lineage[],
): string {
  const lineage = lineages.find(({ fieldIds }) => fieldIds.includes(column.fieldId))
  if (lineage === undefined) return from
  const key = quotedText(column.name)
  const { steps, value, rescued: leftover } = conversion(typeBefore, column.type)
  const all = [{ value: lineage.name, rescued: `${rescued}[${key}]` }, ...steps, { converted: value, leftover }]
  const temporary = all.flatMap((step) => Object.keys(step))
  const kept = `CASE
    WHEN leftover IS NOT DISTINCT FROM rescued THEN ${rescued}
    WHEN leftover IS NULL THEN ${withoutName(column.name)}
    WHEN ${rescued} IS NULL THEN map([${key}], [leftover])
    ELSE map_concat(${rescued}, map([${key}], [leftover]))
  END`
  return `SELECT * EXCLUDE (${temporary.join(', ')}) REPLACE (converted AS ${lineage.name}, ${kept} AS ${rescued})
FROM (${stepwise(from, all)})`
}

function quotedText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
