import { ByteSink } from '../../base/parquet/byte-sink.ts'
import { putUnescaped } from './json-strings.ts'
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

/** Values as they were read, before they go into columns: flat arrays, in which each has a place. */
export class ValueTape {
  /** The body that starts and ends point into. */
  bytes: Uint8Array = new Uint8Array(0)
  /** For values of MessagePack; undefined where the body is JSON. */
  msgpack: MsgpackScanner | undefined
  /** Whether text in which JSON is written may fill nested columns: in formats that have no other way to say their values. */
  textMayBeNested = false
  count = 0
  kinds: Uint8Array
  starts: Uint32Array
  ends: Uint32Array
  numbers: Float64Array
  /** Two halves of an int64 for each value, the low one first. */
  words: Int32Array
  /** Where `locateText` found the bytes of a string. */
  textBytes: Uint8Array = this.bytes
  textStart = 0
  textEnd = 0
  readonly #unescaped = new ByteSink(64)

  constructor(capacity: number) {
    this.kinds = new Uint8Array(capacity)
    this.starts = new Uint32Array(capacity)
    this.ends = new Uint32Array(capacity)
    this.numbers = new Float64Array(capacity)
    this.words = new Int32Array(capacity * 2)
  }

  /** Sets the newest value to one that is known by where it lies. */
  setRange(kind: ValueKind, start: number, end: number): void {
    const place = this.count - 1
    this.kinds[place] = kind
    this.starts[place] = start
    this.ends[place] = end
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

  /** The int64 of a value of kind `wide`. */
  wide(place: number): bigint {
    const low = BigInt(this.words[place * 2] as number)
    const high = BigInt(this.words[place * 2 + 1] as number)
    return (high << 32n) | BigInt.asUintN(32, low)
  }

  /** Finds the text of a value of kind `string` or `escaped`: `textBytes` from `textStart` to `textEnd`, until the next call. */
  locateText(place: number): void {
    this.textBytes = this.bytes
    this.textStart = this.starts[place] as number
    this.textEnd = this.ends[place] as number
    if (this.kinds[place] !== valueKind.escaped) return
    this.#unescaped.clear()
    putUnescaped(this.#unescaped, this.bytes, this.textStart, this.textEnd)
    this.textBytes = this.#unescaped.bytes
    this.textStart = 0
    this.textEnd = this.#unescaped.length
  }

  /** The bytes of a value as text; for those that are ASCII, or UTF-8 as strings are. */
  slice(place: number): string {
    return textOf(this.bytes, this.starts[place] as number, this.ends[place] as number)
  }
}

export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString()
}
