import type { ByteSink } from './byte-sink.ts'
import type { Leaf } from './footer.ts'
import { physicalType } from './footer.ts'
import { putLevels } from './levels.ts'
import type { FlatVector } from './plain-values.ts'
import type { ParquetColumn, Vector } from './vectors.ts'

/** A leaf of the schema together with what is written into it. */
export interface LeafSource {
  readonly leaf: Leaf
  readonly vector: FlatVector
  /** Where the values of a row begin in the vector. */
  readonly valueIndex: (row: number) => number
  /** Writes the levels of the rows, repetition before definition. Returns how many slots they are. */
  readonly putLevels: (sink: ByteSink, from: number, to: number) => number
}

/** The leaves of a column: one, or the keys and the values of a map. */
export function leafSources(column: ParquetColumn): LeafSource[] {
  const { name, vector, required } = column
  if (vector.kind !== 'map') return [flatSource(name, vector, required)]
  const { keys, values } = vector
  if (keys.kind === 'map' || values.kind === 'map') throw new Error(`the map ${name} has maps as entries`)
  return [mapSource(name, 'key', vector, keys, required), mapSource(name, 'value', vector, values, required)]
}

function flatSource(name: string, vector: FlatVector, required: boolean): LeafSource {
  return {
    leaf: { path: [name], physical: physicalType[vector.kind] },
    vector,
    valueIndex: (row) => row,
    putLevels(sink, from, to) {
      if (!required) putLevels(sink, vector.valid, from, to, 1)
      return to - from
    },
  }
}

type MapVector = Extract<Vector, { kind: 'map' }>

function mapSource(
  name: string,
  part: 'key' | 'value',
  map: MapVector,
  vector: FlatVector,
  required: boolean,
): LeafSource {
  return {
    leaf: { path: [name, 'key_value', part], physical: physicalType[vector.kind] },
    vector,
    valueIndex: (row) => map.offsets[row] as number,
    putLevels(sink, from, to) {
      const { repetition, definition, definitionMax } = mapLevels(map, part === 'value', required, from, to)
      putLevels(sink, repetition, 0, repetition.length, 1)
      putLevels(sink, definition, 0, definition.length, definitionMax)
      return definition.length
    },
  }
}

/**
 * The levels of a map's keys or values. Repetition is 0 at the first entry of a row and 1 at the others. Definition counts
 * what is there of the path: the map (unless it is required), the entry, the value (unless it is a key). A null or empty map
 * takes one slot.
 */
function mapLevels(
  map: MapVector,
  isValue: boolean,
  required: boolean,
  from: number,
  to: number,
): { repetition: Uint8Array; definition: Uint8Array; definitionMax: number } {
  const entryLevel = required ? 1 : 2
  let slots = 0
  for (let row = from; row < to; row += 1) slots += Math.max(1, entryCount(map, row))
  const repetition = new Uint8Array(slots)
  const definition = new Uint8Array(slots)
  let slot = 0
  for (let row = from; row < to; row += 1) {
    const first = map.offsets[row] as number
    const count = entryCount(map, row)
    if (count === 0) definition[slot++] = map.valid[row] === 1 ? entryLevel - 1 : 0
    for (let entry = 0; entry < count; entry += 1) {
      repetition[slot] = entry === 0 ? 0 : 1
      definition[slot++] = entryLevel + (isValue ? (map.values.valid[first + entry] as number) : 0)
    }
  }
  return { repetition, definition, definitionMax: entryLevel + (isValue ? 1 : 0) }
}

function entryCount(map: MapVector, row: number): number {
  return (map.offsets[row + 1] as number) - (map.offsets[row] as number)
}
