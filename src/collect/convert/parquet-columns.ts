import type { DuckDBType } from '@duckdb/node-api'
import { DuckDBTypeId } from '@duckdb/node-api'

import { AppError } from '../../base/errors.ts'
import { columnNameProblem, foldedName } from '../../base/names.ts'
import { columnsMax } from '../../store/columns.ts'
import type { Column } from '../../store/store.ts'
import { duckdbFileType, formatType, isScalar, nestingProblem, quotedName } from '../../store/types.ts'
import type { LogicalType } from '../../store/types.ts'
import { logicalTypeOf } from './parquet-types.ts'

/** A column of a Parquet body, as DuckDB reads it. */
export interface SourceColumn {
  readonly name: string
  readonly type: DuckDBType
}

/** How a source column becomes one of the table. */
export interface MappedColumn {
  readonly name: string
  readonly type: LogicalType
  /** SQL of the value, and of whether it is lost there; null where it never is. */
  readonly value: string
  readonly isLost: string | null
}

export interface ColumnMapping {
  readonly columns: readonly MappedColumn[]
  /** SQL of the text that goes to `_rescued` under a name, where the condition holds. */
  readonly rescued: readonly { readonly name: string; readonly text: string; readonly condition: string }[]
}

/**
 * Finds a place for each column of the body. A value fits a column of another type where it comes back the same from a cast
 * there and back; else it is rescued, as is every value of a column whose name cannot be one. Fails with
 * `unsupported_format` for a type that we cannot hold, and with `too_many_columns`.
 */
export function mapColumns(
  sources: readonly SourceColumn[],
  known: readonly Column[],
  timeSource: string | null,
  mayGrow: boolean,
): ColumnMapping {
  const byName = new Map(known.map((column) => [column.name, column]))
  const folded = new Set(known.map(({ name }) => name.toLowerCase()))
  const columns: MappedColumn[] = []
  const rescued: { name: string; text: string; condition: string }[] = []
  for (const source of sources) {
    const { name, type } = source
    if (type.typeId === DuckDBTypeId.SQLNULL || (name === 'time' && timeSource === 'time')) continue
    const own = logicalTypeOf(type)
    if (own === undefined || nestingProblem(own) !== undefined) throw unsupported(source)
    const column = byName.get(name)
    const isNameless =
      column === undefined && (!mayGrow || columnNameProblem(name) !== undefined || folded.has(name.toLowerCase()))
    const expression = quotedName(name)
    if (isNameless) {
      rescued.push({ name, text: jsonText(expression, own), condition: `${expression} is not null` })
      continue
    }
    folded.add(name.toLowerCase())
    const mapped = mapColumn(source, own, column?.type ?? own)
    columns.push(mapped)
    if (mapped.isLost !== null) rescued.push({ name, text: jsonText(expression, own), condition: mapped.isLost })
  }
  const added = columns.filter(({ name }) => !byName.has(name)).length
  if (known.length + added > columnsMax) throw tooMany(known.length + added)
  return { columns, rescued }
}

function mapColumn({ name, type }: SourceColumn, own: LogicalType, wanted: LogicalType): MappedColumn {
  const expression = quotedName(name)
  const sqlType = duckdbFileType(wanted)
  if (formatType(own) === formatType(wanted)) {
    return { name, type: wanted, value: `cast(${expression} as ${sqlType})`, isLost: null }
  }
  if (wanted.kind === 'json') return { name, type: wanted, value: jsonText(expression, own), isLost: null }
  if (wanted.kind === 'varchar') {
    const value = isScalar(own) ? `cast(${expression} as varchar)` : jsonText(expression, own)
    return { name, type: wanted, value, isLost: null }
  }
  if (isForeign(own, wanted)) {
    return { name, type: wanted, value: `cast(null as ${sqlType})`, isLost: `${expression} is not null` }
  }
  const there = `try_cast(${expression} as ${sqlType})`
  const back = `try_cast(${there} as ${String(type)})`
  const fits = `${back} is not distinct from ${expression}`
  return { name, type: wanted, value: `case when ${fits} then ${there} end`, isLost: `not (${fits})` }
}

/** Whether nobody means the one type by the other, though there is a cast, as from true to 1 and from a row to a map. */
function isForeign(own: LogicalType, wanted: LogicalType): boolean {
  if (isScalar(own) !== isScalar(wanted)) return true
  switch (wanted.kind) {
    case 'array':
      return own.kind !== 'array' || isForeignInside(own.element, wanted.element)
    case 'map':
      return own.kind !== 'map' || isForeignInside(own.key, wanted.key) || isForeignInside(own.value, wanted.value)
    case 'row':
      return own.kind !== 'row' || areForeignFields(own, wanted)
    default:
      return (own.kind === 'boolean') !== (wanted.kind === 'boolean') && own.kind !== 'varchar'
  }
}

/** Inside of other types a cast makes no JSON of a value, and no JSON text of what is nested. */
function isForeignInside(own: LogicalType, wanted: LogicalType): boolean {
  if (wanted.kind === 'json') return own.kind !== 'json'
  return wanted.kind === 'varchar' ? !isScalar(own) : isForeign(own, wanted)
}

/** What only one of them has may be null; but a row with none of the fields is another thing. */
function areForeignFields(own: LogicalType & { kind: 'row' }, wanted: LogicalType & { kind: 'row' }): boolean {
  const shared = own.fields.flatMap(({ name, type }) => {
    const field = wanted.fields.find((candidate) => foldedName(candidate.name) === foldedName(name))
    return field === undefined ? [] : [{ from: type, to: field.type }]
  })
  return shared.length === 0 || shared.some(({ from, to }) => isForeignInside(from, to))
}

/** The value as JSON text, with all of its digits. */
function jsonText(expression: string, type: LogicalType): string {
  switch (type.kind) {
    case 'bigint':
    case 'decimal':
      return `cast(${expression} as varchar)`
    case 'json':
      return `cast(${expression} as varchar)`
    case 'varbinary':
      return `cast(to_json(base64(${expression})) as varchar)`
    default:
      return `cast(to_json(${expression}) as varchar)`
  }
}

function unsupported({ name, type }: SourceColumn): AppError {
  return new AppError(
    'unsupported_format',
    `The column ${JSON.stringify(name)} is of the type ${String(type)}, which no column of a table can hold.`,
    { hint: 'Write the column as another type, for example timestamps in microseconds, or leave it out.' },
  )
}

function tooMany(count: number): AppError {
  return new AppError('too_many_columns', `The table would have ${count} columns; ${columnsMax} are allowed.`, {
    hint: 'Put columns together into one of the type row, map or json.',
  })
}
