import type { Memory } from '../../base/kept-memory.ts'
import { freshMemory } from '../../base/kept-memory.ts'
import { ByteSink } from '../../base/parquet/byte-sink.ts'
import type { Vector } from '../../base/parquet/vectors.ts'

/**
 * Builders of vectors. Rows are set in ascending order; rows that are not set are null. `finish` gives views of what was
 * built, padded with nulls to `rows`.
 */
export interface VectorBuilder {
  /** Whether any row was set. */
  readonly hasValues: boolean
  /** Takes back what was set in the rows from `from` up to `to`, of which the last one set is the last of all. */
  clear(from: number, to: number): void
  finish(rows: number): Vector
}

/** What tells the values of a builder apart: equal values have equal cells. */
export type Cell = number | bigint | string

/** A builder of values with nothing inside of them. */
export interface ScalarBuilder extends VectorBuilder {
  /** Of a row that was set. */
  cell(row: number): Cell
}

const firstCapacity = 1024
const two32 = 4_294_967_296

function capacityFor(row: number, capacity: number): number {
  return Math.max(row + 1, capacity * 2, firstCapacity)
}

/** As `capacityFor`, where `growth` times as many rows as there are up to `end` are expected in all. */
function capacityExpected(end: number, capacity: number, growth: number): number {
  return Math.max(capacityFor(end, capacity), Math.ceil(end * growth))
}

export class Int64Builder implements ScalarBuilder {
  #valid = new Uint8Array(0)
  /** Two words a row, the low one first: numbers are written without making BigInts of them. */
  #words = new Int32Array(0)
  hasValues = false
  readonly #memory: Memory

  constructor(memory = freshMemory) {
    this.#memory = memory
  }

  /** A whole number of at most 2^53. */
  setNumber(row: number, value: number): void {
    const low = value | 0
    this.setWords(row, low, low === value ? low >> 31 : Math.floor(value / two32) | 0)
  }

  setBigInt(row: number, value: bigint): void {
    this.setWords(row, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)))
  }

  /** Microseconds since the epoch, of seconds and the microseconds behind them. */
  setMicros(row: number, seconds: number, micros: number): void {
    const sum = seconds * 1e6 + micros
    if (Number.isSafeInteger(sum)) this.setNumber(row, sum)
    else this.setBigInt(row, BigInt(seconds) * 1_000_000n + BigInt(micros))
  }

  setWords(row: number, low: number, high: number): void {
    if (row >= this.#valid.length) this.#grow(capacityFor(row, this.#valid.length))
    this.#valid[row] = 1
    this.#words[row * 2] = low
    this.#words[row * 2 + 1] = high
    this.hasValues = true
  }

  /** Values of consecutive rows; `growth` times as many as with them are expected in all. */
  setMany(row: number, words: Int32Array, rows: number, growth: number): void {
    const end = row + rows
    if (end > this.#valid.length) this.#grow(capacityExpected(end, this.#valid.length, growth))
    this.#valid.fill(1, row, end)
    this.#words.set(words.subarray(0, rows * 2), row * 2)
    this.hasValues = true
  }

  #grow(capacity: number): void {
    this.#valid = grown(this.#valid, new Uint8Array(this.#memory.take(capacity), 0, capacity))
    this.#words = grown(this.#words, new Int32Array(this.#memory.take(capacity * 8), 0, capacity * 2))
  }

  cell(row: number): Cell {
    const [low, high] = [this.#words[row * 2] as number, this.#words[row * 2 + 1] as number]
    return (BigInt(high) << 32n) | BigInt.asUintN(32, BigInt(low))
  }

  clear(from: number, to: number): void {
    this.#valid.fill(0, from, to)
    this.#words.fill(0, from * 2, to * 2)
  }

  finish(rows: number): Vector {
    if (this.#valid.length < rows) this.#grow(rows)
    return {
      kind: 'int64',
      valid: this.#valid.subarray(0, rows),
      values: new BigInt64Array(this.#words.buffer, 0, rows),
    }
  }
}

export class Int32Builder implements ScalarBuilder {
  #valid = new Uint8Array(0)
  #values = new Int32Array(0)
  hasValues = false
  readonly #memory: Memory

  constructor(memory = freshMemory) {
    this.#memory = memory
  }

  set(row: number, value: number): void {
    if (row >= this.#valid.length) this.#grow(capacityFor(row, this.#valid.length))
    this.#valid[row] = 1
    this.#values[row] = value
    this.hasValues = true
  }

  #grow(capacity: number): void {
    this.#valid = grown(this.#valid, new Uint8Array(this.#memory.take(capacity), 0, capacity))
    this.#values = grown(this.#values, new Int32Array(this.#memory.take(capacity * 4), 0, capacity))
  }

  cell(row: number): Cell {
    return this.#values[row] as number
  }

  clear(from: number, to: number): void {
    this.#valid.fill(0, from, to)
    this.#values.fill(0, from, to)
  }

  finish(rows: number): Vector {
    if (this.#valid.length < rows) this.#grow(rows)
    return { kind: 'int32', valid: this.#valid.subarray(0, rows), values: this.#values.subarray(0, rows) }
  }
}

export class DoubleBuilder implements ScalarBuilder {
  #valid = new Uint8Array(0)
  #values = new Float64Array(0)
  hasValues = false
  readonly #memory: Memory

  constructor(memory = freshMemory) {
    this.#memory = memory
  }

  set(row: number, value: number): void {
    if (row >= this.#valid.length) this.#grow(capacityFor(row, this.#valid.length))
    this.#valid[row] = 1
    this.#values[row] = value
    this.hasValues = true
  }

  /** As the one of `Int64Builder`. */
  setMany(row: number, values: Float64Array, rows: number, growth: number): void {
    const end = row + rows
    if (end > this.#valid.length) this.#grow(capacityExpected(end, this.#valid.length, growth))
    this.#valid.fill(1, row, end)
    this.#values.set(values.subarray(0, rows), row)
    this.hasValues = true
  }

  #grow(capacity: number): void {
    this.#valid = grown(this.#valid, new Uint8Array(this.#memory.take(capacity), 0, capacity))
    this.#values = grown(this.#values, new Float64Array(this.#memory.take(capacity * 8), 0, capacity))
  }

  cell(row: number): Cell {
    return this.#values[row] as number
  }

  clear(from: number, to: number): void {
    this.#valid.fill(0, from, to)
    this.#values.fill(0, from, to)
  }

  finish(rows: number): Vector {
    if (this.#valid.length < rows) this.#grow(rows)
    return { kind: 'double', valid: this.#valid.subarray(0, rows), values: this.#values.subarray(0, rows) }
  }
}

export class BooleanBuilder implements ScalarBuilder {
  #valid = new Uint8Array(0)
  #values = new Uint8Array(0)
  hasValues = false
  readonly #memory: Memory

  constructor(memory = freshMemory) {
    this.#memory = memory
  }

  set(row: number, value: boolean): void {
    if (row >= this.#valid.length) this.#grow(capacityFor(row, this.#valid.length))
    this.#valid[row] = 1
    this.#values[row] = value ? 1 : 0
    this.hasValues = true
  }

  /** As the one of `Int64Builder`. */
  setMany(row: number, values: Uint8Array, rows: number, growth: number): void {
    const end = row + rows
    if (end > this.#valid.length) this.#grow(capacityExpected(end, this.#valid.length, growth))
    this.#valid.fill(1, row, end)
    this.#values.set(values.subarray(0, rows), row)
    this.hasValues = true
  }

  #grow(capacity: number): void {
    this.#valid = grown(this.#valid, new Uint8Array(this.#memory.take(capacity), 0, capacity))
    this.#values = grown(this.#values, new Uint8Array(this.#memory.take(capacity), 0, capacity))
  }

  cell(row: number): Cell {
    return this.#values[row] as number
  }

  clear(from: number, to: number): void {
    this.#valid.fill(0, from, to)
    this.#values.fill(0, from, to)
  }

  finish(rows: number): Vector {
    if (this.#valid.length < rows) this.#grow(rows)
    return { kind: 'boolean', valid: this.#valid.subarray(0, rows), values: this.#values.subarray(0, rows) }
  }
}

/** Big-endian two's complement numbers of 16 bytes, Parquet's form of decimals of more than 18 digits. */
export class Int128Builder implements ScalarBuilder {
  #valid = new Uint8Array(0)
  #data = new DataView(new ArrayBuffer(0))
  hasValues = false
  readonly #memory: Memory

  constructor(memory = freshMemory) {
    this.#memory = memory
  }

  set(row: number, value: bigint): void {
    if (row >= this.#valid.length) this.#grow(capacityFor(row, this.#valid.length))
    this.#valid[row] = 1
    this.#data.setBigInt64(row * 16, value >> 64n)
    this.#data.setBigUint64(row * 16 + 8, BigInt.asUintN(64, value))
    this.hasValues = true
  }

  #grow(capacity: number): void {
    this.#valid = grown(this.#valid, new Uint8Array(this.#memory.take(capacity), 0, capacity))
    const bytes = new Uint8Array(this.#memory.take(capacity * 16), 0, capacity * 16)
    grown(bytesOf(this.#data), bytes)
    this.#data = new DataView(bytes.buffer, 0, bytes.length)
  }

  cell(row: number): Cell {
    return (this.#data.getBigInt64(row * 16) << 64n) | this.#data.getBigUint64(row * 16 + 8)
  }

  clear(from: number, to: number): void {
    this.#valid.fill(0, from, to)
    bytesOf(this.#data).fill(0, from * 16, to * 16)
  }

  finish(rows: number): Vector {
    if (this.#valid.length < rows) this.#grow(rows)
    const data = new Uint8Array(this.#data.buffer, 0, rows * 16)
    return { kind: 'fixed', valid: this.#valid.subarray(0, rows), width: 16, data }
  }
}

export class BytesBuilder implements ScalarBuilder {
  #valid = new Uint8Array(0)
  /** Where the value of each row ends, one place further on: those of rows before `#nextRow` are known. */
  #offsets = new Uint32Array(1)
  #nextRow = 0
  readonly #sink: ByteSink
  readonly #memory: Memory

  constructor(memory = freshMemory) {
    this.#sink = new ByteSink(firstCapacity, memory)
    this.#memory = memory
  }

  get hasValues(): boolean {
    return this.#nextRow > 0
  }

  setRange(row: number, bytes: Uint8Array, start: number, end: number): void {
    this.start(row).appendRange(bytes, start, end)
    this.end(row)
  }

  /** As the one of `Int64Builder`: values that lie one behind the other up to `ends`. */
  setMany(row: number, text: Uint8Array, ends: Uint32Array, rows: number, growth: number): void {
    const end = row + rows
    if (end > this.#valid.length) this.#grow(capacityExpected(end, this.#valid.length, growth))
    this.#skipTo(row)
    const before = this.#sink.length
    const length = ends[rows - 1] as number
    this.#sink.reserve(length, Math.ceil((before + length) * growth)).set(text.subarray(0, length), before)
    this.#sink.length += length
    for (let index = 0; index < rows; index += 1) this.#offsets[row + index + 1] = before + (ends[index] as number)
    this.#valid.fill(1, row, end)
    this.#nextRow = end
  }

  /** Begins the value of a row: what is written to the sink up to `end` belongs to it. */
  start(row: number): ByteSink {
    if (row >= this.#valid.length) this.#grow(capacityFor(row, this.#valid.length))
    this.#skipTo(row)
    return this.#sink
  }

  end(row: number): void {
    this.#valid[row] = 1
    this.#nextRow = row + 1
    this.#offsets[row + 1] = this.#sink.length
  }

  #skipTo(row: number): void {
    for (; this.#nextRow < row; this.#nextRow += 1) this.#offsets[this.#nextRow + 1] = this.#sink.length
  }

  #grow(capacity: number): void {
    this.#valid = grown(this.#valid, new Uint8Array(this.#memory.take(capacity), 0, capacity))
    this.#offsets = grown(this.#offsets, new Uint32Array(this.#memory.take((capacity + 1) * 4), 0, capacity + 1))
  }

  cell(row: number): Cell {
    const start = this.#offsets[row] as number
    const { buffer } = this.#sink.bytes
    return Buffer.from(buffer, start, (this.#offsets[row + 1] as number) - start).toString('latin1')
  }

  clear(from: number, to: number): void {
    // A value that was begun and not ended has bytes already.
    this.#sink.length = this.#offsets[Math.min(from, this.#nextRow)] as number
    this.#nextRow = Math.min(from, this.#nextRow)
    this.#valid.fill(0, from, to)
  }

  finish(rows: number): Vector {
    if (this.#valid.length < rows) this.#grow(rows)
    this.#skipTo(rows)
    const offsets = this.#offsets.subarray(0, rows + 1)
    return { kind: 'bytes', valid: this.#valid.subarray(0, rows), offsets, data: this.#sink.written() }
  }
}

/** The cells in a larger room, which may hold anything; behind them are zeros. */
function grown<Cells extends Uint8Array | Int32Array | Uint32Array | Float64Array>(from: Cells, to: Cells): Cells {
  to.set(from)
  to.fill(0, from.length)
  return to
}

function bytesOf({ buffer, byteOffset, byteLength }: DataView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
