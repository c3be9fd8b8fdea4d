import type { Clock } from '../../base/clock.ts'
import type { ObjectAddress } from '../../base/objects/object-address.ts'
import type { ObjectStore } from '../../base/objects/objects.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import type { Randomness } from '../../base/randomness.ts'
import { withFixedColumns } from '../columns.ts'
import type { Column } from '../store.ts'
import { parseType } from '../types.ts'
import { MetadataKeys, tablePrefix } from './keys.ts'
import { deleteManifestsBefore, replaceManifests } from './manifests.sql.ts'
import type { SnapshotMetadata, TableMetadata } from './metadata.ts'
import { tableMetadata } from './metadata.ts'
import type { IcebergSchema } from './schema.ts'
import { icebergSchema } from './schema.ts'
import { summaryOf } from './summary.ts'
import type { IcebergTableRow, Progress } from './tables.sql.ts'
import { advanceIcebergTable, planRemoval, selectProgress, selectSuperseded } from './tables.sql.ts'
import type { ManifestChange } from './write-manifests.ts'
import { writeManifests } from './write-manifests.ts'

export interface IcebergPorts {
  readonly postgres: Postgres
  readonly objects: ObjectStore
  readonly address: ObjectAddress
  readonly clock: Clock
  readonly randomness: Randomness
  /** How long files stay after nothing refers to them, so that those who read them finish. */
  readonly graceMs: number
}

/** A row of a table that some engine has asked for. */
export type KnownTableRow = IcebergTableRow & { readonly iceberg: NonNullable<IcebergTableRow['iceberg']> }

/** More would make the metadata long, which every engine reads as a whole. */
const olderSnapshotsMax = 20

/** What the next version of the metadata is made of. */
interface NextMetadata {
  readonly key: string
  readonly metadata: TableMetadata
  readonly validUntil: Date | 'infinity'
  /** Lists of snapshots that are no longer in the metadata. */
  readonly expiredLists: readonly string[]
}

/**
 * Writes the metadata of the table's newest snapshot, and makes it what is served. The commit point is the update of
 * `iceberg_tables`, which names the version that it follows: of several processes that do this at once, one gets its way, and
 * what the others wrote is removed. False where that happened here.
 */
export async function materialise(ports: IcebergPorts, row: KnownTableRow): Promise<boolean> {
  const { postgres, objects, clock } = ports
  const table = { accountId: row.account_id, tableId: row.id }
  const keys = new MetadataKeys(table, clock, ports.randomness)
  const progress = await selectProgress(postgres, row.id, row.iceberg.snapshot, row.snapshot)
  const change = await manifestsFor(ports, keys, row, progress)
  const next = await nextMetadata(ports, keys, row, progress, change)
  await objects.put(next.key, Buffer.from(JSON.stringify(next.metadata)))
  const removeAfter = new Date(clock.nowMs() + ports.graceMs)
  const isDone = await postgres.transaction(async (tx) => {
    const { metadata, validUntil } = next
    const advance = { snapshot: row.snapshot, metadataKey: next.key, metadata, validUntil }
    if (!(await advanceIcebergTable(tx, row.id, row.iceberg.version, advance))) return false
    if (change !== undefined) {
      await replaceManifests(tx, { ...table, snapshot: row.snapshot }, change.replaced, change.added)
    }
    const oldest = metadata.snapshots[0]?.['snapshot-id'] ?? 0
    const forgotten = await deleteManifestsBefore(tx, row.id, oldest)
    const metadataBefore = row.iceberg.metadata_key === null ? [] : [row.iceberg.metadata_key]
    await planRemoval(tx, [...forgotten, ...next.expiredLists, ...metadataBefore], removeAfter)
    return true
  })
  if (!isDone) {
    const lists = change === undefined ? [] : [change.listKey, ...change.added.map((added) => added.object_key)]
    await planRemoval(postgres, [next.key, ...lists], removeAfter)
  }
  return isDone
}

/** Undefined where there is no snapshot that lacks manifests. */
async function manifestsFor(
  ports: IcebergPorts,
  keys: MetadataKeys,
  row: KnownTableRow,
  progress: Progress,
): Promise<ManifestChange | undefined> {
  const span = { tableId: row.id, from: row.iceberg.snapshot, to: row.snapshot }
  if (span.from === span.to) return undefined
  // Removed chunks are remembered for the grace at least; half of it is a wide berth for clocks that differ, and for sweeps.
  const wholeSinceMs = ports.clock.nowMs() - ports.graceMs / 2
  return await writeManifests(
    { ...ports, keys },
    {
      span,
      columns: columnsOf(row),
      schemaVersion: row.schema_version,
      isHistoryWhole: (progress.begun_at?.getTime() ?? 0) > wholeSinceMs,
    },
  )
}

export function columnsOf(row: Pick<IcebergTableRow, 'columns'>): readonly Column[] {
  return withFixedColumns(
    row.columns.map(({ field_id: fieldId, name, type }) => ({ fieldId, name, type: parseType(type) })),
  )
}

async function nextMetadata(
  ports: IcebergPorts,
  keys: MetadataKeys,
  row: KnownTableRow,
  progress: Progress,
  change: ManifestChange | undefined,
): Promise<NextMetadata> {
  const before = row.iceberg.metadata?.snapshots ?? []
  const older = await readableSnapshots(ports, row, change === undefined ? before.slice(0, -1) : before)
  const current = change === undefined ? before.slice(-1) : [newSnapshot(ports, row, progress, change)]
  const snapshots = [...older.map(({ snapshot }) => snapshot), ...current]
  const listed = new Set(snapshots.map((snapshot) => snapshot['manifest-list']))
  const expired = before.map((snapshot) => snapshot['manifest-list']).filter((list) => !listed.has(list))
  const untilMs = Math.min(...older.map((each) => each.untilMs))
  const table = { accountId: row.account_id, tableId: row.id }
  return {
    key: keys.metadata(row.iceberg.version + 1),
    metadata: tableMetadata({
      uuid: row.iceberg.uuid,
      location: ports.address.uriOf(tablePrefix(table)),
      updatedMs: row.updated_at.getTime(),
      nextFieldId: row.next_field_id,
      schemas: schemasOf(row, snapshots),
      properties: row.iceberg.properties,
      snapshots,
    }),
    validUntil: Number.isFinite(untilMs) ? new Date(untilMs) : 'infinity',
    expiredLists: expired.flatMap((uri) => ports.address.keyOf(uri) ?? []),
  }
}

/**
 * The older snapshots that somebody who loads the table now has the time to read: the files of each stay from when it was
 * followed by another one until the history of the table is over, and reading takes at most the grace.
 */
async function readableSnapshots(
  { postgres, clock, graceMs }: IcebergPorts,
  row: KnownTableRow,
  snapshots: readonly SnapshotMetadata[],
): Promise<{ snapshot: SnapshotMetadata; untilMs: number }[]> {
  const listedMs = row.history_hours * 3600 * 1000 - graceMs
  if (listedMs <= 0 || snapshots.length === 0) return []
  const ids = snapshots.map((snapshot) => snapshot['snapshot-id'])
  const superseded = await selectSuperseded(postgres, row.id, ids)
  const untilMs = new Map(superseded.map(({ snapshot, at }) => [snapshot, at.getTime() + listedMs]))
  return snapshots
    .map((snapshot) => ({ snapshot, untilMs: untilMs.get(snapshot['snapshot-id']) ?? 0 }))
    .filter((each) => each.untilMs > clock.nowMs())
    .slice(-olderSnapshotsMax)
}

function newSnapshot(
  { address, clock }: IcebergPorts,
  row: KnownTableRow,
  progress: Progress,
  change: ManifestChange,
): SnapshotMetadata {
  const before = row.iceberg.metadata?.snapshots.at(-1)
  const committedMs = progress.committed_at?.getTime() ?? clock.nowMs()
  return {
    'snapshot-id': row.snapshot,
    ...(row.iceberg.snapshot > 0 && { 'parent-snapshot-id': row.iceberg.snapshot }),
    'sequence-number': row.snapshot,
    // Times of commits are those of their beginnings, which may be in another order.
    'timestamp-ms': Math.max(committedMs, (before?.['timestamp-ms'] ?? 0) + 1),
    'manifest-list': address.uriOf(change.listKey),
    'schema-id': row.schema_version,
    summary: summaryOf(change, progress, before?.summary),
  }
}

/** The schemas of the snapshots, which are in the metadata before, and the present one. */
function schemasOf(row: KnownTableRow, snapshots: readonly SnapshotMetadata[]): IcebergSchema[] {
  const present = icebergSchema(columnsOf(row), row.schema_version)
  const needed = new Set(snapshots.map((snapshot) => snapshot['schema-id']))
  const older = row.iceberg.metadata?.schemas ?? []
  return [
    ...older.filter((schema) => needed.has(schema['schema-id']) && schema['schema-id'] !== row.schema_version),
    present,
  ]
}
