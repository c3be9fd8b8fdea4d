import type { Vector } from '../../base/parquet/vectors.ts'
import type { ValueTape } from './value-tape.ts'
import type { VectorBuilder } from './vector-builders.ts'

/**
 * A writer whose values lie side by side, with the rows they are of beside them: a column that has a value in one row of a
 * thousand takes memory for that one. A table may have thousands of such columns.
 */
export class SparseWriter<Tape extends ValueTape = ValueTape> {
  readonly builder: SparseBuilder
  readonly #writer: { take(tape: Tape, place: number, row: number): boolean }

  constructor(writer: { readonly builder: VectorBuilder; take(tape: Tape, place: number, row: number): boolean }) {
    this.builder = new SparseBuilder(writer.builder)
    this.#writer = writer
  }

  take(tape: Tape, place: number, row: number): boolean {
    return this.#writer.take(tape, place, this.builder.add(row))
  }
}

export class SparseBuilder implements VectorBuilder {
  readonly values: VectorBuilder
  /** The row of each value, in ascending order. Undefined as long as the values are those of the first rows. */
  #rows: Uint32Array | undefined
  #count = 0

  constructor(values: VectorBuilder) {
    this.values = values
  }

  get hasValues(): boolean {
    return this.values.hasValues
  }

  /** The place for the value of a row, which may turn out to be null. */
  add(row: number): number {
    const place = this.#count++
    if (this.#rows === undefined) {
      if (row === place) return place
      this.#rows = firstRows(place, 2 * place + 16)
    } else if (place >= this.#rows.length) {
      const grown = new Uint32Array(place * 2)
      grown.set(this.#rows)
      this.#rows = grown
    }
    this.#rows[place] = row
    return place
  }

  /** The place for the value of the first of consecutive rows; those of the others follow. */
  addMany(row: number, rows: number): number {
    const place = this.#count
    if (this.#rows === undefined && row === place) this.#count += rows
    else for (let index = 0; index < rows; index += 1) this.add(row + index)
    return place
  }

  /** The place for the value of the first of consecutive rows that has one, which at least one does; those of the others follow. */
  addSome(row: number, hasValue: Uint8Array, rows: number): number {
    const place = this.#count
    for (let index = 0; index < rows; index += 1) if (hasValue[index] === 1) this.add(row + index)
    return place
  }

  clear(from: number): void {
    const before = this.#count
    while (this.#count > 0 && this.#rowOf(this.#count - 1) >= from) this.#count -= 1
    this.values.clear(this.#count, before)
  }

  #rowOf(place: number): number {
    return this.#rows?.[place] ?? place
  }

  finish(rows: number): Vector {
    const count = this.#count
    const values = this.values.finish(count)
    if (count === rows || values.kind === 'sparse') return values
    return { kind: 'sparse', rows: (this.#rows ?? firstRows(count, count)).subarray(0, count), values }
  }
}

function firstRows(count: number, capacity: number): Uint32Array {
  const rows = new Uint32Array(capacity)
  for (let row = 0; row < count; row += 1) rows[row] = row
  return rows
}
