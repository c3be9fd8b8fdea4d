import type { ByteSink } from './byte-sink.ts'
import type { Leaf } from './footer.ts'
import { physicalType, repeatedName } from './footer.ts'
import { putLevels } from './levels.ts'
import type { LevelStep } from './slots.ts'
import { slotsOf } from './slots.ts'
import type { FlatVector, InnerVector, ParquetColumn } from './vectors.ts'
import { innerVectors, isFlat } from './vectors.ts'

/** A leaf of the schema together with what is written into it. */
export interface LeafSource {
  readonly leaf: Leaf
  readonly vector: FlatVector
  /** Where the values of a row begin in the vector. */
  readonly valueIndex: (row: number) => number
  /** Writes the levels of the rows, repetition before definition. Returns how many slots they are. */
  readonly putLevels: (sink: ByteSink, from: number, to: number) => number
}

/** The leaves of a column, depth first: one, or those that are inside. */
export function leafSources(column: ParquetColumn): LeafSource[] {
  return leavesOf({ field: column, vector: column.vector, required: column.required }, [], [])
}

/** `path` and `steps` are those of what the vector lies in. */
function leavesOf(
  { field, vector, required }: InnerVector,
  path: readonly string[],
  steps: readonly LevelStep[],
): LeafSource[] {
  const ownPath = [...path, field.name]
  const ownSteps: readonly LevelStep[] = required ? steps : [...steps, { kind: 'optional', valid: vector.valid }]
  if (isFlat(vector)) return [leafSource(ownPath, vector, ownSteps)]
  const inner = innerVectors(field, vector)
  if (vector.kind === 'row') return inner.flatMap((child) => leavesOf(child, ownPath, ownSteps))
  const innerSteps: readonly LevelStep[] = [...ownSteps, { kind: 'repeated', offsets: vector.offsets }]
  return inner.flatMap((child) => leavesOf(child, [...ownPath, repeatedName[vector.kind]], innerSteps))
}

function leafSource(path: readonly string[], vector: FlatVector, steps: readonly LevelStep[]): LeafSource {
  const repeats = steps.flatMap((step) => (step.kind === 'repeated' ? [step.offsets] : []))
  const [first] = steps
  const isPlain = first === undefined || (steps.length === 1 && first.kind === 'optional')
  return {
    leaf: { path, physical: physicalType[vector.kind] },
    vector,
    valueIndex: (row) => repeats.reduce((index, offsets) => offsets[index] as number, row),
    putLevels(sink, from, to) {
      if (isPlain) {
        if (first?.kind === 'optional') putLevels(sink, first.valid, from, to, 1)
        return to - from
      }
      const { repetition, definition } = slotsOf(steps, from, to)
      if (repeats.length > 0) putLevels(sink, repetition, 0, repetition.length, repeats.length)
      putLevels(sink, definition, 0, definition.length, steps.length)
      return definition.length
    },
  }
}
