import { ByteSink } from '../../base/parquet/byte-sink.ts'
import type { Failure } from './failure.ts'
import { putUnescaped } from './json-strings.ts'
import type { Key } from './key-table.ts'
import { KeyTable, undecided } from './key-table.ts'
import type { MsgpackScanner } from './msgpack-scanner.ts'

/** What a value is, before it is known which column it goes to. */
export const valueKind = {
  null: 0,
  false: 1,
  true: 2,
  /** A whole number of at most 2^53, in `numbers`. */
  integer: 3,
  /** A larger whole number within int64, in `words`. */
  wide: 4,
  /** A whole number beyond int64: only its text says it. */
  huge: 5,
  /** A double that says everything about the value, in `numbers`; a number with a fraction or an exponent. */
  float: 6,
  /** A number with a fraction or an exponent and so many digits that only its text says it. */
  digits: 7,
  /** Text: the bytes from start to end, in UTF-8. */
  string: 8,
  /** JSON text with escapes from start to end, without the quotes. */
  escaped: 9,
  /** An array, an object or a foreign extension of MessagePack: the encoded value from start to end. */
  nested: 10,
  /** Bytes from start to end. */
  binary: 11,
  /** A timestamp of MessagePack: the payload from start to end. */
  timestamp: 12,
  /** A JSON value with half of a surrogate pair in it, which no column can hold: its source text, quotes and all. */
  unpaired: 13,
} as const

export type ValueKind = (typeof valueKind)[keyof typeof valueKind]

/**
 * The fields of one record, read and checked as a whole before anything of it goes into columns: a record that turns out
 * unreadable leaves no trace. Flat arrays, written anew by each record.
 */
export class RecordTape {
  readonly keys: KeyTable
  /** The body that starts and ends point into. */
  bytes: Uint8Array = new Uint8Array(0)
  /** For values of MessagePack; undefined where the body is JSON. */
  msgpack: MsgpackScanner | undefined
  count = 0
  /** How many of the keys have no column yet. */
  unknownCount = 0
  readonly fieldKeys: Key[] = []
  readonly kinds: Uint8Array
  readonly starts: Uint32Array
  readonly ends: Uint32Array
  readonly numbers: Float64Array
  /** Two halves of an int64 for each field, the low one first. */
  readonly words: Int32Array
  readonly tooManyKeys: string
  /** Where `locateText` found the bytes of a string. */
  textBytes: Uint8Array = this.bytes
  textStart = 0
  textEnd = 0
  readonly #unescaped = new ByteSink(64)
  #record = 0
  #previousKey: Key

  constructor(fieldsMax: number) {
    this.keys = new KeyTable(fieldsMax)
    this.tooManyKeys = `the bodies have more than ${fieldsMax} different keys`
    this.kinds = new Uint8Array(fieldsMax)
    this.starts = new Uint32Array(fieldsMax)
    this.ends = new Uint32Array(fieldsMax)
    this.numbers = new Float64Array(fieldsMax)
    this.words = new Int32Array(fieldsMax * 2)
    this.#previousKey = this.keys.start
  }

  begin(): void {
    this.#record += 1
    this.#previousKey = this.keys.start
    this.count = 0
    this.unknownCount = 0
  }

  /** The key that most likely comes next. */
  get expectedKey(): Key | undefined {
    return this.#previousKey.next
  }

  /** Adds a field whose value the caller then sets; false where the record has the key already. */
  addField(key: Key): boolean {
    if (key.lastRecord === this.#record) return false
    key.lastRecord = this.#record
    if (key.target === undecided) this.unknownCount += 1
    this.#previousKey.next = key
    this.#previousKey = key
    this.fieldKeys[this.count++] = key
    return true
  }

  /** Which field has the key; -1 where none does. */
  fieldOf(key: Key): number {
    if (key.lastRecord !== this.#record) return -1
    return this.fieldKeys.indexOf(key)
  }

  /** Sets the value of the newest field to one that is known by where it lies. */
  setRange(kind: ValueKind, start: number, end: number): void {
    const field = this.count - 1
    this.kinds[field] = kind
    this.starts[field] = start
    this.ends[field] = end
  }

  setNumber(kind: ValueKind, value: number, start: number, end: number): void {
    this.setRange(kind, start, end)
    this.numbers[this.count - 1] = value
  }

  setWords(low: number, high: number, start: number, end: number): void {
    this.setRange(valueKind.wide, start, end)
    const at = (this.count - 1) * 2
    this.words[at] = low
    this.words[at + 1] = high
  }

  /** The int64 of a field of kind `wide`. */
  wide(field: number): bigint {
    const low = BigInt(this.words[field * 2] as number)
    const high = BigInt(this.words[field * 2 + 1] as number)
    return (high << 32n) | BigInt.asUintN(32, low)
  }

  /** Finds the text of a field of kind `string` or `escaped`: `textBytes` from `textStart` to `textEnd`, until the next call. */
  locateText(field: number): void {
    this.textBytes = this.bytes
    this.textStart = this.starts[field] as number
    this.textEnd = this.ends[field] as number
    if (this.kinds[field] !== valueKind.escaped) return
    this.#unescaped.clear()
    putUnescaped(this.#unescaped, this.bytes, this.textStart, this.textEnd)
    this.textBytes = this.#unescaped.bytes
    this.textStart = 0
    this.textEnd = this.#unescaped.length
  }

  /** The bytes of a field as text; for those that are ASCII, or UTF-8 as strings are. */
  slice(field: number): string {
    return textOf(this.bytes, this.starts[field] as number, this.ends[field] as number)
  }
}

export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString()
}

/** What both readers do: records one after the other, each onto the tape. */
export interface RecordReader {
  /** Reads the next record. `rejected` has a `failure`; both have `start` and `end`, the record's bytes in the body. */
  next(): 'record' | 'rejected' | 'end'
  readonly start: number
  readonly end: number
  readonly failure: Failure
}
