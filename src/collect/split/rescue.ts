import type { Vector } from '../../base/parquet/vectors.ts'
import type { ValueTape } from './value-tape.ts'
import { putJson } from './value-text.ts'
import { BytesBuilder } from './vector-builders.ts'

/** Builds `_rescued`: for each row the values that did not fit, as JSON text, by the names of their keys. */
export class RescueBuilder {
  readonly #keys = new BytesBuilder()
  readonly #values = new BytesBuilder()
  #entries = 0
  /** The row of each entry, in ascending order. */
  #rows = new Uint32Array(64)

  get hasValues(): boolean {
    return this.#entries > 0
  }

  add(row: number, name: Uint8Array, tape: ValueTape, field: number): void {
    const entry = this.#entries
    if (entry >= this.#rows.length) {
      const grown = new Uint32Array(this.#rows.length * 2)
      grown.set(this.#rows)
      this.#rows = grown
    }
    this.#rows[entry] = row
    this.#keys.setRange(entry, name, 0, name.length)
    putJson(this.#values.start(entry), tape, field)
    this.#values.end(entry)
    this.#entries += 1
  }

  finish(rows: number): Vector {
    const valid = new Uint8Array(rows)
    const offsets = new Uint32Array(rows + 1)
    let entry = 0
    for (let row = 0; row < rows; row += 1) {
      while (entry < this.#entries && this.#rows[entry] === row) entry += 1
      offsets[row + 1] = entry
      valid[row] = entry > (offsets[row] as number) ? 1 : 0
    }
    return {
      kind: 'map',
      valid,
      offsets,
      keys: this.#keys.finish(this.#entries),
      values: this.#values.finish(this.#entries),
    }
  }
}
