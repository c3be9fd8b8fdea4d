import { hasBytesAt } from './key-table.ts'
import type { Lane } from './lane.ts'
import { isSeconds, laneKind, laneRows } from './lane.ts'
import { isUtf8Words } from './utf8.ts'

/** What stands for a record that is not for the lane. */
const other = -1

/**
 * Reads maps of MessagePack into the lane as long as they are as expected, and at most `rowsMax`. Returns the place behind the
 * last of them.
 */
export function readMsgpackLane(lane: Lane, start: number, rowsMax: number): number {
  const most = Math.min(rowsMax, laneRows)
  let at = start
  while (lane.rows < most) {
    const end = readRecord(lane, at)
    if (end === other || end - at > lane.recordBytesMax) return at
    lane.rows += 1
    at = end
  }
  return at
}

function readRecord(lane: Lane, start: number): number {
  const { bytes, fields } = lane
  const count = fields.length
  const first = bytes[start] as number
  let at = start + 1
  if (first === 0xde) {
    if (((bytes[at] as number) << 8) + (bytes[at + 1] as number) !== count) return other
    at += 2
  } else if (first !== (0x80 | count) || count > 15) return other
  for (let field = 0; field < count; field += 1) {
    const { msgpack, kind } = fields[field] as (typeof fields)[number]
    if (!hasBytesAt(lane.view, at, msgpack)) return other
    at = readValue(lane, at + msgpack.byteLength, kind, field * laneRows + lane.rows)
    if (at === other) return other
  }
  return at
}

function readValue(lane: Lane, at: number, kind: number, place: number): number {
  const first = lane.bytes[at] as number
  if (first < 0x80) return integer(lane, first, kind, place, at + 1)
  if (first >= 0xe0) return integer(lane, first - 0x100, kind, place, at + 1)
  if (first >= 0xa0 && first < 0xc0) return text(lane, at + 1, first & 0x1f, kind, place)
  return readLonger(lane, first, at, kind, place)
}

/** Values of more than a byte whose first byte says their format (msgpack spec, "Formats"). */
function readLonger(lane: Lane, first: number, at: number, kind: number, place: number): number {
  const { view } = lane
  // So much may be read without asking again; the end of the body is the tape's.
  if (at + 9 > view.byteLength) return other
  switch (first) {
    case 0xc0:
      lane.hasValue[place] = 0
      return kind === laneKind.time ? other : at + 1
    case 0xc2:
    case 0xc3:
      if (kind !== laneKind.boolean) return other
      lane.hasValue[place] = 1
      lane.numbers[place] = first - 0xc2
      return at + 1
    case 0xca:
      return float(lane, view.getFloat32(at + 1), kind, place, at + 5)
    case 0xcb:
      return float(lane, view.getFloat64(at + 1), kind, place, at + 9)
    case 0xcc:
      return integer(lane, view.getUint8(at + 1), kind, place, at + 2)
    case 0xcd:
      return integer(lane, view.getUint16(at + 1), kind, place, at + 3)
    case 0xce:
      return integer(lane, view.getUint32(at + 1), kind, place, at + 5)
    case 0xcf:
      return wide(lane, view.getUint32(at + 1), view.getUint32(at + 5), kind, place, at + 9)
    case 0xd0:
      return integer(lane, view.getInt8(at + 1), kind, place, at + 2)
    case 0xd1:
      return integer(lane, view.getInt16(at + 1), kind, place, at + 3)
    case 0xd2:
      return integer(lane, view.getInt32(at + 1), kind, place, at + 5)
    case 0xd3:
      return wide(lane, view.getInt32(at + 1), view.getUint32(at + 5), kind, place, at + 9)
    case 0xd9:
      return text(lane, at + 2, view.getUint8(at + 1), kind, place)
    case 0xda:
      return text(lane, at + 3, view.getUint16(at + 1), kind, place)
    default:
      return other
  }
}

function integer(lane: Lane, value: number, kind: number, place: number, end: number): number {
  const fits = kind === laneKind.integer || kind === laneKind.number || (kind === laneKind.time && isSeconds(value))
  if (!fits) return other
  lane.hasValue[place] = 1
  lane.numbers[place] = value
  return end
}

/** Eight bytes: within 2^53 a double has all of it. */
function wide(lane: Lane, high: number, low: number, kind: number, place: number, end: number): number {
  if (high < -0x20_0000 || high >= 0x20_0000) return other
  return integer(lane, high * 4_294_967_296 + low, kind, place, end)
}

function float(lane: Lane, value: number, kind: number, place: number, end: number): number {
  if (kind !== laneKind.number) return other
  lane.hasValue[place] = 1
  lane.numbers[place] = value
  return end
}

function text(lane: Lane, start: number, length: number, kind: number, place: number): number {
  const end = start + length
  if (kind !== laneKind.text || end > lane.bytes.length || !isUtf8Words(lane.bytes, lane.view, start, end)) return other
  lane.hasValue[place] = 1
  lane.starts[place] = start
  lane.ends[place] = end
  return end
}
