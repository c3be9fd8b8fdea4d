import { must } from '../../base/errors.ts'
import { fieldIdCount, rescuedColumn, timeColumn } from '../columns.ts'
import type { Chunk, Column, SchemaChange } from '../store.ts'
import { isScalar } from '../types.ts'

/** A column as it was from one version of its table's columns until before another; null where it is there now. */
export interface ColumnVersion extends Column {
  readonly addedVersion: number
  readonly removedVersion: number | null
  /** The field whose values this one took over when the type changed. */
  readonly replaces: number | null
  /** Whether what was rescued under its name before comes into it. */
  readonly restores: boolean
}

/** The changes of a table up to one version of its columns, in their order. */
export function schemaChanges(versions: readonly ColumnVersion[], until: number): SchemaChange[] {
  const changes = versions.flatMap((row) => [...changesWith(row, versions), ...dropsOf(row, versions)])
  return changes.filter(({ version }) => version <= until).toSorted((a, b) => a.version - b.version)
}

/** What it took for the column to be there in this form. */
function changesWith(row: ColumnVersion, versions: readonly ColumnVersion[]): SchemaChange[] {
  const { addedVersion: version, fieldId, name, type } = row
  const before = versions.find((other) => other.fieldId === fieldId && other.removedVersion === version)
  if (before !== undefined) return [{ version, kind: 'rename', fieldId, from: before.name, to: name }]
  const column = { fieldId, name, type }
  if (row.replaces !== null) {
    const replaced = versions.find((other) => other.fieldId === row.replaces && other.removedVersion === version)
    const { type: typeBefore } = must(replaced, 'a column replaces one that was there until then')
    return [{ version, kind: 'retype', from: { fieldId: row.replaces, name, type: typeBefore }, to: column }]
  }
  return row.restores ? [{ version, kind: 'restore', column }] : []
}

function dropsOf(row: ColumnVersion, versions: readonly ColumnVersion[]): SchemaChange[] {
  const { removedVersion: version, fieldId, name, type } = row
  if (version === null) return []
  const goesOn = versions.some((other) => {
    return other.addedVersion === version && (other.fieldId === fieldId || other.replaces === fieldId)
  })
  return goesOn ? [] : [{ version, kind: 'drop', column: { fieldId, name, type } }]
}

/** Chunks that are read in one way: by the changes since their files were written, of which there are none in clean ones. */
export interface ChunkGroup<C extends ChunkFacts = Chunk> {
  readonly changes: readonly SchemaChange[]
  readonly chunks: readonly C[]
}

type ChunkFacts = Pick<Chunk, 'schemaVersion' | 'statistics' | 'rows'>

/** Puts the chunks that are read in one way together, the clean ones first. */
export function groupChunks<C extends ChunkFacts>(
  changes: readonly SchemaChange[],
  chunks: readonly C[],
): ChunkGroup<C>[] {
  const groups = new Map<number, { changes: readonly SchemaChange[]; chunks: C[] }>()
  for (const chunk of chunks) {
    const since = changesSince(changes, chunk)
    const group = groups.get(since.length)
    if (group === undefined) groups.set(since.length, { changes: since, chunks: [chunk] })
    else group.chunks.push(chunk)
  }
  return [...groups.values()].toSorted((a, b) => a.changes.length - b.changes.length)
}

/** The changes that the chunk has to be read by: none where it has nothing that any of them is about. */
export function changesSince(changes: readonly SchemaChange[], chunk: ChunkFacts): readonly SchemaChange[] {
  const since = changes.filter(({ version }) => version > chunk.schemaVersion)
  return since.some((change) => concerns(change, chunk)) ? since : []
}

function concerns(change: SchemaChange, chunk: ChunkFacts): boolean {
  if (change.kind === 'retype' && mayHaveValuesOf(chunk, change.from)) return true
  // The statistics of a map are kept under its own field id, or under those of its keys and values, which follow.
  const { fieldId } = rescuedColumn
  return [fieldId, fieldId + 1].some((id) => mayHaveValues(chunk, id))
}

/**
 * Of a nested column there may be statistics of its own, or only of what is inside, where an array of nulls counts more nulls
 * than there are rows.
 */
function mayHaveValuesOf(chunk: ChunkFacts, { fieldId, type }: Pick<Column, 'fieldId' | 'type'>): boolean {
  if (mayHaveValues(chunk, fieldId)) return true
  if (isScalar(type) || chunk.statistics[fieldId] !== undefined) return false
  const inside = Array.from({ length: fieldIdCount(type) - 1 }, (_, index) => fieldId + 1 + index)
  return inside.some((id) => chunk.statistics[id] !== undefined)
}

/** A file lacks the columns that have no values. Where not even the time is known, the statistics say nothing. */
function mayHaveValues({ statistics, rows }: ChunkFacts, fieldId: number): boolean {
  const known = statistics[fieldId]
  if (known === undefined) return statistics[timeColumn.fieldId] === undefined
  return known.nulls < rows
}
