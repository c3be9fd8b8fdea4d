// Maps of MessagePack.

import {
  behindMsgpackKey,
  endText,
  fieldAt,
  isText,
  other,
  putBoolean,
  putNull,
  putReal,
  putWhole,
  textTarget,
} from './fields'

/** Whole numbers from here on are not whole in a double. */
const safeEnd: i64 = 0x20_0000_0000_0000

/** Returns the place behind the map, or `other`. What lacks a key has nothing in its column, as if it said null. */
export function readMap(fields: u32, count: u32, start: u32, end: u32, row: u32): u32 {
  const first = <u32>load<u8>(start)
  const isShort = (first & 0xf0) === 0x80
  if (!isShort && first !== 0xde) return other
  let at = start + (isShort ? 1 : 3)
  let left = isShort ? first & 0x0f : <u32>bswap<u16>(load<u16>(start, 1))
  for (let index: u32 = 0; index < count; index += 1) {
    const field = fieldAt(fields, index)
    const value = left === 0 ? other : behindMsgpackKey(at, field, end)
    if (value === other) {
      if (putNull(field, row, at) === other) return other
      continue
    }
    at = readValue(value, field, row, end)
    if (at === other || at > end) return other
    left -= 1
  }
  return left === 0 ? at : other
}

/** The first byte says the format (msgpack spec, "Formats"). */
function readValue(at: u32, field: u32, row: u32, end: u32): u32 {
  const first = <u32>load<u8>(at)
  if (first < 0x80) return putWhole(first, field, row, at + 1)
  if (first >= 0xe0) return putWhole(<i64>first - 0x100, field, row, at + 1)
  if (first >= 0xa0 && first < 0xc0) return putText(at + 1, first & 0x1f, field, row, end)
  // So much may be read without asking again.
  if (at + 9 > end) return other
  switch (first) {
    case 0xc0:
      return putNull(field, row, at + 1)
    case 0xc2:
    case 0xc3:
      return putBoolean(<u8>(first - 0xc2), field, row, at + 1)
    case 0xca:
      return putReal(<f64>reinterpret<f32>(bswap<u32>(load<u32>(at + 1))), field, row, at + 5)
    case 0xcb:
      return putReal(reinterpret<f64>(bswap<u64>(load<u64>(at + 1))), field, row, at + 9)
    case 0xcc:
      return putWhole(load<u8>(at + 1), field, row, at + 2)
    case 0xcd:
      return putWhole(bswap<u16>(load<u16>(at + 1)), field, row, at + 3)
    case 0xce:
      return putWhole(bswap<u32>(load<u32>(at + 1)), field, row, at + 5)
    case 0xcf:
    case 0xd3: {
      const value = <i64>bswap<u64>(load<u64>(at + 1))
      // As a number without a sign, one that is negative here would be larger than all that are allowed.
      if (value >= safeEnd || value < (first === 0xcf ? 0 : -safeEnd)) return other
      return putWhole(value, field, row, at + 9)
    }
    case 0xd0:
      return putWhole(load<i8>(at + 1), field, row, at + 2)
    case 0xd1:
      return putWhole(<i16>bswap<u16>(load<u16>(at + 1)), field, row, at + 3)
    case 0xd2:
      return putWhole(<i32>bswap<u32>(load<u32>(at + 1)), field, row, at + 5)
    case 0xd9:
      return putText(at + 2, load<u8>(at + 1), field, row, end)
    case 0xda:
      return putText(at + 3, bswap<u16>(load<u16>(at + 1)), field, row, end)
    default:
      return other
  }
}

/** Copies eight bytes at a time, the last of them with what lies behind the text, and looks meanwhile whether all are ASCII. */
function putText(from: u32, length: u32, field: u32, row: u32, end: u32): u32 {
  if (!isText(field) || from + length > end) return other
  const target = textTarget(field)
  let seen: u64 = 0
  let index: u32 = 0
  for (; index + 8 <= length; index += 8) {
    const word = load<u64>(from + index)
    seen |= word
    store<u64>(target + index, word)
  }
  if (index < length) {
    const word = load<u64>(from + index)
    store<u64>(target + index, word)
    seen |= word & (~(<u64>0) >> ((<u64>(8 + index - length)) << 3))
  }
  if ((seen & 0x8080_8080_8080_8080) !== 0 && !isUtf8(from, from + length)) return other
  return endText(target + length, field, row, from + length)
}

/** As utf8.ts (RFC 3629). */
function isUtf8(start: u32, end: u32): bool {
  let at = start
  while (at < end) {
    const first = <u32>load<u8>(at)
    if (first < 0x80) {
      at += 1
      continue
    }
    const length: u32 = first < 0xc2 || first >= 0xf5 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
    if (length === 0 || at + length > end) return false
    const second = <u32>load<u8>(at + 1)
    const from: u32 = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
    const to: u32 = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
    if (second < from || second > to) return false
    for (let index: u32 = 2; index < length; index += 1) if ((<u32>load<u8>(at + index) & 0xc0) !== 0x80) return false
    at += length
  }
  return true
}
