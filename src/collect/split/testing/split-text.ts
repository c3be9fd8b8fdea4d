import { must } from '../../../base/errors.ts'
import type { DenseVector, FlatVector, Vector } from '../../../base/parquet/vectors.ts'
import type { LogicalType } from '../../../store/types.ts'
import { createSplitter } from '../split.ts'
import type { SplitBody, SplitColumn, SplitLimits, SplitResult } from '../splitter.ts'

export const limits: SplitLimits = {
  depthMax: 64,
  recordBytesMax: 4 << 20,
  columnsMax: 2000,
  nameBytesMax: 255,
  nestedValuesMax: 1_000_000,
}

/** The time of records that say none. */
export const receivedAtUs = 1_600_000_000_000_000

export type Known = Parameters<ReturnType<typeof createSplitter>['split']>[1]

export interface SplitText {
  readonly known?: Known
  readonly timeColumn?: string
  readonly limits?: Partial<SplitLimits>
}

/** Splits bodies of one format. */
export function split(
  format: SplitBody['format'],
  bodies: string | Uint8Array | readonly (string | Uint8Array)[],
  options: SplitText = {},
): SplitResult {
  const all = typeof bodies === 'string' || bodies instanceof Uint8Array ? [bodies] : bodies
  return createSplitter().split(
    all.map((body) => ({ bytes: Buffer.from(body), format, timeColumn: options.timeColumn ?? null, receivedAtUs })),
    options.known ?? [],
    { ...limits, ...options.limits },
  )
}

/**
 * What a row of a vector holds: numbers, bigints, booleans, strings of UTF-8, bytes in hexadecimal, and of nested types arrays,
 * `Map`s and objects.
 */
export function valueAt({ vector, type }: SplitColumn, row: number): unknown {
  return cellAt(vector, type, row)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function cellAt(vector: Vector, type: LogicalType, row: number): unknown {
  if (vector.kind === 'sparse') {
    const place = vector.rows.indexOf(row)
    return place === -1 ? null : cellAt(vector.values, type, place)
  }
  if (vector.valid[row] === 0) return null
  switch (vector.kind) {
    case 'boolean':
      return vector.values[row] === 1
    case 'int32':
    case 'int64':
    case 'double':
      return vector.values[row]
    case 'fixed': {
      const hex = Buffer.from(vector.data.subarray(row * vector.width, (row + 1) * vector.width)).toString('hex')
      return BigInt.asIntN(vector.width * 8, BigInt(`0x${hex}`))
    }
    case 'bytes': {
      const bytes = vector.data.subarray(vector.offsets[row], vector.offsets[row + 1])
      return type.kind === 'varbinary' ? Buffer.from(bytes).toString('hex') : utf8.decode(bytes)
    }
    default:
      return nestedAt(vector, type, row)
  }
}

function nestedAt(vector: Exclude<DenseVector, FlatVector>, type: LogicalType, row: number): unknown {
  if (vector.kind === 'row' && type.kind === 'row') {
    return Object.fromEntries(
      type.fields.map((field, index) => [
        field.name,
        cellAt(must(vector.fields[index], 'a vector for each field'), field.type, row),
      ]),
    )
  }
  const offsets = vector.kind === 'row' ? new Uint32Array(0) : vector.offsets
  const [first, end] = [offsets[row] ?? 0, offsets[row + 1] ?? 0]
  const places = Array.from({ length: end - first }, (_, index) => first + index)
  if (vector.kind === 'array' && type.kind === 'array') {
    return places.map((place) => cellAt(vector.elements, type.element, place))
  }
  if (vector.kind === 'map' && type.kind === 'map') {
    return new Map(
      places.map((place) => [cellAt(vector.keys, type.key, place), cellAt(vector.values, type.value, place)]),
    )
  }
  throw new Error(`a vector of the kind ${vector.kind} for the type ${type.kind}`)
}

/** The rows of a result by column; maps as plain objects. */
export function rowsOf(result: SplitResult): Record<string, unknown>[] {
  return Array.from({ length: result.rows }, (_, row) =>
    Object.fromEntries(
      result.columns.map((column) => {
        const value = valueAt(column, row)
        return [column.name, value instanceof Map ? Object.fromEntries(value) : value]
      }),
    ),
  )
}

export function columnOf(result: SplitResult, name: string): SplitColumn | undefined {
  return result.columns.find((column) => column.name === name)
}

/** The values of one column; all null where the result lacks it. */
export function valuesOf(result: SplitResult, name: string): unknown[] {
  const column = columnOf(result, name)
  return Array.from({ length: result.rows }, (_, row) => (column === undefined ? null : valueAt(column, row)))
}

/** What was rescued under the name of a key, by row. */
export function rescuedOf(result: SplitResult, name: string): (string | null)[] {
  return valuesOf(result, '_rescued').map((entries) => (entries instanceof Map ? (entries.get(name) ?? null) : null))
}

/** The kinds of the columns behind the fixed ones. */
export function kindsOf(result: SplitResult): Record<string, string> {
  const own = result.columns.filter(({ name }) => !['time', 'time_us', '_rescued'].includes(name))
  return Object.fromEntries(own.map(({ name, type }) => [name, type.kind]))
}
