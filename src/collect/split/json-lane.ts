import { hasBytesAt } from './key-table.ts'
import type { Lane } from './lane.ts'
import { isSeconds, laneKind, laneRows } from './lane.ts'

const other = -1

const quote = 0x22
const comma = 0x2c
const minus = 0x2d
const dot = 0x2e
const zero = 0x30
const backslash = 0x5c
const space = 0x20
const lineFeed = 0x0a
const carriageReturn = 0x0d

/** Any number of so many digits is exact as an integer of a double, and its quotient by a power of ten the nearest double. */
const exactDigitsMax = 15
const powers = Float64Array.from({ length: exactDigitsMax + 1 }, (_, power) => Number(`1e${power}`))

/**
 * Reads lines of JSON objects, in a body that is UTF-8, into the lane as long as they are as expected. Returns the place
 * behind the last of them.
 */
export function readJsonLane(lane: Lane, start: number): number {
  let at = start
  while (lane.rows < laneRows) {
    const end = readRecord(lane, at)
    if (end === other || end - at > lane.recordBytesMax) return at
    const next = lineEnd(lane.bytes, end)
    if (next === other) return at
    lane.rows += 1
    at = next
  }
  return at
}

function lineEnd(bytes: Uint8Array, end: number): number {
  if (bytes[end] === lineFeed) return end + 1
  return bytes[end] === carriageReturn && bytes[end + 1] === lineFeed ? end + 2 : other
}

/** Objects without space, or with a space behind colons and commas, as the usual encoders write them. */
function readRecord(lane: Lane, start: number): number {
  const { bytes, fields } = lane
  if (bytes[start] !== 0x7b) return other
  let at = start + 1
  for (let field = 0; field < fields.length; field += 1) {
    if (field > 0) {
      if (bytes[at] !== comma) return other
      at += bytes[at + 1] === space ? 2 : 1
    }
    const { json, kind } = fields[field] as (typeof fields)[number]
    if (!hasBytesAt(lane.view, at, json)) return other
    at += json.byteLength
    if (bytes[at] === space) at += 1
    at = readValue(lane, at, kind, field * laneRows + lane.rows)
    if (at === other) return other
  }
  return bytes[at] === 0x7d ? at + 1 : other
}

function readValue(lane: Lane, at: number, kind: number, place: number): number {
  const first = lane.bytes[at] as number
  if (first === quote) return kind === laneKind.text ? text(lane, at + 1, place) : other
  if (first === minus || (first >= zero && first <= 0x39)) return number(lane, at, kind, place)
  return word(lane, at, kind, place)
}

function text(lane: Lane, start: number, place: number): number {
  const { bytes, view } = lane
  let at = start
  // Four bytes at a time, as long as none of them is a quote, a backslash or a control character.
  for (const last = view.byteLength - 4; at <= last && isOrdinary(view.getInt32(at, true)); at += 4);
  for (; ; at += 1) {
    const found = bytes[at]
    if (found === undefined || found === backslash || found < space) return other
    if (found === quote) break
  }
  lane.hasValue[place] = 1
  lane.starts[place] = start
  lane.ends[place] = at
  return at + 1
}

/** Whether none of the four bytes is below a space, a quote or a backslash: zero bytes are found by subtraction. */
function isOrdinary(word: number): boolean {
  const quotes = word ^ 0x22222222
  const slashes = word ^ 0x5c5c5c5c
  const found = ((word - 0x20202020) & ~word) | ((quotes - 0x01010101) & ~quotes) | ((slashes - 0x01010101) & ~slashes)
  return (found & 0x80808080) === 0
}

function number(lane: Lane, start: number, kind: number, place: number): number {
  const { bytes } = lane
  const first = bytes[start] === minus ? start + 1 : start
  let at = first
  let size = 0
  let point = -1
  for (; ; at += 1) {
    const found = bytes[at] as number
    if (found >= zero && found <= 0x39) size = size * 10 + (found - zero)
    else if (found === dot && point === -1) point = at
    else break
  }
  const digits = at - first - (point === -1 ? 0 : 1)
  const wholeEnd = point === -1 ? at : point
  const isOdd = wholeEnd === first || point === at - 1 || (bytes[first] === zero && wholeEnd > first + 1)
  // An exponent, or whatever else follows, is neither the comma nor the brace that is expected next.
  if (isOdd || digits > exactDigitsMax) return other
  const isWhole = point === -1
  const fits =
    kind === laneKind.number || (isWhole && (kind === laneKind.integer || (kind === laneKind.time && isSeconds(size))))
  if (!fits) return other
  const value = isWhole ? size : size / (powers[at - point - 1] as number)
  lane.hasValue[place] = 1
  lane.numbers[place] = first === start ? value : -value
  return at
}

/** `true`, `false` or `null`. */
function word({ view, hasValue, numbers }: Lane, at: number, kind: number, place: number): number {
  if (at + 5 > view.byteLength) return other
  const four = view.getUint32(at)
  if (four === 0x6e756c6c && kind !== laneKind.time) {
    hasValue[place] = 0
    return at + 4
  }
  if (kind !== laneKind.boolean) return other
  const isTrue = four === 0x74727565
  if (!isTrue && (four !== 0x66616c73 || view.getUint8(at + 4) !== 0x65)) return other
  hasValue[place] = 1
  numbers[place] = isTrue ? 1 : 0
  return isTrue ? at + 4 : at + 5
}
