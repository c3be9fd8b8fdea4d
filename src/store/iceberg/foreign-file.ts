import { AppError } from '../../base/errors.ts'
import type { Footer, FooterColumn } from '../../base/parquet/read-footer.ts'
import { dateText, decimalText, doubleText, timestampText } from '../../base/parquet/value-text.ts'
import { innerFieldIds, timeColumn } from '../columns.ts'
import type { Column, ColumnStatistics, NewChunk } from '../store.ts'
import type { LogicalType } from '../types.ts'

// A data file that another engine wrote becomes a chunk. What the catalog says of it comes from the file's own footer: our
// queries prune and answer by it, and nobody's word is taken for that.

/** What the catalog keeps of the file. Fails with `invalid_request` where queries could not read it as a part of the table. */
export function foreignChunk(
  name: string,
  footer: Footer,
  columns: readonly Column[],
): Pick<NewChunk, 'timeRange' | 'rows' | 'statistics'> {
  const types = leafTypes(columns)
  const statistics: Record<number, ColumnStatistics> = {}
  for (const column of footer.columns) {
    const label = column.path.join('.')
    const type = column.fieldId === undefined ? undefined : types.get(column.fieldId)
    if (column.fieldId === undefined || type === undefined) {
      const id =
        column.fieldId === undefined ? 'no field id' : `the field id ${column.fieldId}, which the table does not have`
      throw unfit(name, `its column "${label}" has ${id}`)
    }
    if (!isReadable(type, column)) throw unfit(name, `its column "${label}" is no ${type.kind} in Parquet`)
    const nulls = column.isRequired ? 0 : column.nulls
    if (nulls === undefined) throw unfit(name, `it does not say how many nulls there are in "${label}"`)
    statistics[column.fieldId] = { bytes: column.bytes, nulls, ...boundsOf(type, column) }
  }
  return { timeRange: timeRangeOf(name, statistics[timeColumn.fieldId]), rows: footer.rows, statistics }
}

function unfit(name: string, reason: string): AppError {
  return new AppError('invalid_request', `The data file ${name} does not fit the table: ${reason}.`, {
    hint: 'Write Parquet with the field ids of the table, with statistics, and a time in every row.',
  })
}

function timeRangeOf(name: string, time: ColumnStatistics | undefined): NewChunk['timeRange'] {
  if (time === undefined) throw unfit(name, 'it has no column "time"')
  if (time.nulls > 0) throw unfit(name, 'there are rows without a time')
  const [from, to] = [Number(time.min), Number(time.max) + 1]
  if (Number.isSafeInteger(from) && Number.isSafeInteger(to)) return { from, to }
  throw unfit(name, 'it does not say from when to when its rows are')
}

/** The types of all values, of nested columns of those inside, by field id. */
function leafTypes(columns: readonly Column[]): Map<number, LogicalType> {
  const types = new Map<number, LogicalType>()
  const visit = (column: Column): void => {
    const inner = innerColumns(column)
    if (inner.length === 0) types.set(column.fieldId, column.type)
    inner.forEach(visit)
  }
  columns.forEach(visit)
  return types
}

function innerColumns(column: Column): Column[] {
  const { type } = column
  const ids = innerFieldIds(column)
  const inner = (name: string, of: LogicalType): Column => ({ fieldId: ids.get(name) ?? 0, name, type: of })
  if (type.kind === 'array') return [inner('element', type.element)]
  if (type.kind === 'map') return [inner('key', type.key), inner('value', type.value)]
  return type.kind === 'row' ? type.fields.map((field) => inner(field.name, field.type)) : []
}

/** Narrower integers and floats hold the same values; Iceberg lets a writer keep to them. */
function isReadable(type: LogicalType, { physical, decimal, isTimestampMicros }: FooterColumn): boolean {
  switch (type.kind) {
    case 'boolean':
      return physical === 'BOOLEAN'
    case 'bigint':
      return (physical === 'INT64' || physical === 'INT32') && decimal === undefined && !isTimestampMicros
    case 'double':
      return physical === 'DOUBLE' || physical === 'FLOAT'
    case 'decimal':
      return decimal?.scale === type.scale && decimal.precision <= type.precision
    case 'varchar':
    case 'json':
      return physical === 'BYTE_ARRAY' && decimal === undefined
    case 'varbinary':
      return physical === 'BYTE_ARRAY' || physical === 'FIXED_LEN_BYTE_ARRAY'
    case 'date':
      return physical === 'INT32'
    case 'timestamp':
      return physical === 'INT64' && isTimestampMicros
    default:
      return false
  }
}

/** The bounds of the file as text, as DuckDB prints the type; none where a row group has none. */
function boundsOf(type: LogicalType, { physical, bounds }: FooterColumn): { min?: string; max?: string } {
  const sides = bounds.map(({ min, max }) => ({ min: valueOf(type, physical, min), max: valueOf(type, physical, max) }))
  let [least, most] = [sides[0]?.min, sides[0]?.max]
  for (const { min, max } of sides) {
    if (min === undefined || max === undefined || least === undefined || most === undefined) return {}
    if (isLess(min, least)) least = min
    if (isLess(most, max)) most = max
  }
  if (least === undefined || most === undefined) return {}
  return { min: textOf(type, least), max: textOf(type, most) }
}

type BoundValue = bigint | number | Buffer

function isLess(a: BoundValue, b: BoundValue): boolean {
  return Buffer.isBuffer(a) && Buffer.isBuffer(b) ? Buffer.compare(a, b) < 0 : a < b
}

/** A bound in PLAIN encoding; undefined where it is none that can be compared. */
function valueOf(type: LogicalType, physical: string, bytes: Buffer): BoundValue | undefined {
  if (type.kind === 'varbinary') return undefined
  switch (physical) {
    case 'BOOLEAN':
      return bytes.byteLength === 1 ? BigInt(bytes.readUInt8()) : undefined
    case 'INT32':
      return bytes.byteLength === 4 ? BigInt(bytes.readInt32LE()) : undefined
    case 'INT64':
      return bytes.byteLength === 8 ? bytes.readBigInt64LE() : undefined
    case 'FLOAT':
      return bytes.byteLength === 4 ? withoutNan(bytes.readFloatLE()) : undefined
    case 'DOUBLE':
      return bytes.byteLength === 8 ? withoutNan(bytes.readDoubleLE()) : undefined
    default:
      return type.kind === 'decimal' ? bigEndian(bytes) : bytes
  }
}

function withoutNan(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value
}

function bigEndian(bytes: Buffer): bigint | undefined {
  return bytes.byteLength === 0 ? undefined : BigInt.asIntN(bytes.byteLength * 8, BigInt(`0x${bytes.toString('hex')}`))
}

function textOf(type: LogicalType, value: BoundValue): string {
  if (Buffer.isBuffer(value)) return value.toString('utf8')
  if (typeof value === 'number') return doubleText(value)
  switch (type.kind) {
    case 'boolean':
      return value === 1n ? 'true' : 'false'
    case 'decimal':
      return decimalText(value, type.scale)
    case 'date':
      return dateText(value)
    case 'timestamp':
      return timestampText(value)
    default:
      return String(value)
  }
}
