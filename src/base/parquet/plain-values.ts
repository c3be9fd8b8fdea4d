import type { ByteSink } from './byte-sink.ts'
import { copyRange, loopBytesMax, viewOf } from './byte-sink.ts'
import { putPackedBits } from './levels.ts'
import type { FlatVector } from './vectors.ts'

/**
 * Writes the values of the rows in PLAIN encoding (Encodings.md, "Plain: (PLAIN = 0)"): little-endian, nulls left out,
 * byte arrays behind their lengths. Typed arrays are taken as they lie in memory, which is little-endian on every platform
 * that Node.js runs DuckDB on.
 */
export function putPlainValues(sink: ByteSink, vector: FlatVector, from: number, to: number): void {
  const whole = !vector.valid.subarray(from, to).includes(0)
  switch (vector.kind) {
    case 'boolean':
      return whole
        ? putPackedBits(sink, vector.values, from, to)
        : putSomeBooleans(sink, vector.values, vector.valid, from, to)
    case 'int32':
      return putCells(sink, vector.values, vector.valid, whole, from, to)
    case 'int64':
    case 'double':
      return putCells(sink, vector.values, vector.valid, whole, from, to)
    case 'fixed':
      return putFixed(sink, vector.data, vector.width, vector.valid, from, to)
    case 'bytes':
      return putByteArrays(sink, vector.data, vector.offsets, vector.valid, whole, from, to)
  }
}

/** How many bytes the rows take in PLAIN encoding if none of them is null. */
export function plainBytes(vector: FlatVector, from: number, to: number): number {
  const rows = to - from
  switch (vector.kind) {
    case 'boolean':
      return Math.ceil(rows / 8)
    case 'int32':
      return rows * 4
    case 'int64':
    case 'double':
      return rows * 8
    case 'fixed':
      return rows * vector.width
    case 'bytes':
      return rows * 4 + (vector.offsets[to] as number) - (vector.offsets[from] as number)
  }
}

type Cells = Int32Array | BigInt64Array | Float64Array

/** Without nulls one copy; with nulls the words of the values, one by one, without making numbers of them. */
function putCells(sink: ByteSink, cells: Cells, valid: Uint8Array, whole: boolean, from: number, to: number): void {
  if (whole) return sink.append(bytesOf(cells.subarray(from, to)))
  const wordsEach = cells.BYTES_PER_ELEMENT / 4
  const words = new Int32Array(cells.buffer, cells.byteOffset, cells.length * wordsEach)
  const kept = new Int32Array((to - from) * wordsEach)
  let at = 0
  for (let row = from; row < to; row += 1) {
    if (valid[row] === 0) continue
    kept[at++] = words[row * wordsEach] as number
    if (wordsEach === 2) kept[at++] = words[row * 2 + 1] as number
  }
  sink.append(bytesOf(kept.subarray(0, at)))
}

function bytesOf(cells: Cells): Uint8Array {
  return new Uint8Array(cells.buffer, cells.byteOffset, cells.byteLength)
}

function putSomeBooleans(sink: ByteSink, values: Uint8Array, valid: Uint8Array, from: number, to: number): void {
  const kept = new Uint8Array(to - from)
  let count = 0
  for (let row = from; row < to; row += 1) if (valid[row] === 1) kept[count++] = values[row] as number
  putPackedBits(sink, kept, 0, count)
}

function putFixed(sink: ByteSink, data: Uint8Array, width: number, valid: Uint8Array, from: number, to: number): void {
  for (let row = from; row < to; row += 1) {
    if (valid[row] === 1) sink.appendRange(data, row * width, (row + 1) * width)
  }
}

function putByteArrays(
  sink: ByteSink,
  data: Uint8Array,
  offsets: Uint32Array,
  valid: Uint8Array,
  whole: boolean,
  from: number,
  to: number,
): void {
  // Room for everything at once, so that the loop need not ask again.
  sink.reserve((offsets[to] as number) - (offsets[from] as number) + 4 * (to - from))
  const source = viewOf(data)
  const target = sink.view
  let at = sink.length
  let start = offsets[from] as number
  for (let row = from; row < to; row += 1) {
    const end = offsets[row + 1] as number
    if (whole || valid[row] === 1) {
      target.setUint32(at, end - start, true)
      at += 4
      if (end - start > loopBytesMax) sink.bytes.set(data.subarray(start, end), at)
      else copyRange(source, start, end, target, at)
      at += end - start
    }
    start = end
  }
  sink.length = at
}
