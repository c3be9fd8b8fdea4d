// Lines of JSON objects, in a body that is UTF-8.

import {
  behindJsonKey,
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

const lineFeed: u32 = 0x0a
const carriageReturn: u32 = 0x0d
const space: u32 = 0x20
const quote: u32 = 0x22
const minus: u32 = 0x2d
const dot: u32 = 0x2e
const zero: u32 = 0x30
const backslash: u32 = 0x5c
const letterU: u32 = 0x75
const closeObject: u32 = 0x7d

/** Stands for what is no code point. */
const none: u32 = 0xffff_ffff

/** Any number of so many digits is exact as an integer of a double, and its quotient by a power of ten the nearest double. */
const exactDigitsMax: u32 = 15
const powers: StaticArray<i64> = [
  1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000,
  100_000_000_000, 1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000,
]

/**
 * Objects without space, or with a space behind colons and commas, as the usual encoders write them. What lacks a key has nothing in its
 * column, as if it said null; only the first key has to be there, for its brace.
 */
export function readObject(fields: u32, count: u32, start: u32, end: u32, row: u32): u32 {
  let at = start
  for (let index: u32 = 0; index < count; index += 1) {
    const field = fieldAt(fields, index)
    const value = behindJsonKey(at, field, end)
    if (value === other) {
      if (index === 0 || putNull(field, row, at) === other) return other
      continue
    }
    at = readValue(value, field, row, end)
    // Behind the value there is a comma or a brace, or the record is not whole here.
    if (at === other || at >= end) return other
  }
  return <u32>load<u8>(at) === closeObject ? at + 1 : other
}

/** The place behind the end of the line, which has to be here. */
export function behindLine(at: u32, end: u32): u32 {
  const length: u32 = <u32>load<u8>(at) === carriageReturn ? 2 : 1
  return at + length <= end && <u32>load<u8>(at + length - 1) === lineFeed ? at + length : other
}

function readValue(at: u32, field: u32, row: u32, end: u32): u32 {
  let first = <u32>load<u8>(at)
  if (first === space) {
    at += 1
    first = <u32>load<u8>(at)
  }
  if (first === quote) return isText(field) ? readText(at + 1, field, row, end) : other
  if (first === minus || first - zero <= 9) return readNumber(at, field, row)
  return readWord(at, field, row)
}

/** Copies sixteen bytes at a time and looks meanwhile for what ends a text, begins an escape or may not be in one. */
function readText(start: u32, field: u32, row: u32, end: u32): u32 {
  let target = textTarget(field)
  let at = start
  while (at < end) {
    const bytes = v128.load(at)
    v128.store(target, bytes)
    const marks = v128.or(i8x16.eq(bytes, i8x16.splat(<i8>quote)), i8x16.eq(bytes, i8x16.splat(<i8>backslash)))
    const found = <u32>i8x16.bitmask(v128.or(marks, i8x16.le_u(bytes, i8x16.splat(<i8>(space - 1)))))
    if (found === 0) {
      at += 16
      target += 16
      continue
    }
    const ordinary = ctz(found)
    at += ordinary
    target += ordinary
    if (at >= end) return other
    if (<u32>load<u8>(at) === quote) return endText(target, field, row, at + 1)
    const point = escaped(at)
    if (point === none) return other
    at += <u32>load<u8>(at, 1) !== letterU ? 2 : point < 0x1_0000 ? 6 : 12
    target += putUtf8(point, target)
  }
  return other
}

/** The code point that the escape says (RFC 8259 §7); `none` where there is no escape, or half of a surrogate pair. */
function escaped(at: u32): u32 {
  if (<u32>load<u8>(at) !== backslash) return none
  const letter = <u32>load<u8>(at, 1)
  switch (letter) {
    case quote:
    case backslash:
    case 0x2f:
      return letter
    case 0x62:
      return 0x08
    case 0x66:
      return 0x0c
    case 0x6e:
      return lineFeed
    case 0x72:
      return carriageReturn
    case 0x74:
      return 0x09
    case letterU:
      break
    default:
      return none
  }
  const unit = hexadecimal(at + 2)
  if (unit === none || (unit & 0xf800) !== 0xd800) return unit
  const low = load<u16>(at, 6) === 0x755c ? hexadecimal(at + 8) : none
  if (unit >= 0xdc00 || (low & 0xffff_fc00) !== 0xdc00) return none
  return 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
}

/** What four hexadecimal digits say; `none` where one is none. */
function hexadecimal(start: u32): u32 {
  let value: u32 = 0
  for (let at = start; at < start + 4; at += 1) {
    const digit = <u32>load<u8>(at) - zero
    const letter = (<u32>load<u8>(at) | 0x20) - 0x61
    if (digit > 9 && letter > 5) return none
    value = (value << 4) | (digit <= 9 ? digit : letter + 10)
  }
  return value
}

/** Writes the code point (RFC 3629), and returns how many bytes it takes. */
function putUtf8(point: u32, target: u32): u32 {
  if (point < 0x80) {
    store<u8>(target, point)
    return 1
  }
  const length: u32 = point < 0x800 ? 2 : point < 0x1_0000 ? 3 : 4
  let rest = point
  for (let index = length - 1; index > 0; index -= 1) {
    store<u8>(target + index, 0x80 | (rest & 0x3f))
    rest >>>= 6
  }
  store<u8>(target, (0xf00 >> length) | rest)
  return length
}

function readNumber(start: u32, field: u32, row: u32): u32 {
  const isNegative = <u32>load<u8>(start) === minus
  const first = isNegative ? start + 1 : start
  const digits = digitsAt(first)
  const isOdd = digits === 0 || (digits > 1 && <u32>load<u8>(first) === zero)
  if (isOdd || digits > exactDigitsMax) return other
  const whole = wholeAt(first, digits)
  const point = first + digits
  if (<u32>load<u8>(point) !== dot) {
    // Zero has a sign in doubles alone.
    if (whole === 0 && isNegative) return other
    return putWhole(isNegative ? -whole : whole, field, row, point)
  }
  const places = digitsAt(point + 1)
  // The zero before the point says nothing.
  if (places === 0 || (whole === 0 ? 0 : digits) + places > exactDigitsMax) return other
  const power = unchecked(powers[places])
  const value = <f64>(whole * power + wholeAt(point + 1, places)) / <f64>power
  // An exponent, or whatever else follows, is neither the comma nor the brace that is expected next.
  return putReal(isNegative ? -value : value, field, row, point + 1 + places)
}

/** How many digits there are, up to sixteen. */
function digitsAt(at: u32): u32 {
  const sizes = i8x16.sub(v128.load(at), i8x16.splat(<i8>zero))
  return ctz(<u32>i8x16.bitmask(i8x16.gt_u(sizes, i8x16.splat(9))) | 0x1_0000)
}

/** The number that at least one and at most sixteen digits say. */
function wholeAt(at: u32, digits: u32): i64 {
  if (digits <= 8) return wholeOf(load<u64>(at), digits)
  return wholeOf(load<u64>(at), digits - 8) * 100_000_000 + wholeOf(load<u64>(at + digits - 8), 8)
}

/** The number that the first bytes say as digits: two, four and eight of them at a time become one. */
function wholeOf(eight: u64, count: u32): i64 {
  const digits = (eight & 0x0f0f_0f0f_0f0f_0f0f) << ((8 - <u64>count) << 3)
  const pairs = ((digits * 2561) >> 8) & 0x00ff_00ff_00ff_00ff
  const fours = ((pairs * 6_553_601) >> 16) & 0x0000_ffff_0000_ffff
  return <i64>((fours * 42_949_672_960_001) >> 32)
}

/** `true`, `false` or `null`. */
function readWord(at: u32, field: u32, row: u32): u32 {
  const four = load<u32>(at)
  if (four === 0x6c6c_756e) return putNull(field, row, at + 4)
  if (four === 0x6575_7274) return putBoolean(1, field, row, at + 4)
  return four === 0x736c_6166 && load<u8>(at, 4) === 0x65 ? putBoolean(0, field, row, at + 5) : other
}
