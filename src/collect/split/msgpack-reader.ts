import type { Failure } from './failure.ts'
import { shown } from './json-records.ts'
import { hasKeyAt } from './key-table.ts'
import { MsgpackScalars } from './msgpack-scalars.ts'
import { MsgpackScanner, unreadable } from './msgpack-scanner.ts'
import type { RecordReader, RecordTape } from './record-tape.ts'
import { textOf, valueKind } from './value-tape.ts'
import { isUtf8Range } from './utf8.ts'

/**
 * Reads maps of MessagePack, one after the other or in an array. A record that is whole but cannot be kept leaves its
 * neighbours alone; where the encoding itself is broken, nothing tells where the next record begins, and the rest of the body is
 * one rejected record.
 */
export class MsgpackReader implements RecordReader {
  readonly #scanner: MsgpackScanner
  readonly #tape: RecordTape
  readonly #scalars: MsgpackScalars
  #at = 0
  /** Values of the array that are still to come. */
  #elements = 0
  start = 0
  end = 0

  constructor(bytes: Uint8Array, tape: RecordTape, depthMax: number) {
    this.#scanner = new MsgpackScanner(bytes, depthMax)
    this.#tape = tape
    this.#scalars = new MsgpackScalars(this.#scanner, tape)
    tape.bytes = bytes
    tape.msgpack = this.#scanner
  }

  get failure(): Failure {
    return this.#scanner.failure
  }

  next(): 'record' | 'rejected' | 'end' {
    const scanner = this.#scanner
    const { bytes } = scanner
    for (;;) {
      this.start = this.#at
      if (this.#at >= bytes.length) {
        if (this.#elements === 0) return 'end'
        scanner.fail('truncated', `the body ends before its array does: ${this.#elements} more values were announced`)
        return this.#rejectRest()
      }
      const at = scanner.header(this.#at)
      if (at === unreadable) return this.#rejectRest()
      if (scanner.family !== 'array' || this.#elements > 0) {
        if (this.#elements > 0) this.#elements -= 1
        return this.#record(at)
      }
      this.#elements = scanner.count
      this.#at = at
    }
  }

  #record(behindHeader: number): 'record' | 'rejected' {
    const scanner = this.#scanner
    const isMap = scanner.family === 'map'
    this.#tape.begin()
    const end = isMap ? this.#pairs(behindHeader, scanner.count) : unreadable
    if (!isMap) scanner.fail('not_an_object', `the record is of type ${scanner.family}, not a map`)
    const { failure } = scanner
    this.end = end === unreadable ? scanner.skip(this.start) : end
    if (this.end === unreadable) return this.#rejectRest()
    scanner.failure = failure
    this.#at = this.end
    return end === unreadable ? 'rejected' : 'record'
  }

  #rejectRest(): 'rejected' {
    this.end = this.#scanner.bytes.length
    this.#at = this.end
    this.#elements = 0
    return 'rejected'
  }

  #pairs(start: number, count: number): number {
    let at = start
    for (let pair = 0; pair < count; pair += 1) {
      at = this.#key(at)
      if (at === unreadable) return unreadable
      at = this.#value(at)
      if (at === unreadable) return unreadable
    }
    return at
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
