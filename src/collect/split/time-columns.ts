import type { Memory } from '../../base/kept-memory.ts'
import type { ColumnWriter } from './column-writers.ts'
import type { Instant } from './instant.ts'
import { isWholeInMicros } from './instant.ts'
import type { SplitColumn } from './splitter.ts'
import { Int64Builder } from './vector-builders.ts'

/** Builds `time` and `time_us`. As the writer of the key `time` it says whether the columns hold all that the key said. */
export class TimeColumns implements ColumnWriter {
  readonly #seconds: Int64Builder
  readonly #micros: Int64Builder
  #isWhole = true

  constructor(memory: Memory) {
    this.#seconds = new Int64Builder(memory)
    this.#micros = new Int64Builder(memory)
  }

  put(row: number, instant: Instant): void {
    const micros = Math.floor(instant.nanoseconds / 1000)
    this.#seconds.setNumber(row, instant.seconds)
    if (micros > 0) this.#micros.setMicros(row, instant.seconds, micros)
    this.#isWhole = isWholeInMicros(instant)
  }

  /** A time without a fraction of a second. */
  putSeconds(row: number, seconds: number): void {
    this.#seconds.setNumber(row, seconds)
    this.#isWhole = true
  }

  /** Times of consecutive rows, without fractions, as words of whole numbers. */
  putManySeconds(row: number, words: Int32Array, rows: number, growth: number): void {
    this.#seconds.setMany(row, words, rows, growth)
    this.#isWhole = true
  }

  take(): boolean {
    return this.#isWhole
  }

  finish(rows: number): SplitColumn[] {
    const time: SplitColumn = { name: 'time', type: { kind: 'bigint' }, vector: this.#seconds.finish(rows) }
    if (!this.#micros.hasValues) return [time]
    return [time, { name: 'time_us', type: { kind: 'bigint' }, vector: this.#micros.finish(rows) }]
  }
}
