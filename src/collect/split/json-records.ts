import { ByteSink } from '../../base/parquet/byte-sink.ts'
import { JsonScalars } from './json-scalars.ts'
import type { JsonScanner } from './json-scanner.ts'
import { code, isOpening, unreadable } from './json-scanner.ts'
import { hasUnpairedSurrogate, putUnescaped } from './json-strings.ts'
import { hasKeyAt } from './key-table.ts'
import type { RecordTape } from './record-tape.ts'
import { textOf, valueKind } from './value-tape.ts'

/** Reads one JSON object onto the tape: keys, and values as far as it takes to know what they are and where they end. */
export class JsonRecordParser {
  readonly scanner: JsonScanner
  #bytes: Uint8Array
  readonly #tape: RecordTape
  readonly #scalars: JsonScalars
  readonly #name = new ByteSink(64)
  /** Where the value ended that was no object. */
  otherEnd = 0

  constructor(scanner: JsonScanner, tape: RecordTape) {
    this.scanner = scanner
    this.#bytes = scanner.bytes
    this.#tape = tape
    this.#scalars = new JsonScalars(scanner, tape)
    tape.bytes = scanner.bytes
    tape.msgpack = undefined
  }

  /** Goes on with what the scanner has now. */
  reopen(): void {
    const { bytes } = this.scanner
    this.#bytes = bytes
    this.#scalars.reopen()
    this.#tape.bytes = bytes
    this.#tape.msgpack = undefined
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
    if (!isOpening(this.#bytes[at])) return this.#scalars.read(at)
    scanner.sawSurrogate = false
    const end = scanner.nested(at, 1)
    if (end === unreadable) return unreadable
    const isUnpaired = scanner.sawSurrogate && hasUnpairedSurrogate(this.#bytes, at, end)
    tape.setRange(isUnpaired ? valueKind.unpaired : valueKind.nested, at, end)
    return end
  }
}

export function shown(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name)
}
