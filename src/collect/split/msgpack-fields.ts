import { shown } from './json-records.ts'
import { hasKeyAt } from './key-table.ts'
import { MsgpackScalars } from './msgpack-scalars.ts'
import type { MsgpackScanner } from './msgpack-scanner.ts'
import { unreadable } from './msgpack-scanner.ts'
import type { RecordTape } from './record-tape.ts'
import { isUtf8Range } from './utf8.ts'
import { textOf, valueKind } from './value-tape.ts'

/** Reads the pairs of a map onto the tape: keys, and values as far as it takes to know what they are and where they end. */
export class MsgpackFields {
  readonly #scanner: MsgpackScanner
  readonly #tape: RecordTape
  readonly #scalars: MsgpackScalars

  constructor(scanner: MsgpackScanner, tape: RecordTape) {
    this.#scanner = scanner
    this.#tape = tape
    this.#scalars = new MsgpackScalars(scanner, tape)
    tape.bytes = scanner.bytes
    tape.msgpack = scanner
  }

  /** Returns the place behind the pairs that begin at `start`, or `unreadable` with the scanner's failure. */
  pairs(start: number, count: number): number {
    let at = start
    for (let pair = 0; pair < count; pair += 1) {
      at = this.#key(at)
      if (at === unreadable) return unreadable
      at = this.#value(at)
      if (at === unreadable) return unreadable
    }
    return at
  }

  /** Puts the value at `at` onto the tape under a name that does not stand before it. Returns the place behind it. */
  named(name: string, at: number): number {
    const key = this.#tape.keys.find(name)
    if (key === undefined) return this.#scanner.fail('too_many_columns', this.#tape.tooManyKeys)
    return this.#tape.addField(key) ? this.#value(at) : this.#duplicate(name)
  }

  #key(at: number): number {
    const scanner = this.#scanner
    const tape = this.#tape
    const behind = scanner.header(at)
    if (behind === unreadable) return unreadable
    const { start, end, family } = scanner
    if (family !== 'str' && family !== 'bin') {
      return scanner.fail('column_name', `a key is of type ${family}, not a string`)
    }
    const expected = tape.expectedKey
    if (expected?.isComparable && expected.bytes.length === end - start && hasKeyAt(scanner.view, start, expected)) {
      return tape.addField(expected) ? behind : this.#duplicate(expected.name)
    }
    if (!isUtf8Range(scanner.bytes, start, end)) return scanner.fail('utf8', 'a key has bytes that are not UTF-8')
    const name = textOf(scanner.bytes, start, end)
    const key = tape.keys.find(name)
    if (key === undefined) return scanner.fail('too_many_columns', tape.tooManyKeys)
    return tape.addField(key) ? behind : this.#duplicate(name)
  }

  #duplicate(name: string): typeof unreadable {
    return this.#scanner.fail('duplicate_key', `the record has the key ${shown(name)} twice`)
  }

  #value(at: number): number {
    const scanner = this.#scanner
    const behind = scanner.header(at)
    if (behind === unreadable) return unreadable
    if (scanner.family !== 'map' && scanner.family !== 'array') return this.#scalars.put(at, behind)
    const close = scanner.nested(behind, 1)
    if (close !== unreadable) this.#tape.setRange(valueKind.nested, at, close)
    return close
  }
}
