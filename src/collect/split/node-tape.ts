import type { ValueKind } from './value-tape.ts'
import { ValueTape, valueKind } from './value-tape.ts'

/** What a value has inside. */
export const shape = { none: 0, array: 1, map: 2 } as const
export type Shape = (typeof shape)[keyof typeof shape]

const firstCapacity = 64

/**
 * What is inside of one nested value, in the order in which it stands there: each value before those inside of it, and keys
 * before their values.
 */
export class NodeTape extends ValueTape {
  /** A `Shape` for each value. */
  shapes: Uint8Array = new Uint8Array(firstCapacity)
  /** Where the value ends: the place of the first one that is not inside of it. */
  nexts: Uint32Array = new Uint32Array(firstCapacity)
  readonly #nodesMax: number

  constructor(nodesMax: number) {
    super(firstCapacity)
    this.#nodesMax = nodesMax
  }

  /** Adds a value that the caller then sets; false where there are too many. */
  add(): boolean {
    const place = this.count
    if (place >= this.#nodesMax) return false
    if (place >= this.kinds.length) this.#grow(this.kinds.length * 2)
    this.count = place + 1
    this.shapes[place] = shape.none
    this.nexts[place] = place + 1
    return true
  }

  /** Sets a value to one with everything inside that was added since. */
  close(place: number, of: Shape, start: number, end: number): void {
    this.kinds[place] = valueKind.nested satisfies ValueKind
    this.starts[place] = start
    this.ends[place] = end
    this.shapes[place] = of
    this.nexts[place] = this.count
  }

  #grow(capacity: number): void {
    this.kinds = grown(this.kinds, new Uint8Array(capacity))
    this.starts = grown(this.starts, new Uint32Array(capacity))
    this.ends = grown(this.ends, new Uint32Array(capacity))
    this.numbers = grown(this.numbers, new Float64Array(capacity))
    this.words = grown(this.words, new Int32Array(capacity * 2))
    this.shapes = grown(this.shapes, new Uint8Array(capacity))
    this.nexts = grown(this.nexts, new Uint32Array(capacity))
  }
}

function grown<Cells extends Uint8Array | Int32Array | Uint32Array | Float64Array>(from: Cells, to: Cells): Cells {
  to.set(from)
  return to
}
