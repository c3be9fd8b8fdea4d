// The lane of MessagePack in WebAssembly (AssemblyScript): what src/collect/split/msgpack-lane.ts does, and the putting of values side
// by side besides. src/collect/split/native-lane.ts lays out the memory, and a test holds both to the same outcome.

/** Records that are read by one call. */
const rowsMax: u32 = 1024

// A field takes 32 bytes: where its key as MessagePack lies and how long it is, the kind of its values, where these lie (texts: where
// each ends), where it says which rows have one, where its texts lie and how long they are, and how many rows have none.
const fieldBytes: u32 = 32
const keyAt: usize = 0
const keyLength: usize = 4
const kindAt: usize = 8
const valuesAt: usize = 12
const hasValueAt: usize = 16
const textAt: usize = 20
const textLength: usize = 24
const nulls: usize = 28

// The kinds of lane.ts.
const time: u32 = 1
const integer: u32 = 2
const number: u32 = 3
const text: u32 = 4
const boolean: u32 = 5

/** Times of this size and more are of other units than seconds. */
const secondsMax: i64 = 100_000_000_000

/** Whole numbers from here on are not whole in a double. */
const safeEnd: i64 = 0x20_0000_0000_0000

/** Stands for a value or a record that is not for the lane. */
const other: u32 = 0

/** What the last call read, and where it stopped. */
export let rows: u32 = 0
export let stoppedAt: u32 = 0

/** Makes room for so many bytes of memory in all. */
export function reserve(bytes: u32): void {
  const pages = (bytes + 0xffff) >>> 16
  const present = <u32>memory.size()
  if (pages > present) memory.grow(pages - present)
}

/** Reads maps from `start` as long as they are as the fields say, and at most `most` of them, or as many as a call may. */
export function read(fields: u32, count: u32, start: u32, end: u32, most: u32, recordBytesMax: u32): void {
  const rowEnd = min(most, rowsMax)
  for (let index: u32 = 0; index < count; index += 1) {
    store<u32>(fields + index * fieldBytes, 0, textLength)
    store<u32>(fields + index * fieldBytes, 0, nulls)
  }
  let row: u32 = 0
  let at = start
  while (row < rowEnd && at < end) {
    const next = readRecord(fields, count, at, end, row)
    if (next === other || next - at > recordBytesMax) {
      takeBackTexts(fields, count, row)
      break
    }
    at = next
    row += 1
  }
  rows = row
  stoppedAt = at
}

function readRecord(fields: u32, count: u32, start: u32, end: u32, row: u32): u32 {
  const first = <u32>load<u8>(start)
  let at = start + 1
  if (first === 0xde) {
    if (<u32>bswap<u16>(load<u16>(at)) !== count) return other
    at += 2
  } else if (first !== (0x80 | count) || count > 15) return other
  for (let index: u32 = 0; index < count; index += 1) {
    const field = fields + index * fieldBytes
    const length = load<u32>(field, keyLength)
    if (at + length >= end || !hasBytesAt(at, load<u32>(field, keyAt), length)) return other
    at = readValue(at + length, field, row, end)
    if (at === other || at > end) return other
  }
  return at
}

/** Texts lie one behind the other: those of a record that is not taken end where the ones before it did. */
function takeBackTexts(fields: u32, count: u32, row: u32): void {
  for (let index: u32 = 0; index < count; index += 1) {
    const field = fields + index * fieldBytes
    if (load<u32>(field, kindAt) !== text) continue
    store<u32>(field, row === 0 ? 0 : load<u32>(load<u32>(field, valuesAt) + ((row - 1) << 2)), textLength)
  }
}

function hasBytesAt(at: u32, key: u32, length: u32): bool {
  let index: u32 = 0
  for (; index + 8 <= length; index += 8) if (load<u64>(at + index) !== load<u64>(key + index)) return false
  if (index + 4 <= length) {
    if (load<u32>(at + index) !== load<u32>(key + index)) return false
    index += 4
  }
  for (; index < length; index += 1) if (load<u8>(at + index) !== load<u8>(key + index)) return false
  return true
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

function putNull(field: u32, row: u32, next: u32): u32 {
  const kind = load<u32>(field, kindAt)
  if (kind === time) return other
  store<u8>(load<u32>(field, hasValueAt) + row, 0)
  store<u32>(field, load<u32>(field, nulls) + 1, nulls)
  if (kind === text) store<u32>(load<u32>(field, valuesAt) + (row << 2), load<u32>(field, textLength))
  return next
}

function putBoolean(value: u8, field: u32, row: u32, next: u32): u32 {
  if (load<u32>(field, kindAt) !== boolean) return other
  store<u8>(load<u32>(field, valuesAt) + row, value)
  store<u8>(load<u32>(field, hasValueAt) + row, 1)
  return next
}

function putWhole(value: i64, field: u32, row: u32, next: u32): u32 {
  const kind = load<u32>(field, kindAt)
  const place = load<u32>(field, valuesAt) + (row << 3)
  if (kind === number) store<f64>(place, <f64>value)
  else if (kind === integer || (kind === time && value < secondsMax && value > -secondsMax)) store<i64>(place, value)
  else return other
  store<u8>(load<u32>(field, hasValueAt) + row, 1)
  return next
}

function putReal(value: f64, field: u32, row: u32, next: u32): u32 {
  if (load<u32>(field, kindAt) !== number) return other
  store<f64>(load<u32>(field, valuesAt) + (row << 3), value)
  store<u8>(load<u32>(field, hasValueAt) + row, 1)
  return next
}

/** Copies eight bytes at a time, the last of them with what lies behind the text, and looks meanwhile whether all are ASCII. */
function putText(from: u32, length: u32, field: u32, row: u32, end: u32): u32 {
  if (load<u32>(field, kindAt) !== text || from + length > end) return other
  const begin = load<u32>(field, textLength)
  const to = load<u32>(field, textAt) + begin
  let seen: u64 = 0
  let index: u32 = 0
  for (; index + 8 <= length; index += 8) {
    const word = load<u64>(from + index)
    seen |= word
    store<u64>(to + index, word)
  }
  if (index < length) {
    const word = load<u64>(from + index)
    store<u64>(to + index, word)
    seen |= word & (~(<u64>0) >> ((<u64>(8 + index - length)) << 3))
  }
  if ((seen & 0x8080_8080_8080_8080) !== 0 && !isUtf8(from, from + length)) return other
  store<u32>(field, begin + length, textLength)
  store<u32>(load<u32>(field, valuesAt) + (row << 2), begin + length)
  store<u8>(load<u32>(field, hasValueAt) + row, 1)
  return from + length
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
