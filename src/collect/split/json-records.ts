import { ByteSink } from '../../base/parquet/byte-sink.ts'
import { readInt64Text } from './int64-text.ts'
import type { JsonScanner } from './json-scanner.ts'
import { code, isDigit, isExponentMark, isOpening, unreadable } from './json-scanner.ts'
import { hasUnpairedSurrogate, putUnescaped } from './json-strings.ts'
import { hasKeyAt } from './key-table.ts'
import type { RecordTape } from './record-tape.ts'
import { textOf, valueKind } from './record-tape.ts'

/** Powers of ten that doubles hold exactly. */
const exactPowers = Float64Array.from({ length: 23 }, (_, power) => Number(`1e${power}`))
/** Any number of so many digits is exact as an integer of a double, and comes back from the nearest double. */
const exactDigitsMax = 15

/** Reads one JSON object onto the tape: keys, and values as far as it takes to know what they are and where they end. */
export class JsonRecordParser {
  readonly scanner: JsonScanner
  readonly #bytes: Uint8Array
  readonly #tape: RecordTape
  readonly #words = new Int32Array(2)
  readonly #name = new ByteSink(64)
  /** Where the value ended that was no object. */
  otherEnd = 0

  constructor(scanner: JsonScanner, tape: RecordTape) {
    this.scanner = scanner
    this.#bytes = scanner.bytes
    this.#tape = tape
    tape.bytes = scanner.bytes
    tape.msgpack = undefined
  }

  /** Returns the place behind the record, or `unreadable` with the scanner's failure. */
  record(start: number): number {
    const { scanner } = this
    const bytes = this.#bytes
    this.#tape.begin()
    if (bytes[start] !== code.openObject) return this.#noObject(start)
    let at = scanner.skipSpace(start + 1)
    if (bytes[at] === code.closeObject) return at + 1
    for (;;) {
      at = this.#key(at)
      if (at === unreadable) return unreadable
      at = this.#value(at)
      if (at === unreadable) return unreadable
      if (bytes[at] !== code.comma) {
        at = scanner.skipSpace(at)
        if (bytes[at] === code.closeObject) return at + 1
        if (bytes[at] !== code.comma) return scanner.unexpected(at, 'a comma or the end of the object')
      }
      at = bytes[at + 1] === code.quote ? at + 1 : scanner.skipSpace(at + 1)
    }
  }

  #noObject(start: number): typeof unreadable {
    const { scanner } = this
    const isNested = isOpening(this.#bytes[start])
    const end = isNested ? scanner.nested(start, 0) : scanner.scalar(start)
    if (end === unreadable) return unreadable
    this.otherEnd = end
    return scanner.fail('not_an_object', `the record is ${isNested ? 'an array' : 'a single value'}, not an object`)
  }

  /** Reads a key and its colon, and puts the key onto the tape; `at` is its opening quote. */
  #key(at: number): number {
    const bytes = this.#bytes
    const expected = this.#tape.expectedKey
    if (expected !== undefined && expected.isComparable && bytes[at] === code.quote) {
      const end = at + 1 + expected.bytes.length
      if (bytes[end] === code.quote && hasKeyAt(this.scanner.view, at + 1, expected)) {
        if (!this.#tape.addField(expected)) return this.#duplicate(expected.name)
        if (bytes[end + 1] !== code.colon) return this.scanner.colon(end + 1)
        const value = bytes[end + 2] as number
        return value > code.space ? end + 2 : this.scanner.skipSpace(end + 2)
      }
    }
    return this.#unexpectedKey(at)
  }

  #unexpectedKey(at: number): number {
    const { scanner } = this
    if (this.#bytes[at] !== code.quote) return scanner.unexpected(at, 'a key')
    const end = scanner.string(at + 1)
    if (end === unreadable) return unreadable
    const name = this.#keyName(at + 1, end - 1)
    if (name === undefined) return scanner.fail('utf8', 'a key has half of a surrogate pair in it')
    const key = this.#tape.keys.find(name)
    if (key === undefined) return scanner.fail('too_many_columns', this.#tape.tooManyKeys)
    if (!this.#tape.addField(key)) return this.#duplicate(name)
    return scanner.colon(end)
  }

  #keyName(start: number, end: number): string | undefined {
    if (!this.scanner.sawEscape) return textOf(this.#bytes, start, end)
    if (hasUnpairedSurrogate(this.#bytes, start, end)) return undefined
    this.#name.clear()
    putUnescaped(this.#name, this.#bytes, start, end)
    return textOf(this.#name.bytes, 0, this.#name.length)
  }

  #duplicate(name: string): typeof unreadable {
    return this.scanner.fail('duplicate_key', `the record has the key ${shown(name)} twice`)
  }

  #value(at: number): number {
    const { scanner } = this
    const tape = this.#tape
    const found = this.#bytes[at] as number
    if (found === code.quote) return this.#string(at)
    if (isDigit(found) || found === code.minus) return this.#number(at)
    if (isOpening(found)) {
      scanner.sawSurrogate = false
      const end = scanner.nested(at, 1)
      if (end !== unreadable) {
        const isUnpaired = scanner.sawSurrogate && hasUnpairedSurrogate(this.#bytes, at, end)
        tape.setRange(isUnpaired ? valueKind.unpaired : valueKind.nested, at, end)
      }
      return end
    }
    const end = scanner.scalar(at)
    if (end !== unreadable) {
      const kind = found === 0x74 ? valueKind.true : found === 0x66 ? valueKind.false : valueKind.null
      tape.setRange(kind, at, end)
    }
    return end
  }

  #string(at: number): number {
    const { scanner } = this
    scanner.sawSurrogate = false
    const end = scanner.string(at + 1)
    if (end === unreadable) return unreadable
    if (!scanner.sawEscape) this.#tape.setRange(valueKind.string, at + 1, end - 1)
    else if (scanner.sawSurrogate && hasUnpairedSurrogate(this.#bytes, at + 1, end - 1)) {
      this.#tape.setRange(valueKind.unpaired, at, end)
    } else this.#tape.setRange(valueKind.escaped, at + 1, end - 1)
    return end
  }

  /** Integers of few digits, which are most numbers, are read here; others by and by. */
  #number(start: number): number {
    const bytes = this.#bytes
    const isNegative = bytes[start] === code.minus
    const first = isNegative ? start + 1 : start
    let at = first
    let size = 0
    for (; isDigit(bytes[at]); at += 1) size = size * 10 + ((bytes[at] as number) - code.zero)
    const digits = at - first
    if (digits === 0 || (bytes[first] === code.zero && digits > 1)) {
      return this.scanner.unexpected(digits === 0 ? at : first + 1, digits === 0 ? 'a digit' : 'the end of a number')
    }
    if (bytes[at] === code.dot || isExponentMark(bytes[at])) return this.#fraction(start, first, at)
    if (digits <= exactDigitsMax) this.#tape.setNumber(valueKind.integer, isNegative ? -size : size, start, at)
    else if (readInt64Text(bytes, start, at, this.#words)) {
      this.#tape.setWords(this.#words[0] as number, this.#words[1] as number, start, at)
    } else this.#tape.setRange(valueKind.huge, start, at)
    return at
  }

  /**
   * A number with a fraction or an exponent. Where its digits and its power of ten are both exact as doubles, one division
   * or multiplication rounds to the nearest double (Clinger 1990, the fast path), and the shortest text of that is the number.
   */
  #fraction(start: number, first: number, point: number): number {
    const bytes = this.#bytes
    const end = this.scanner.number(start)
    if (end === unreadable) return unreadable
    let size = 0
    let places = 0
    let at = first
    for (; at < end && !isExponentMark(bytes[at]); at += 1) {
      if (bytes[at] !== code.dot) size = size * 10 + ((bytes[at] as number) - code.zero)
    }
    if (bytes[point] === code.dot) places = at - point - 1
    const power = (at < end ? Number(textOf(bytes, at + 1, end)) : 0) - places
    const isExact = at - first - (places > 0 ? 1 : 0) <= exactDigitsMax && Math.abs(power) < exactPowers.length
    if (!isExact) {
      this.#tape.setRange(valueKind.digits, start, end)
      return end
    }
    const scale = exactPowers[Math.abs(power)] as number
    const value = power < 0 ? size / scale : size * scale
    this.#tape.setNumber(valueKind.float, bytes[start] === code.minus ? -value : value, start, end)
    return end
  }
}

export function shown(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name)
}
