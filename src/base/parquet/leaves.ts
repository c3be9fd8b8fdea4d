import type { ByteSink } from './byte-sink.ts'
import type { Leaf } from './footer.ts'
import { physicalType, repeatedName } from './footer.ts'
import { putLevelRuns, putLevels } from './levels.ts'
import type { LevelStep } from './slots.ts'
import { countBefore, slotsOf } from './slots.ts'
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
  if (vector.kind === 'sparse') {
    return leavesOf({ field, vector: vector.values, required }, path, [...steps, { kind: 'sparse', rows: vector.rows }])
  }
  const ownPath = [...path, field.name]
  const ownSteps: readonly LevelStep[] = required ? steps : [...steps, { kind: 'optional', valid: vector.valid }]
  if (isFlat(vector)) return [leafSource(ownPath, vector, ownSteps)]
  const inner = innerVectors(field, vector)
  if (vector.kind === 'row') return inner.flatMap((child) => leavesOf(child, ownPath, ownSteps))
  const innerSteps: readonly LevelStep[] = [...ownSteps, { kind: 'repeated', offsets: vector.offsets }]
  return inner.flatMap((child) => leavesOf(child, [...ownPath, repeatedName[vector.kind]], innerSteps))
}

function leafSource(path: readonly string[], vector: FlatVector, steps: readonly LevelStep[]): LeafSource {
  return {
    leaf: { path, physical: physicalType[vector.kind] },
    vector,
    valueIndex: (row) => steps.reduce(placeBehind, row),
    putLevels: levelsOf(steps),
  }
}

/** Where in the vector of a step lies what begins at `place` before it. */
function placeBehind(place: number, step: LevelStep): number {
  if (step.kind === 'optional') return place
  return step.kind === 'sparse' ? countBefore(step.rows, place) : (step.offsets[place] as number)
}

/** Most columns are flat, and their levels are whether a value is there. */
function levelsOf(steps: readonly LevelStep[]): LeafSource['putLevels'] {
  const [first, second] = steps
  if (first === undefined) return (_, from, to) => to - from
  if (steps.length === 1 && first.kind === 'optional') {
    return (sink, from, to) => {
      putLevels(sink, first.valid, from, to, 1)
      return to - from
    }
  }
  if (steps.length === 2 && first.kind === 'sparse' && second?.kind === 'optional') {
    return (sink, from, to) => {
      putSparseLevels(sink, first.rows, second.valid, from, to)
      return to - from
    }
  }
  const repetitionMax = steps.filter(({ kind }) => kind === 'repeated').length
  const definitionMax = steps.filter(({ kind }) => kind !== 'sparse').length
  return (sink, from, to) => {
    const { repetition, definition } = slotsOf(steps, from, to)
    if (repetitionMax > 0) putLevels(sink, repetition, 0, repetition.length, repetitionMax)
    putLevels(sink, definition, 0, definition.length, definitionMax)
    return definition.length
  }
}

/** The levels of a flat column of which only some rows have values, each valid or null. */
function putSparseLevels(sink: ByteSink, rows: Uint32Array, valid: Uint8Array, from: number, to: number): void {
  const [first, end] = [countBefore(rows, from), countBefore(rows, to)]
  if ((end - first) * rowsPerRun < to - from) return putLevelRuns(sink, rows, valid, { first, end, from, to })
  const levels = new Uint8Array(to - from)
  for (let at = first; at < end; at += 1) levels[(rows[at] as number) - from] = valid[at] as number
  putLevels(sink, levels, 0, to - from, 1)
}

/** Where there are so many rows to a value, runs take fewer bytes than bits. */
const rowsPerRun = 32
