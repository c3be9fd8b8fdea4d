import type { Failure } from './failure.ts'
import type { Lane } from './lane.ts'
import { MsgpackFields } from './msgpack-fields.ts'
import { readMsgpackLane } from './msgpack-lane.ts'
import { MsgpackScanner, unreadable } from './msgpack-scanner.ts'
import type { RecordReader, RecordTape } from './record-tape.ts'

/**
 * Reads maps of MessagePack, one after the other or in an array. A record that is whole but cannot be kept leaves its
 * neighbours alone; where the encoding itself is broken, nothing tells where the next record begins, and the rest of the body is
 * one rejected record.
 */
export class MsgpackReader implements RecordReader {
  readonly #scanner: MsgpackScanner
  readonly #tape: RecordTape
  readonly #fields: MsgpackFields
  #at = 0
  /** Values of the array that are still to come. */
  #elements = 0
  start = 0
  end = 0

  constructor(bytes: Uint8Array, tape: RecordTape, depthMax: number) {
    this.#scanner = new MsgpackScanner(bytes, depthMax)
    this.#tape = tape
    this.#fields = new MsgpackFields(this.#scanner, tape)
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

  readLane(lane: Lane): void {
    const { bytes, view } = this.#scanner
    lane.open(bytes, view)
    const rowsMax = this.#elements > 0 ? this.#elements : Infinity
    this.#at = lane.readNative('msgpack', this.#at, rowsMax) ?? readMsgpackLane(lane, this.#at, rowsMax)
    if (this.#elements > 0) this.#elements -= lane.rows
  }

  #record(behindHeader: number): 'record' | 'rejected' {
    const scanner = this.#scanner
    const isMap = scanner.family === 'map'
    this.#tape.begin()
    const end = isMap ? this.#fields.pairs(behindHeader, scanner.count) : unreadable
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
}
