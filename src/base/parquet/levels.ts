import type { ByteSink } from './byte-sink.ts'
import { putVarint } from './thrift-compact.ts'

/**
 * Writes the levels of a data page: a length of four bytes, then runs (Encodings.md, "Run Length Encoding / Bit-Packing
 * Hybrid (RLE = 3)"). Levels that are all the same are one repeated run; others are one bit-packed run, which is padded with
 * zeros to a multiple of eight levels.
 */
export function putLevels(sink: ByteSink, levels: Uint8Array, from: number, to: number, levelMax: number): void {
  const lengthAt = sink.length
  sink.uint32(0)
  if (isConstant(levels, from, to, levelMax)) putRepeated(sink, to - from, to > from ? (levels[from] as number) : 0)
  else if (levelMax === 1) putBits(sink, levels, from, to)
  else putPacked(sink, levels, from, to, 32 - Math.clz32(levelMax))
  sink.view.setUint32(lengthAt, sink.length - lengthAt - 4, true)
}

/** Writes levels that are all 0. */
export function putZeroLevels(sink: ByteSink, count: number): void {
  const lengthAt = sink.length
  sink.uint32(0)
  putRepeated(sink, count, 0)
  sink.view.setUint32(lengthAt, sink.length - lengthAt - 4, true)
}

/** Of a sparse vector, the places from `first` to `end`, which are of the rows from `from` to `to`. */
interface SparseRange {
  readonly first: number
  readonly end: number
  readonly from: number
  readonly to: number
}

/** Writes levels that are 1 in the rows of valid values and 0 in all others, as repeated runs only. */
export function putLevelRuns(
  sink: ByteSink,
  rows: Uint32Array,
  valid: Uint8Array,
  { first, end, from, to }: SparseRange,
): void {
  const lengthAt = sink.length
  sink.uint32(0)
  let done = from
  for (let at = first; at < end; at += 1) {
    if (valid[at] === 0) continue
    const row = rows[at] as number
    if (row > done) putRepeated(sink, row - done, 0)
    putRepeated(sink, 1, 1)
    done = row + 1
  }
  if (to > done) putRepeated(sink, to - done, 0)
  sink.view.setUint32(lengthAt, sink.length - lengthAt - 4, true)
}

function isConstant(levels: Uint8Array, from: number, to: number, levelMax: number): boolean {
  const first = levels[from] ?? 0
  if (levelMax === 1) return !levels.subarray(from, to).includes(1 - first)
  for (let index = from + 1; index < to; index += 1) if (levels[index] !== first) return false
  return true
}

function putRepeated(sink: ByteSink, count: number, level: number): void {
  putVarint(sink, count * 2)
  sink.byte(level)
}

function putBits(sink: ByteSink, levels: Uint8Array, from: number, to: number): void {
  const groups = Math.ceil((to - from) / 8)
  putVarint(sink, groups * 2 + 1)
  putPackedBits(sink, levels, from, to)
}

/** Bits of bytes that are 0 or 1, the first in the lowest place: levels of width 1, and booleans in PLAIN encoding. */
export function putPackedBits(sink: ByteSink, source: Uint8Array, from: number, to: number): void {
  const bytes = sink.reserve(Math.ceil((to - from) / 8))
  let at = sink.length
  let packed = 0
  for (let index = from; index < to; index += 1) {
    const place = (index - from) & 7
    packed |= (source[index] as number) << place
    if (place === 7) {
      bytes[at++] = packed
      packed = 0
    }
  }
  if (((to - from) & 7) !== 0) bytes[at++] = packed
  sink.length = at
}

/** Levels of any width up to eight bits, in groups of eight, the first in the lowest place. */
function putPacked(sink: ByteSink, levels: Uint8Array, from: number, to: number, width: number): void {
  const groups = Math.ceil((to - from) / 8)
  putVarint(sink, groups * 2 + 1)
  const bytes = sink.reserve(groups * width)
  const end = sink.length + groups * width
  let at = sink.length
  let bits = 0
  let pending = 0
  for (let index = from; index < to; index += 1) {
    bits |= (levels[index] as number) << pending
    pending += width
    if (pending < 8) continue
    bytes[at++] = bits
    bits >>= 8
    pending -= 8
  }
  bytes.fill(0, at, end)
  if (pending > 0) bytes[at] = bits
  sink.length = end
}
