import type { SnapshotMetadata } from './metadata.ts'
import type { Progress } from './tables.sql.ts'
import type { ManifestChange } from './write-manifests.ts'

/** Operations that put the same rows into other files. */
const rewriting: ReadonlySet<string> = new Set(['merge', 'restate'])

/**
 * What a snapshot says of itself: what changed against the one that was shown before, though several commits of ours may
 * lie in between.
 */
export function summaryOf(
  change: Pick<ManifestChange, 'files' | 'filesBefore' | 'addedFiles' | 'addedRows' | 'addedBytes'>,
  progress: Pick<Progress, 'operations' | 'rows' | 'bytes'>,
  before: SnapshotMetadata['summary'] | undefined,
): SnapshotMetadata['summary'] {
  const { files, filesBefore, addedFiles, addedRows, addedBytes } = change
  const total = (fact: string) => Number(before?.[fact] ?? 0)
  const removedFiles = filesBefore + addedFiles - files
  const counts = {
    'added-data-files': addedFiles,
    'added-records': addedRows,
    'added-files-size': addedBytes,
    'deleted-data-files': removedFiles,
    'deleted-records': total('total-records') + addedRows - progress.rows,
    'removed-files-size': total('total-files-size') + addedBytes - progress.bytes,
    'total-data-files': files,
    'total-records': progress.rows,
    'total-files-size': progress.bytes,
    'total-delete-files': 0,
    'total-position-deletes': 0,
    'total-equality-deletes': 0,
  }
  const facts = Object.fromEntries(Object.entries(counts).map(([fact, count]) => [fact, String(count)]))
  return { operation: operationOf(progress.operations, addedFiles, removedFiles), ...facts }
}

/** In the words of the specification (“Snapshots”). */
function operationOf(operations: readonly string[], added: number, removed: number): string {
  if (removed === 0) return 'append'
  if (operations.every((operation) => rewriting.has(operation))) return 'replace'
  return added === 0 ? 'delete' : 'overwrite'
}
