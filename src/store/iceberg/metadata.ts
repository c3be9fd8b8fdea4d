import { timeColumn } from '../columns.ts'
import { timeSortOrder } from './manifest.ts'
import type { PartitionSpec } from './partition.ts'
import { lastPartitionId, partitionSpecs } from './partition.ts'
import type { IcebergSchema } from './schema.ts'

/** `metadata.json` of a table, as the specification has it for version 2 (“Table Metadata Fields”). */
export interface TableMetadata {
  readonly 'format-version': 2
  readonly 'table-uuid': string
  readonly location: string
  readonly 'last-sequence-number': number
  readonly 'last-updated-ms': number
  readonly 'last-column-id': number
  readonly schemas: readonly IcebergSchema[]
  readonly 'current-schema-id': number
  readonly 'partition-specs': readonly PartitionSpec[]
  readonly 'default-spec-id': number
  readonly 'last-partition-id': number
  readonly properties: Readonly<Record<string, string>>
  readonly 'current-snapshot-id': number | null
  readonly snapshots: readonly SnapshotMetadata[]
  readonly 'snapshot-log': readonly { readonly 'snapshot-id': number; readonly 'timestamp-ms': number }[]
  readonly 'metadata-log': readonly []
  readonly 'sort-orders': readonly object[]
  readonly 'default-sort-order-id': number
  readonly refs: Readonly<Record<string, { readonly 'snapshot-id': number; readonly type: 'branch' }>>
}

export interface SnapshotMetadata {
  readonly 'snapshot-id': number
  readonly 'parent-snapshot-id'?: number
  readonly 'sequence-number': number
  readonly 'timestamp-ms': number
  readonly 'manifest-list': string
  readonly 'schema-id': number
  readonly summary: { readonly operation: string; readonly [fact: string]: string }
}

export interface MetadataParts {
  readonly uuid: string
  readonly location: string
  readonly updatedMs: number
  readonly nextFieldId: number
  /** Those that snapshots were written with, and the present one as the last. */
  readonly schemas: readonly IcebergSchema[]
  readonly properties: Readonly<Record<string, string>>
  /** Oldest first; the last one is the present. */
  readonly snapshots: readonly SnapshotMetadata[]
}

/**
 * What other engines are to know of tables here: deletes write files anew, manifests need no merging by them, and nobody but
 * Biwa removes files.
 */
const ownProperties = {
  'gc.enabled': 'false',
  'write.format.default': 'parquet',
  'write.delete.mode': 'copy-on-write',
  'write.update.mode': 'copy-on-write',
  'write.merge.mode': 'copy-on-write',
  'commit.manifest-merge.enabled': 'false',
} as const

/** Properties that hold whatever somebody sets. */
const firmProperties = { 'gc.enabled': ownProperties['gc.enabled'] } as const

const sortOrders = [
  { 'order-id': 0, fields: [] },
  {
    'order-id': timeSortOrder,
    fields: [{ transform: 'identity', 'source-id': timeColumn.fieldId, direction: 'asc', 'null-order': 'nulls-first' }],
  },
] as const

export function tableMetadata(parts: MetadataParts): TableMetadata {
  const { snapshots } = parts
  const current = snapshots.at(-1)
  return {
    'format-version': 2,
    'table-uuid': parts.uuid,
    location: parts.location,
    'last-sequence-number': current?.['sequence-number'] ?? 0,
    'last-updated-ms': Math.max(parts.updatedMs, current?.['timestamp-ms'] ?? 0),
    'last-column-id': parts.nextFieldId - 1,
    schemas: parts.schemas,
    'current-schema-id': parts.schemas.at(-1)?.['schema-id'] ?? 0,
    'partition-specs': partitionSpecs,
    'default-spec-id': 0,
    'last-partition-id': lastPartitionId,
    properties: { ...ownProperties, ...parts.properties, ...firmProperties },
    'current-snapshot-id': current?.['snapshot-id'] ?? null,
    snapshots,
    'snapshot-log': snapshots.map((snapshot) => ({
      'snapshot-id': snapshot['snapshot-id'],
      'timestamp-ms': snapshot['timestamp-ms'],
    })),
    'metadata-log': [],
    'sort-orders': sortOrders,
    'default-sort-order-id': timeSortOrder,
    refs: current === undefined ? {} : { main: { 'snapshot-id': current['snapshot-id'], type: 'branch' } },
  }
}

/** The metadata with only those snapshots that a ref names, as `snapshots=refs` asks for. */
export function withReferencedSnapshots(metadata: TableMetadata): TableMetadata {
  const named = new Set(Object.values(metadata.refs).map((ref) => ref['snapshot-id']))
  return { ...metadata, snapshots: metadata.snapshots.filter((snapshot) => named.has(snapshot['snapshot-id'])) }
}
