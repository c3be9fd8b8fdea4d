import { isUtf8 } from 'node:buffer'

import type { Failure } from './failure.ts'
import { instantOfEntry } from './fluent-reader.ts'
import type { Instant } from './instant.ts'
import { JsonRecordParser } from './json-records.ts'
import { JsonScalars } from './json-scalars.ts'
import { code, isOpening, JsonScanner, unreadable } from './json-scanner.ts'
import type { RecordReader, RecordTape } from './record-tape.ts'
import { ValueTape } from './value-tape.ts'

/** Whether a body of entries is JSON: as MessagePack its first byte would be a number, and no entry. */
export function isJsonOfEntries(bytes: Uint8Array): boolean {
  return bytes[0] === code.openArray
}

/**
 * Reads the entries of Fluentd's forward protocol from JSON: `[[time, {…}], …]`. Behind a broken entry it goes on where the entry
 * ends by its quotes and brackets; where there is no telling, the rest of the body is one rejected record.
 */
export class FluentJsonReader implements RecordReader {
  readonly #scanner: JsonScanner
  readonly #parser: JsonRecordParser
  readonly #time = new ValueTape(1)
  readonly #timeScalars: JsonScalars
  #at = 1
  #isFirst = true
  #isOver = false
  start = 0
  end = 0
  instant: Instant | undefined

  constructor(bytes: Uint8Array, tape: RecordTape, depthMax: number) {
    this.#scanner = new JsonScanner(bytes, true, isUtf8(bytes), depthMax)
    this.#parser = new JsonRecordParser(this.#scanner, tape)
    this.#timeScalars = new JsonScalars(this.#scanner, this.#time)
    this.#time.bytes = bytes
  }

  get failure(): Failure {
    return this.#scanner.failure
  }

  next(): 'record' | 'rejected' | 'end' {
    const scanner = this.#scanner
    const { bytes } = scanner
    if (this.#isOver) return 'end'
    let at = scanner.skipSpace(this.#at)
    this.start = at
    if (at >= bytes.length) {
      scanner.fail('truncated', 'the body ends before its array does')
      return this.#rejectRest()
    }
    if (bytes[at] === code.closeArray) return this.#close(at)
    if (!this.#isFirst) {
      if (bytes[at] !== code.comma) {
        scanner.unexpected(at, 'a comma or the end of the array')
        return this.#rejectRest()
      }
      at = scanner.skipSpace(at + 1)
    }
    this.#isFirst = false
    this.start = at
    const end = this.#entry(at)
    const { failure } = scanner
    this.end = end === unreadable && isOpening(bytes[at]) ? scanner.skipBroken(at) : end
    if (this.end === unreadable) return this.#rejectRest()
    scanner.failure = failure
    this.#at = this.end
    return end === unreadable ? 'rejected' : 'record'
  }

  #close(at: number): 'rejected' | 'end' {
    const { bytes } = this.#scanner
    this.start = this.#scanner.skipSpace(at + 1)
    this.#isOver = true
    if (this.start >= bytes.length) return 'end'
    this.#scanner.unexpected(this.start, 'the end of the body')
    return this.#rejectRest()
  }

  #rejectRest(): 'rejected' {
    this.end = this.#scanner.bytes.length
    this.#isOver = true
    return 'rejected'
  }

  #entry(start: number): number {
    const scanner = this.#scanner
    const { bytes } = scanner
    if (bytes[start] !== code.openArray)
      return scanner.fail('not_an_object', 'the entry is no array of a time and a record')
    const time = scanner.skipSpace(start + 1)
    if (isOpening(bytes[time])) return scanner.fail('time', 'the time of the entry is an array or an object')
    this.#time.count = 1
    const behind = this.#timeScalars.read(time)
    if (behind === unreadable) return unreadable
    const instant = instantOfEntry(this.#time)
    if (instant === 'none') return scanner.fail('time', `the time of the entry is no time: ${this.#time.slice(0)}`)
    this.instant = instant
    const comma = scanner.skipSpace(behind)
    if (bytes[comma] !== code.comma) return scanner.unexpected(comma, 'a comma and the record')
    const end = this.#parser.record(scanner.skipSpace(comma + 1))
    if (end === unreadable) return unreadable
    const close = scanner.skipSpace(end)
    return bytes[close] === code.closeArray ? close + 1 : scanner.unexpected(close, 'the end of the entry')
  }
}
