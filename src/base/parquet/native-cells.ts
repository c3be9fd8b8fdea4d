import type { Bounds } from './bounds.ts'
import { findBounds } from './bounds.ts'
import type { NativeEncoder } from './native-encoder.ts'
import type { FlatVector } from './vectors.ts'

/** Values in the encoder's memory, without nulls. */
export interface Cells {
  readonly kind: FlatVector['kind']
  readonly count: number
  /** Bytes of a value; 0 of texts, which have any. */
  readonly width: number
  /** Where the values lie. Of texts, to which place their offsets count. */
  readonly data: number
  /** Of texts: where the offsets lie, one more than there are values. Else 0. */
  readonly offsets: number
  /** What all of the values have together. */
  readonly bytes: number
}

/** Brings the values from `from` to `to` into the encoder's memory. */
export function loadCells(native: NativeEncoder, vector: FlatVector, from: number, to: number): Cells {
  const valid = vector.valid.subarray(from, to)
  const validAt = valid.includes(0) ? native.put(valid) : undefined
  if (vector.kind === 'bytes') {
    const [start, end] = [vector.offsets[from] ?? 0, vector.offsets[to] ?? 0]
    const offsets = native.put(bytesOf(vector.offsets.subarray(from, to + 1)))
    const data = native.put(vector.data.subarray(start, end)) - start
    const count = validAt === undefined ? to - from : native.run.keepTexts(offsets, validAt, to - from)
    return { kind: 'bytes', count, width: 0, data, offsets, bytes: end - start }
  }
  const width = vector.kind === 'fixed' ? vector.width : vector.values.BYTES_PER_ELEMENT
  const source = vector.kind === 'fixed' ? vector.data : bytesOf(vector.values)
  const data = native.put(source.subarray(from * width, to * width))
  const count = validAt === undefined ? to - from : native.run.keepValues(data, validAt, to - from, width)
  return { kind: vector.kind, count, width, data, offsets: 0, bytes: count * width }
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/**
 * The least and the greatest of the values, or of those at `places` if this is not 0, as a vector of two; undefined where there is none
 * or all are NaN.
 */
export function boundsOf(native: NativeEncoder, cells: Cells, places: number, count: number): FlatVector | undefined {
  if (count === 0) return undefined
  const { kind, width, data, offsets } = cells
  const { run } = native
  const found = (): Bounds => ({ min: run.minAt.value >>> 0, max: run.maxAt.value >>> 0 })
  switch (kind) {
    case 'bytes':
      run.findTextBounds(offsets, data, places, count)
      return twoCells(native, cells, found())
    case 'double':
      return run.findRealBounds(data, places, count) === 0 ? undefined : twoCells(native, cells, found())
    case 'int32':
    case 'int64':
      run.findNumberBounds(data, width, places, count)
      return twoCells(native, cells, found())
    case 'boolean': {
      const values = native.bytes.subarray(data, data + count)
      return twoCells(native, cells, { min: Math.max(values.indexOf(0), 0), max: Math.max(values.indexOf(1), 0) })
    }
    case 'fixed': {
      const bounds = findBounds(vectorOf(cells, native.bytes.slice(data, data + cells.bytes)), 0, cells.count)
      return bounds && twoCells(native, cells, bounds)
    }
  }
}

function twoCells(native: NativeEncoder, cells: Cells, { min, max }: Bounds): FlatVector {
  const parts = [min, max].map((place) => cellAt(native, cells, place))
  return vectorOf(cells, Buffer.concat(parts), parts[0]?.length)
}

function cellAt({ bytes }: NativeEncoder, { width, data, offsets }: Cells, place: number): Uint8Array {
  if (offsets === 0) return bytes.subarray(data + place * width, data + (place + 1) * width)
  const ends = new Uint32Array(bytes.buffer, offsets + place * 4, 2)
  return bytes.subarray(data + (ends[0] as number), data + (ends[1] as number))
}

/** The bytes of values as a vector without nulls; of two texts, the first has `firstBytes`. */
function vectorOf({ kind, width }: Cells, bytes: Uint8Array, firstBytes = 0): FlatVector {
  // A copy at the start of a buffer of its own, as views of numbers ask for.
  const data = new Uint8Array(bytes)
  if (kind === 'bytes') {
    return { kind, valid: Uint8Array.of(1, 1), offsets: Uint32Array.of(0, firstBytes, data.length), data }
  }
  const valid = new Uint8Array(data.length / width).fill(1)
  switch (kind) {
    case 'boolean':
      return { kind, valid, values: data }
    case 'int32':
      return { kind, valid, values: new Int32Array(data.buffer) }
    case 'int64':
      return { kind, valid, values: new BigInt64Array(data.buffer) }
    case 'double':
      return { kind, valid, values: new Float64Array(data.buffer) }
    case 'fixed':
      return { kind, valid, width, data }
  }
}
