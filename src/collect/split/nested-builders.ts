import type { Vector } from '../../base/parquet/vectors.ts'
import type { VectorBuilder } from './vector-builders.ts'

const firstCapacity = 1024

/** Where the elements of each row lie: behind those of the row before. Rows are set in ascending order; others have none. */
class Ranges {
  #valid = new Uint8Array(0)
  /** Where the elements of each row end, one place further on: those of rows before `#nextRow` are known. */
  #offsets = new Uint32Array(1)
  #nextRow = 0
  /** Elements of all rows. */
  count = 0

  set(row: number, end: number): void {
    if (row >= this.#valid.length) this.#grow(Math.max(row + 1, this.#valid.length * 2, firstCapacity))
    this.#skipTo(row)
    this.#valid[row] = 1
    this.#nextRow = row + 1
    this.#offsets[row + 1] = end
    this.count = end
  }

  /** Takes back the rows, and returns how many elements are left. */
  clear(from: number, to: number): number {
    if (from < this.#nextRow) {
      this.count = this.#offsets[from] as number
      this.#nextRow = from
    }
    this.#valid.fill(0, from, to)
    return this.count
  }

  #skipTo(row: number): void {
    for (; this.#nextRow < row; this.#nextRow += 1) this.#offsets[this.#nextRow + 1] = this.count
  }

  #grow(capacity: number): void {
    const [valid, offsets] = [new Uint8Array(capacity), new Uint32Array(capacity + 1)]
    valid.set(this.#valid)
    offsets.set(this.#offsets)
    this.#valid = valid
    this.#offsets = offsets
  }

  finish(rows: number): { valid: Uint8Array; offsets: Uint32Array } {
    if (this.#valid.length < rows) this.#grow(rows)
    this.#skipTo(rows)
    return { valid: this.#valid.subarray(0, rows), offsets: this.#offsets.subarray(0, rows + 1) }
  }
}

/** Builds arrays around a builder of their elements, which the caller fills before it sets a row. */
export class ArrayBuilder implements VectorBuilder {
  readonly #ranges = new Ranges()
  readonly #elements: VectorBuilder
  hasValues = false

  constructor(elements: VectorBuilder) {
    this.#elements = elements
  }

  /** Where the next row's elements begin. */
  get count(): number {
    return this.#ranges.count
  }

  set(row: number, end: number): void {
    this.#ranges.set(row, end)
    this.hasValues = true
  }

  clear(from: number, to: number): void {
    const before = this.#ranges.count
    this.#elements.clear(this.#ranges.clear(from, to), before)
  }

  finish(rows: number): Vector {
    return { kind: 'array', ...this.#ranges.finish(rows), elements: this.#elements.finish(this.#ranges.count) }
  }
}

/** Builds maps around builders of their keys and values, which the caller fills before it sets a row. */
export class MapBuilder implements VectorBuilder {
  readonly #ranges = new Ranges()
  readonly #keys: VectorBuilder
  readonly #values: VectorBuilder
  hasValues = false

  constructor(keys: VectorBuilder, values: VectorBuilder) {
    this.#keys = keys
    this.#values = values
  }

  /** Where the next row's entries begin. */
  get count(): number {
    return this.#ranges.count
  }

  set(row: number, end: number): void {
    this.#ranges.set(row, end)
    this.hasValues = true
  }

  clear(from: number, to: number): void {
    const before = this.#ranges.count
    const left = this.#ranges.clear(from, to)
    this.#keys.clear(left, before)
    this.#values.clear(left, before)
  }

  finish(rows: number): Vector {
    const { count } = this.#ranges
    const [keys, values] = [this.#keys.finish(count), this.#values.finish(count)]
    return { kind: 'map', ...this.#ranges.finish(rows), keys, values }
  }
}

/** Builds values of the type row around the builders of their fields, whose rows are the same. */
export class RowBuilder implements VectorBuilder {
  readonly #fields: readonly VectorBuilder[]
  #valid = new Uint8Array(0)
  hasValues = false

  constructor(fields: readonly VectorBuilder[]) {
    this.#fields = fields
  }

  set(row: number): void {
    if (row >= this.#valid.length) this.#grow(Math.max(row + 1, this.#valid.length * 2, firstCapacity))
    this.#valid[row] = 1
    this.hasValues = true
  }

  clear(from: number, to: number): void {
    this.#valid.fill(0, from, to)
    for (const field of this.#fields) field.clear(from, to)
  }

  #grow(capacity: number): void {
    const valid = new Uint8Array(capacity)
    valid.set(this.#valid)
    this.#valid = valid
  }

  finish(rows: number): Vector {
    if (this.#valid.length < rows) this.#grow(rows)
    return {
      kind: 'row',
      valid: this.#valid.subarray(0, rows),
      fields: this.#fields.map((field) => field.finish(rows)),
    }
  }
}
