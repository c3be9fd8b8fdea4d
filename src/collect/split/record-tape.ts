import type { Failure } from './failure.ts'
import type { Instant } from './instant.ts'
import type { Key } from './key-table.ts'
import { KeyTable, undecided } from './key-table.ts'
import type { Lane } from './lane.ts'
import { ValueTape } from './value-tape.ts'

/**
 * The fields of one record, read and checked as a whole before anything of it goes into columns: a record that turns out
 * unreadable leaves no trace. Written anew by each record.
 */
export class RecordTape extends ValueTape {
  readonly keys: KeyTable
  /** How many of the keys have no column yet. */
  unknownCount = 0
  readonly fieldKeys: Key[] = []
  readonly tooManyKeys: string
  #record = 0
  #previousKey: Key

  constructor(fieldsMax: number) {
    super(fieldsMax)
    this.keys = new KeyTable(fieldsMax)
    this.tooManyKeys = `the bodies have more than ${fieldsMax} different keys`
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
}

/** What all readers do: records one after the other, each onto the tape. */
export interface RecordReader {
  /** Reads the next record. `rejected` has a `failure`; both have `start` and `end`, the record's bytes in the body. */
  next(): 'record' | 'rejected' | 'end'
  readonly start: number
  readonly end: number
  readonly failure: Failure
  /** The moment that stands beside the record and not in it, where the format has such a place. */
  readonly instant?: Instant | undefined
  /** Reads records into the lane, where the format has one: as many as are as it expects. */
  readLane?(lane: Lane): void
}
