import type { Failure } from './failure.ts'
import type { Instant } from './instant.ts'
import { MsgpackFields } from './msgpack-fields.ts'
import { MsgpackScalars } from './msgpack-scalars.ts'
import { MsgpackScanner, unreadable } from './msgpack-scanner.ts'
import type { RecordReader, RecordTape } from './record-tape.ts'
import { instantOfField } from './time.ts'
import { ValueTape, textOf, valueKind } from './value-tape.ts'

/** The column of what Fluent Bit says about a record, where it says something. */
const metadataName = '_metadata'

/**
 * Fluent Bit begins and ends a group of records with an entry of the time -1 or -2, in the unsigned seconds of an EventTime.
 * Such an entry says something about others, and is no record.
 */
const markerSecondsMin = 2 ** 32 - 2

/**
 * The moment of an entry, whose time is the only value of the tape; `none` where it is no time. Senders that do not know it say 0 or
 * nil (forward protocol v1, “Server”): undefined, which means that of receipt.
 */
export function instantOfEntry(time: ValueTape): Instant | 'none' | undefined {
  if (time.kinds[0] === valueKind.null) return undefined
  const instant = instantOfField(time, 0)
  if (instant === undefined) return 'none'
  return instant.seconds === 0 ? undefined : instant
}

/**
 * Reads the entries of Fluentd's forward protocol (v1, “Forward Mode”), one after the other: `[time, record]`, or
 * `[[time, metadata], record]` as Fluent Bit sends them. As in other bodies of MessagePack, an entry that is whole but cannot be
 * kept leaves its neighbours alone.
 */
export class FluentReader implements RecordReader {
  readonly #scanner: MsgpackScanner
  readonly #tape: RecordTape
  readonly #fields: MsgpackFields
  /** The time of the entry, read like the value of a key `time`. */
  readonly #time = new ValueTape(1)
  readonly #timeScalars: MsgpackScalars
  #at = 0
  start = 0
  end = 0
  instant: Instant | undefined

  constructor(bytes: Uint8Array, tape: RecordTape, depthMax: number) {
    this.#scanner = new MsgpackScanner(bytes, depthMax)
    this.#tape = tape
    this.#fields = new MsgpackFields(this.#scanner, tape)
    this.#timeScalars = new MsgpackScalars(this.#scanner, this.#time)
    this.#time.bytes = bytes
    this.#time.msgpack = this.#scanner
  }

  get failure(): Failure {
    return this.#scanner.failure
  }

  next(): 'record' | 'rejected' | 'end' {
    const scanner = this.#scanner
    this.start = this.#at
    if (this.#at >= scanner.bytes.length) return 'end'
    const end = this.#entry()
    const { failure } = scanner
    this.end = end === unreadable ? scanner.skip(this.start) : end
    if (this.end === unreadable) this.end = scanner.bytes.length
    else scanner.failure = failure
    this.#at = this.end
    return end === unreadable ? 'rejected' : 'record'
  }

  #entry(): number {
    const scanner = this.#scanner
    this.#tape.begin()
    const time = this.#pair(this.start, 'the entry', '[time, record]')
    if (time === unreadable) return unreadable
    const record = this.#timeAndMetadata(time)
    if (record === unreadable) return unreadable
    const behind = scanner.header(record)
    if (behind === unreadable) return unreadable
    if (scanner.family === 'map') return this.#fields.pairs(behind, scanner.count)
    return scanner.fail('not_an_object', `the record is of type ${scanner.family}, not a map`)
  }

  /** The place of the first of two values in an array. */
  #pair(at: number, what: string, shape: string): number {
    const scanner = this.#scanner
    const behind = scanner.header(at)
    if (behind === unreadable) return unreadable
    if (scanner.family === 'array' && scanner.count === 2) return behind
    const found = scanner.family === 'array' ? `an array of ${scanner.count}` : `of type ${scanner.family}`
    return scanner.fail('not_an_object', `${what} is ${found}, not ${shape}`)
  }

  /** Returns the place of the record. */
  #timeAndMetadata(at: number): number {
    const scanner = this.#scanner
    if (scanner.header(at) === unreadable) return unreadable
    if (scanner.family !== 'array') return this.#readTime(at)
    const time = this.#pair(at, 'the time', '[time, metadata]')
    if (time === unreadable) return unreadable
    const metadata = this.#readTime(time)
    if (metadata === unreadable) return unreadable
    return this.#metadata(metadata)
  }

  /** Returns the place behind the metadata, which mostly is empty. */
  #metadata(at: number): number {
    const scanner = this.#scanner
    const behind = scanner.header(at)
    if (behind === unreadable) return unreadable
    const isEmpty = scanner.family === 'nil' || (scanner.family === 'map' && scanner.count === 0)
    return isEmpty ? behind : this.#fields.named(metadataName, at)
  }

  /** Returns the place behind the time. */
  #readTime(at: number): number {
    const scanner = this.#scanner
    const time = this.#time
    const behind = scanner.header(at)
    if (behind === unreadable) return unreadable
    if (scanner.family === 'array' || scanner.family === 'map') {
      return scanner.fail('time', `the time of the entry is of type ${scanner.family}`)
    }
    time.count = 1
    const end = this.#timeScalars.put(at, behind)
    if (end === unreadable) return unreadable
    const instant = instantOfEntry(time)
    if (instant === 'none') return scanner.fail('time', `the time of the entry is no time: ${this.#shownTime()}`)
    if (time.kinds[0] === valueKind.timestamp && instant !== undefined && instant.seconds >= markerSecondsMin) {
      return scanner.fail('time', 'the entry is a mark of Fluent Bit around a group of records, and no record')
    }
    this.instant = instant
    return end
  }

  #shownTime(): string {
    const { bytes, starts, ends, kinds } = this.#time
    const start = starts[0] as number
    const end = Math.min(ends[0] as number, start + 100)
    if (kinds[0] === valueKind.string) return textOf(bytes, start, end)
    return `0x${Buffer.from(bytes.subarray(start, end)).toString('hex')}`
  }
}
