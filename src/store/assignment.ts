import { AppError } from '../base/errors.ts'
import { fixedColumns } from './columns.ts'
import type { Column } from './store.ts'
import type { LogicalType } from './types.ts'
import { duckdbFileType, duckdbType, formatType } from './types.ts'

/** A column of an answer: what it is to us, and how DuckDB calls its type. */
export interface AnswerColumn {
  readonly name: string
  readonly type: LogicalType
  readonly engineType: string
}

/** A column of the written file: SQL over c0, c1 …, the column of the table that it becomes. */
export interface Assignment {
  readonly column: Column
  readonly expression: string
}

/** Which column of the answer goes into which of the table. */
export interface Pairing {
  readonly column: Column
  readonly source: AnswerColumn
  /** Of the source, among the columns of the answer. */
  readonly index: number
}

/**
 * How the values get into their columns: unchanged, or by a cast that is checked, so that a value which does not come
 * back the same fails the query instead of being rounded. A row without a time gets `defaultTime`. Fails with
 * `query_semantic` where the types do not fit at all.
 */
export function assignments(pairings: readonly Pairing[], defaultTime: number): Assignment[] {
  const assigned = pairings.map((pairing) => ({ column: pairing.column, expression: valueExpression(pairing) }))
  const time = assigned.find(({ column }) => column.fieldId === timeFieldId)
  const others = assigned.filter((assignment) => assignment !== time)
  const [timeColumn] = fixedColumns
  if (timeColumn === undefined) throw new Error('the fixed columns begin with time')
  if (time === undefined) return [{ column: timeColumn, expression: `${Math.floor(defaultTime)}::bigint` }, ...others]
  const notNull = `coalesce(${time.expression}, error('A row has NULL as its time, which every row needs.'))`
  return [{ column: timeColumn, expression: notNull }, ...others]
}

const timeFieldId = 1

function valueExpression({ column, source, index }: Pairing): string {
  const value = `c${index}`
  const target = duckdbFileType(column.type)
  switch (fitting(source.type, column.type)) {
    case 'same':
      return source.engineType === target ? value : `cast(${value} as ${target})`
    case 'checked':
      return checkedCast(value, source, column, target)
    case 'none':
      throw new AppError(
        'query_semantic',
        `The column ${JSON.stringify(column.name)} is ${formatType(column.type)}, and the query gives it ${formatType(source.type)}.`,
        { hint: `Cast it in the query: CAST(… AS ${duckdbType(column.type)}).` },
      )
  }
}

/** The value, if the way there and back leaves it as it was. */
function checkedCast(value: string, source: AnswerColumn, column: Column, target: string): string {
  const there = `cast(${value} as ${target})`
  const same = `cast(${there} as ${source.engineType}) is not distinct from ${value}`
  const complaint = `concat('The value ', cast(${value} as varchar), ' does not fit the column ${escaped(column.name)} (${escaped(formatType(column.type))}) exactly.')`
  return `case when ${same} then ${there} else error(${complaint}) end`
}

function escaped(text: string): string {
  return text.replaceAll("'", "''")
}

type Fitting = 'same' | 'checked' | 'none'

const numbers: ReadonlySet<string> = new Set(['bigint', 'decimal', 'double'])

/** Whether values of one type may go into a column of another without a CAST in the query. */
function fitting(from: LogicalType, to: LogicalType): Fitting {
  if (formatType(from) === formatType(to)) return 'same'
  if (numbers.has(from.kind) && numbers.has(to.kind)) return 'checked'
  switch (to.kind) {
    case 'varchar':
      // JSON is text already; the text of a number, a date or a truth value is exact.
      return ['json', 'bigint', 'decimal', 'date', 'timestamp', 'boolean'].includes(from.kind) ? 'same' : 'none'
    case 'timestamp':
      return from.kind === 'date' ? 'checked' : 'none'
    case 'date':
      return from.kind === 'timestamp' ? 'checked' : 'none'
    case 'array':
      return from.kind === 'array' && fitting(from.element, to.element) !== 'none' ? 'checked' : 'none'
    case 'map':
      return from.kind === 'map' && mapFits(from, to) ? 'checked' : 'none'
    case 'row':
      return from.kind === 'row' && rowFits(from, to) ? 'checked' : 'none'
    default:
      return 'none'
  }
}

function mapFits(from: LogicalType & { kind: 'map' }, to: LogicalType & { kind: 'map' }): boolean {
  return fitting(from.key, to.key) !== 'none' && fitting(from.value, to.value) !== 'none'
}

/** Fields go by their names and order: a cast that gives fields other places is not one to be guessed. */
function rowFits(from: LogicalType & { kind: 'row' }, to: LogicalType & { kind: 'row' }): boolean {
  if (from.fields.length !== to.fields.length) return false
  return from.fields.every((field, index) => {
    const target = to.fields[index]
    return (
      target !== undefined &&
      field.name.toLowerCase() === target.name.toLowerCase() &&
      fitting(field.type, target.type) !== 'none'
    )
  })
}
