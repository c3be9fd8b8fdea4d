import { countBefore } from './slots.ts'
import type { Vector } from './vectors.ts'

/** How many of the rows have no value. */
export function nullsOf(vector: Vector, from: number, to: number): number {
  if (vector.kind !== 'sparse') return countNulls(vector.valid, from, to)
  const [first, end] = [countBefore(vector.rows, from), countBefore(vector.rows, to)]
  return to - from - (end - first) + countNulls(vector.values.valid, first, end)
}

export function countNulls(valid: Uint8Array, from: number, to: number): number {
  let nulls = 0
  for (let row = from; row < to; row += 1) nulls += 1 - (valid[row] as number)
  return nulls
}
