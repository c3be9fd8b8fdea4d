import { must } from '../../base/errors.ts'
import type { ObjectAddress } from '../../base/objects/object-address.ts'
import type { ObjectStore } from '../../base/objects/objects.ts'
import type { Queryable } from '../../base/postgres/postgres.ts'
import type { Column } from '../store.ts'
import { manifestEntriesMax, manifestsToReplace } from './group-manifests.ts'
import type { MetadataKeys } from './keys.ts'
import type { ManifestEntry } from './manifest.ts'
import { writeManifest } from './manifest.ts'
import type { ManifestFacts } from './manifest-list.ts'
import { writeManifestList } from './manifest-list.ts'
import type { ManifestRow, NewManifestRow, PooledChunkRow, Span } from './manifests.sql.ts'
import {
  selectBrokenManifests,
  selectGroup,
  selectGroups,
  selectManifestChunks,
  selectManifests,
} from './manifests.sql.ts'
import type { SpecId } from './partition.ts'
import { hourOf } from './partition.ts'

export interface ManifestPorts {
  readonly postgres: Queryable
  readonly objects: ObjectStore
  readonly address: ObjectAddress
  readonly keys: MetadataKeys
}

/** The table as its new manifests describe it. */
export interface ManifestTable {
  readonly span: Span
  readonly columns: readonly Column[]
  readonly schemaVersion: number
  /** Whether the history of removed chunks reaches back to where the span begins. */
  readonly isHistoryWhole: boolean
}

/** What changes in the register when the new list is the newest. */
export interface ManifestChange {
  readonly listKey: string
  readonly replaced: readonly string[]
  readonly added: readonly NewManifestRow[]
  readonly files: number
  readonly addedFiles: number
  readonly addedRows: number
  readonly addedBytes: number
  readonly filesBefore: number
}

/**
 * Writes the manifests and the list of the snapshot at which the span ends. Read, and written, is only what changed since it
 * began, with the manifests that this touches. The objects mean nothing until somebody refers to them.
 */
export async function writeManifests(ports: ManifestPorts, table: ManifestTable): Promise<ManifestChange> {
  const { postgres, objects, address, keys } = ports
  const { span } = table
  const current = await selectManifests(postgres, span.tableId)
  const broken = current.length === 0 ? [] : await selectBrokenManifests(postgres, span, table.isHistoryWhole)
  const replaced = manifestsToReplace(current, new Set(broken))
  const ids = await selectManifestChunks(postgres, replaced)
  const groups = await selectGroups(postgres, span, ids, manifestEntriesMax)
  const added: NewManifestRow[] = []
  let addedBytes = 0
  for (const [index, start] of groups.entries()) {
    const chunks = await selectGroup(postgres, span, ids, start, groups[index + 1])
    added.push(await writeGroup(ports, table, start.spec, chunks))
    addedBytes += chunks.reduce((sum, chunk) => sum + (chunk.added_snapshot > span.from ? chunk.bytes : 0), 0)
  }
  const kept = current.filter((row) => !replaced.includes(row.object_key))
  const listKey = keys.manifestList(span.to)
  const listed = [...kept, ...added].map((row) => factsOf(row, address))
  await objects.put(listKey, writeManifestList(span.to, span.from === 0 ? null : span.from, listed))
  const sum = (rows: readonly ManifestRow[], count: (row: ManifestRow) => number) =>
    rows.reduce((total, row) => total + count(row), 0)
  const filesOf = (row: ManifestRow) => row.added_files + row.existing_files
  return {
    listKey,
    replaced,
    added,
    files: sum([...kept, ...added], filesOf),
    addedFiles: sum(added, (row) => row.added_files),
    addedRows: sum(added, (row) => row.added_rows),
    addedBytes,
    filesBefore: sum(current, filesOf),
  }
}

async function writeGroup(
  { objects, address, keys }: ManifestPorts,
  table: ManifestTable,
  spec: SpecId,
  chunks: readonly PooledChunkRow[],
): Promise<NewManifestRow> {
  const { from, to } = table.span
  const isNew = (chunk: PooledChunkRow) => chunk.added_snapshot > from
  const entries = chunks.map((chunk): ManifestEntry => ({
    path: address.uriOf(chunk.object_key),
    status: isNew(chunk) ? 'added' : 'existing',
    // Snapshots in between were never shown to anybody.
    snapshot: isNew(chunk) ? to : chunk.added_snapshot,
    sequence: chunk.added_snapshot,
    timeRange: { from: chunk.time_from, to: chunk.time_to },
    rows: chunk.rows,
    bytes: chunk.bytes,
    statistics: chunk.column_statistics,
    isSorted: chunk.is_sorted,
  }))
  const manifest = writeManifest(table, spec, entries)
  const key = keys.nextManifest()
  await objects.put(key, manifest)
  const fresh = chunks.filter(isNew)
  const rowsOf = (some: readonly PooledChunkRow[]) => some.reduce((sum, chunk) => sum + chunk.rows, 0)
  return {
    object_key: key,
    bytes: manifest.byteLength,
    spec,
    added_snapshot: to,
    sequence_min: Math.min(...chunks.map((chunk) => chunk.added_snapshot)),
    added_files: fresh.length,
    added_rows: rowsOf(fresh),
    existing_files: chunks.length - fresh.length,
    existing_rows: rowsOf(chunks) - rowsOf(fresh),
    time_from: must(chunks[0], 'a group has chunks').time_from,
    time_to: Math.max(...chunks.map((chunk) => chunk.time_to)),
    chunk_ids: chunks.map((chunk) => chunk.id),
  }
}

function factsOf(row: ManifestRow, address: ObjectAddress): ManifestFacts {
  const first = hourOf({ from: row.time_from, to: row.time_from + 1 })
  const last = hourOf({ from: row.time_to - 1, to: row.time_to })
  return {
    path: address.uriOf(row.object_key),
    bytes: row.bytes,
    spec: row.spec,
    addedSnapshot: row.added_snapshot,
    sequenceMin: row.sequence_min,
    addedFiles: row.added_files,
    addedRows: row.added_rows,
    existingFiles: row.existing_files,
    existingRows: row.existing_rows,
    hours: first === undefined || last === undefined ? null : { first, last },
  }
}
