import { dateText, decimalText, doubleText, timestampText } from './value-text.ts'
import type { FlatVector, ParquetAnnotation } from './vectors.ts'

/** The rows that hold the smallest and the largest value. */
export interface Bounds {
  readonly min: number
  readonly max: number
}

/** Bounds longer than this many bytes are left out: they prune no better, and every reader of the footer carries them. */
const boundBytesMax = 256

/** Finds the bounds among the rows; undefined where all are null or, with doubles, NaN. */
export function findBounds(vector: FlatVector, from: number, to: number): Bounds | undefined {
  if (vector.kind === 'int64') return findInt64Bounds(vector.values, vector.valid, from, to)
  if (vector.kind === 'bytes') return findBytesBounds(vector.data, vector.offsets, vector.valid, from, to)
  const isLess = comparison(vector)
  let min = -1
  let max = -1
  for (let row = from; row < to; row += 1) {
    if (vector.valid[row] === 0 || (vector.kind === 'double' && Number.isNaN(vector.values[row]))) continue
    if (min === -1) {
      min = row
      max = row
    } else if (isLess(row, min)) min = row
    else if (isLess(max, row)) max = row
  }
  return min === -1 ? undefined : { min, max }
}

/** The bounds of both ranges together. */
export function mergeBounds(vector: FlatVector, a: Bounds | undefined, b: Bounds | undefined): Bounds | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const isLess = comparison(vector)
  return { min: isLess(b.min, a.min) ? b.min : a.min, max: isLess(a.max, b.max) ? b.max : a.max }
}

/** Compares the halves of the values: taking them out as BigInts would cost ten times as much. */
function findInt64Bounds(values: BigInt64Array, valid: Uint8Array, from: number, to: number): Bounds | undefined {
  const low = new Uint32Array(values.buffer, values.byteOffset, values.length * 2)
  const high = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
  let min = -1
  let max = -1
  for (let row = from; row < to; row += 1) {
    if (valid[row] === 0) continue
    if (min === -1) {
      min = row
      max = row
    } else if (isPairLess(low, high, row, min)) min = row
    else if (isPairLess(low, high, max, row)) max = row
  }
  return min === -1 ? undefined : { min, max }
}

function isPairLess(low: Uint32Array, high: Int32Array, a: number, b: number): boolean {
  const highA = high[a * 2 + 1] as number
  const highB = high[b * 2 + 1] as number
  return highA < highB || (highA === highB && (low[a * 2] as number) < (low[b * 2] as number))
}

/** The loop of `findBounds` for byte arrays, where a row that equals the minimum is not compared with the maximum. */
function findBytesBounds(
  data: Uint8Array,
  offsets: Uint32Array,
  valid: Uint8Array,
  from: number,
  to: number,
): Bounds | undefined {
  let min = -1
  let max = -1
  for (let row = from; row < to; row += 1) {
    if (valid[row] === 0) continue
    if (min === -1) {
      min = row
      max = row
      continue
    }
    const start = offsets[row] as number
    const end = offsets[row + 1] as number
    const toMin = compareBytes(data, start, end, offsets[min] as number, offsets[min + 1] as number)
    if (toMin < 0) min = row
    else if (toMin > 0 && compareBytes(data, start, end, offsets[max] as number, offsets[max + 1] as number) > 0)
      max = row
  }
  return min === -1 ? undefined : { min, max }
}

/** Says of two rows whether the first holds the smaller value, in the order of the type (parquet.thrift, ColumnOrder). */
function comparison(vector: FlatVector): (a: number, b: number) => boolean {
  switch (vector.kind) {
    case 'boolean':
    case 'int32':
    case 'int64':
    case 'double': {
      const values = vector.values
      return (a, b) => (values[a] as number) < (values[b] as number)
    }
    case 'bytes': {
      const { data, offsets } = vector
      return (a, b) =>
        compareBytes(
          data,
          offsets[a] as number,
          offsets[a + 1] as number,
          offsets[b] as number,
          offsets[b + 1] as number,
        ) < 0
    }
    case 'fixed':
      return (a, b) => isFixedLess(vector.data, vector.width, a, b)
  }
}

function compareBytes(data: Uint8Array, startA: number, endA: number, startB: number, endB: number): number {
  const end = startA + Math.min(endA - startA, endB - startB)
  let b = startB
  for (let a = startA; a < end; a += 1, b += 1) {
    const difference = (data[a] as number) - (data[b] as number)
    if (difference !== 0) return difference
  }
  return endA - startA - (endB - startB)
}

/** Big-endian two's complement: the first byte has the sign, the others compare as they are. */
function isFixedLess(data: Uint8Array, width: number, a: number, b: number): boolean {
  const signA = (data[a * width] as number) << 24
  const signB = (data[b * width] as number) << 24
  if (signA !== signB) return signA < signB
  return compareBytes(data, a * width, (a + 1) * width, b * width, (b + 1) * width) < 0
}

/**
 * The bound in PLAIN encoding without a length, as Statistics.min_value and max_value have it; undefined where it is
 * long. A zero is written as -0.0 where it is the minimum and as +0.0 where it is the maximum (parquet.thrift, ColumnOrder).
 */
export function boundBytes(vector: FlatVector, row: number, side: 'min' | 'max'): Uint8Array | undefined {
  switch (vector.kind) {
    case 'boolean':
      return vector.values.slice(row, row + 1)
    case 'int32':
    case 'int64': {
      const cell = vector.values.slice(row, row + 1)
      return new Uint8Array(cell.buffer)
    }
    case 'double': {
      const value = vector.values[row] as number
      return new Uint8Array(Float64Array.of(value === 0 ? (side === 'min' ? -0 : 0) : value).buffer)
    }
    case 'fixed':
      return vector.data.slice(row * vector.width, (row + 1) * vector.width)
    case 'bytes': {
      const start = vector.offsets[row] as number
      const end = vector.offsets[row + 1] as number
      return end - start > boundBytesMax ? undefined : vector.data.slice(start, end)
    }
  }
}

/** The bound as text, as DuckDB prints the type; undefined where it is long or has no text. */
export function boundText(vector: FlatVector, row: number, annotation: ParquetAnnotation): string | undefined {
  switch (vector.kind) {
    case 'boolean':
      return vector.values[row] === 1 ? 'true' : 'false'
    case 'int32':
    case 'int64':
      return integerText(BigInt(vector.values[row] as number | bigint), annotation)
    case 'double':
      return doubleText(vector.values[row] as number)
    case 'fixed': {
      const hex = Buffer.from(vector.data.subarray(row * vector.width, (row + 1) * vector.width)).toString('hex')
      return integerText(BigInt.asIntN(vector.width * 8, BigInt(`0x${hex}`)), annotation)
    }
    case 'bytes': {
      const bytes = boundBytes(vector, row, 'min')
      return bytes === undefined || annotation.kind !== 'string' ? undefined : Buffer.from(bytes).toString()
    }
  }
}

function integerText(value: bigint, annotation: ParquetAnnotation): string {
  switch (annotation.kind) {
    case 'decimal':
      return decimalText(value, annotation.scale)
    case 'date':
      return dateText(value)
    case 'timestamp_micros':
      return timestampText(value)
    default:
      return String(value)
  }
}
