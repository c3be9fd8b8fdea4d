// The fields that records are expected to have, and the putting of values into them.

import { sameBytes } from './words'

/** Records that are read by one call. */
export const rowsMax: u32 = 1024

// A field takes 40 bytes: where its key as MessagePack lies and how long it is, the same of JSON, the kind of its values, where these
// lie side by side (texts: where each ends), where it says which rows have one, where its texts lie and how long they are, and how many
// rows have none.
const fieldBytes: u32 = 40
const msgpackAt: usize = 0
const msgpackLength: usize = 4
const jsonAt: usize = 8
const jsonLength: usize = 12
const kindAt: usize = 16
const valuesAt: usize = 20
const hasValueAt: usize = 24
const textAt: usize = 28
const textLength: usize = 32
const nulls: usize = 36

// The kinds of lane.ts.
const time: u32 = 1
const integer: u32 = 2
const number: u32 = 3
const text: u32 = 4
const boolean: u32 = 5

/** Times of this size and more are of other units than seconds. */
const secondsMax: i64 = 100_000_000_000

/** Stands for a value or a record that is not for the lane. */
export const other: u32 = 0

export function clearFields(fields: u32, count: u32): void {
  for (let index: u32 = 0; index < count; index += 1) {
    const field = fieldAt(fields, index)
    store<u32>(field, 0, textLength)
    store<u32>(field, 0, nulls)
    // So that only those that have none need to say it.
    memory.fill(load<u32>(field, hasValueAt), 1, rowsMax)
  }
}

export function fieldAt(fields: u32, index: u32): u32 {
  return fields + index * fieldBytes
}

/** The place behind the field's key as MessagePack, if that stands here and the body goes on behind it. */
export function behindMsgpackKey(at: u32, field: u32, end: u32): u32 {
  return behind(at, load<u32>(field, msgpackAt), load<u32>(field, msgpackLength), end)
}

/** As `behindMsgpackKey`, of JSON: the key has its quotes and colon, and the brace or the comma before it, maybe with a space. */
export function behindJsonKey(at: u32, field: u32, end: u32): u32 {
  const key = load<u32>(field, jsonAt)
  const length = load<u32>(field, jsonLength)
  const next = behind(at, key, length, end)
  if (next !== other || load<u8>(at) !== load<u8>(key) || load<u8>(at, 1) !== 0x20) return next
  return behind(at + 2, key + 1, length - 1, end)
}

/** Compares sixteen bytes at a time, the last of them without what lies behind the key. */
function behind(at: u32, key: u32, length: u32, end: u32): u32 {
  if (at + length >= end) return other
  let index: u32 = 0
  for (; index + 16 < length; index += 16) if (sameBytes(at + index, key + index) !== 0xffff) return other
  const unlike = ~sameBytes(at + index, key + index)
  return unlike << (32 - (length - index)) === 0 ? at + length : other
}

/** Takes back what a record that was begun put into the row, and is not taken. */
export function clearRow(fields: u32, count: u32, row: u32): void {
  for (let index: u32 = 0; index < count; index += 1) {
    const field = fieldAt(fields, index)
    if (load<u8>(load<u32>(field, hasValueAt) + row) === 0) store<u32>(field, load<u32>(field, nulls) - 1, nulls)
    const values = row - load<u32>(field, nulls)
    // Texts lie one behind the other, up to the end of the last.
    const end = values === 0 || !isText(field) ? 0 : load<u32>(load<u32>(field, valuesAt) + ((values - 1) << 2))
    store<u32>(field, end, textLength)
  }
}

// Each of these puts a value into the field's row and returns `next`, the place behind the value; or `other` where the field has
// values of another kind.

/** How many of the rows before have a value. */
function placeOf(field: u32, row: u32): u32 {
  return row - load<u32>(field, nulls)
}

export function putNull(field: u32, row: u32, next: u32): u32 {
  if (load<u32>(field, kindAt) === time) return other
  store<u8>(load<u32>(field, hasValueAt) + row, 0)
  store<u32>(field, load<u32>(field, nulls) + 1, nulls)
  return next
}

export function putBoolean(value: u8, field: u32, row: u32, next: u32): u32 {
  if (load<u32>(field, kindAt) !== boolean) return other
  store<u8>(load<u32>(field, valuesAt) + placeOf(field, row), value)
  return next
}

export function putWhole(value: i64, field: u32, row: u32, next: u32): u32 {
  const kind = load<u32>(field, kindAt)
  const place = load<u32>(field, valuesAt) + (placeOf(field, row) << 3)
  if (kind === number) store<f64>(place, <f64>value)
  else if (kind === integer || (kind === time && value < secondsMax && value > -secondsMax)) store<i64>(place, value)
  else return other
  return next
}

export function putReal(value: f64, field: u32, row: u32, next: u32): u32 {
  if (load<u32>(field, kindAt) !== number) return other
  store<f64>(load<u32>(field, valuesAt) + (placeOf(field, row) << 3), value)
  return next
}

export function isText(field: u32): bool {
  return load<u32>(field, kindAt) === text
}

/** Where the field's next text goes. There is room for more bytes than its encoding has. */
export function textTarget(field: u32): u32 {
  return load<u32>(field, textAt) + load<u32>(field, textLength)
}

/** Ends the text of the row at `target`. */
export function endText(target: u32, field: u32, row: u32, next: u32): u32 {
  const length = target - load<u32>(field, textAt)
  store<u32>(field, length, textLength)
  store<u32>(load<u32>(field, valuesAt) + (placeOf(field, row) << 2), length)
  return next
}
