import { isUtf8 } from 'node:buffer'

import type { Failure } from './failure.ts'
import { readJsonLane } from './json-lane.ts'
import { JsonRecordParser } from './json-records.ts'
import { code, isClosing, isOpening, JsonScanner, unreadable } from './json-scanner.ts'
import type { Lane } from './lane.ts'
import type { RecordReader, RecordTape } from './record-tape.ts'

/** Where the text begins: behind a byte order mark, if there is one. */
function textStart(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
}

/**
 * Reads lines of JSON objects. Lines end with LF or CRLF, blank ones are skipped, the last may lack its end. What is wrong in
 * one line concerns that line alone.
 */
export class NdjsonReader implements RecordReader {
  readonly #parser: JsonRecordParser
  readonly #scanner: JsonScanner
  readonly #isUtf8: boolean
  #at: number
  start = 0
  end = 0

  constructor(bytes: Uint8Array, tape: RecordTape, depthMax: number) {
    this.#isUtf8 = isUtf8(bytes)
    this.#scanner = new JsonScanner(bytes, false, this.#isUtf8, depthMax)
    this.#parser = new JsonRecordParser(this.#scanner, tape)
    this.#at = textStart(bytes)
  }

  get failure(): Failure {
    return this.#scanner.failure
  }

  next(): 'record' | 'rejected' | 'end' {
    const { bytes } = this.#scanner
    this.start = this.#skipBlankLines(this.#at)
    if (this.start >= bytes.length) return 'end'
    const end = this.#parser.record(this.start)
    if (end !== unreadable) {
      const after = this.#scanner.skipSpace(end)
      if (after >= bytes.length || bytes[after] === code.lineFeed) {
        this.end = end
        this.#at = after + 1
        return 'record'
      }
      this.#scanner.unexpected(after, 'the end of the line')
    }
    const lineEnd = bytes.indexOf(code.lineFeed, this.start)
    this.end = lineEnd === -1 ? bytes.length : lineEnd
    this.#at = this.end + 1
    if (bytes[this.end - 1] === code.carriageReturn) this.end -= 1
    return 'rejected'
  }

  readLane(lane: Lane): void {
    const { bytes, view } = this.#scanner
    lane.open(bytes, view)
    if (this.#isUtf8) this.#at = lane.readNative('json', this.#at) ?? readJsonLane(lane, this.#at)
  }

  #skipBlankLines(start: number): number {
    const { bytes } = this.#scanner
    let at = this.#scanner.skipSpace(start)
    while (bytes[at] === code.lineFeed) at = this.#scanner.skipSpace(at + 1)
    return at
  }
}

/**
 * Reads a JSON document of records: an object, an array of objects, or several of these one after the other. Behind a broken
 * record the reader goes on where the record ends by its quotes and brackets, if what follows there is what may follow a
 * record; else the rest of the body is one rejected record.
 */
export class JsonReader implements RecordReader {
  readonly #parser: JsonRecordParser
  readonly #scanner: JsonScanner
  #at: number
  #place: 'outside' | 'array start' | 'array' | 'behind element' = 'outside'
  start = 0
  end = 0

  constructor(bytes: Uint8Array, tape: RecordTape, depthMax: number) {
    this.#scanner = new JsonScanner(bytes, true, isUtf8(bytes), depthMax)
    this.#parser = new JsonRecordParser(this.#scanner, tape)
    this.#at = textStart(bytes)
  }

  /** Begins with another body: of single events each is one, and a reader for each took more than to read it. */
  reopen(bytes: Uint8Array): this {
    this.#scanner.reopen(bytes, isUtf8(bytes))
    this.#parser.reopen()
    this.#at = textStart(bytes)
    this.#place = 'outside'
    return this
  }

  get failure(): Failure {
    return this.#scanner.failure
  }

  next(): 'record' | 'rejected' | 'end' {
    const scanner = this.#scanner
    const { bytes } = scanner
    for (;;) {
      const at = scanner.skipSpace(this.#at)
      this.start = at
      if (at >= bytes.length) {
        if (this.#place === 'outside') return 'end'
        scanner.fail('truncated', 'the body ends before its array does')
        return this.#rejectRest()
      }
      if (this.#place === 'outside' && bytes[at] === code.openArray) this.#place = 'array start'
      else if (this.#place === 'array start' && bytes[at] === code.closeArray) this.#place = 'outside'
      else if (this.#place === 'behind element' && bytes[at] === code.closeArray) this.#place = 'outside'
      else if (this.#place === 'behind element') {
        if (bytes[at] !== code.comma) {
          scanner.unexpected(at, 'a comma or the end of the array')
          return this.#rejectRest()
        }
        this.#place = 'array'
      } else return this.#record(at)
      this.#at = at + 1
    }
  }

  #record(start: number): 'record' | 'rejected' {
    const end = this.#parser.record(start)
    if (end === unreadable && !this.#skipBroken(start)) return this.#rejectRest()
    if (end !== unreadable) this.end = end
    this.#at = this.end
    if (this.#place !== 'outside') this.#place = 'behind element'
    return end === unreadable ? 'rejected' : 'record'
  }

  /** Finds the end of a broken record; false where there is no telling. */
  #skipBroken(start: number): boolean {
    const { bytes } = this.#scanner
    const end = this.#brokenEnd(start)
    if (end === unreadable) return false
    const next = bytes[this.#scanner.skipSpace(end)]
    this.end = end
    if (this.#place === 'outside') return next === undefined || isOpening(next)
    return next === code.comma || next === code.closeArray
  }

  #brokenEnd(start: number): number {
    if (this.failure.reason === 'not_an_object') return this.#parser.otherEnd
    return isOpening(this.#scanner.bytes[start]) ? this.#scanner.skipBroken(start) : this.#skipWord(start)
  }

  /** What is no array and no object ends at the next space or mark; it has at least one byte. */
  #skipWord(start: number): number {
    const { bytes } = this.#scanner
    let at = start + 1
    for (; at < bytes.length; at += 1) {
      const found = bytes[at] as number
      if (found <= code.space || found === code.comma || isOpening(found) || isClosing(found)) return at
    }
    return at
  }

  #rejectRest(): 'rejected' {
    this.end = this.#scanner.bytes.length
    this.#at = this.end
    this.#place = 'outside'
    return 'rejected'
  }
}
