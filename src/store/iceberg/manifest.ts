import type { AvroRecord, AvroSchema, AvroValue } from '../../base/avro/schema.ts'
import { readAvroFile } from '../../base/avro/read.ts'
import { writeAvroFile } from '../../base/avro/write.ts'
import { AppError } from '../../base/errors.ts'
import type { Column, NewChunk } from '../store.ts'
import { columnMetrics } from './bounds.ts'
import type { SpecId } from './partition.ts'
import { partitionOf, specFields } from './partition.ts'
import { icebergSchema } from './schema.ts'

/** A data file of a manifest: the chunk behind it, and since when it is there. */
export interface ManifestEntry extends Pick<NewChunk, 'timeRange' | 'rows' | 'bytes' | 'statistics'> {
  readonly path: string
  readonly status: 'existing' | 'added'
  /** The snapshot that shows it for the first time. */
  readonly snapshot: number
  readonly sequence: number
  readonly isSorted: boolean
}

/** The sort order of files that are sorted by time, in metadata and manifests. */
export const timeSortOrder = 1

const statuses = { existing: 0, added: 1, deleted: 2 } as const

/**
 * A manifest: the list of data files of one partition spec (Iceberg's specification, “Manifests”), of version 2. Sequence
 * numbers are written out, so that an entry means the same in whatever list the manifest is.
 */
export function writeManifest(
  table: { readonly columns: readonly Column[]; readonly schemaVersion: number },
  spec: SpecId,
  entries: readonly ManifestEntry[],
): Buffer {
  const metadata = {
    schema: JSON.stringify(icebergSchema(table.columns, table.schemaVersion)),
    'schema-id': String(table.schemaVersion),
    'partition-spec': JSON.stringify(specFields(spec)),
    'partition-spec-id': String(spec),
    'format-version': '2',
    content: 'data',
  }
  return writeAvroFile(
    entrySchema(spec),
    entries.map((entry) => entryValue(table.columns, spec, entry)),
    metadata,
  )
}

function entryValue(columns: readonly Column[], spec: SpecId, entry: ManifestEntry): AvroValue {
  const metrics = columnMetrics(columns, entry)
  return {
    status: statuses[entry.status],
    snapshot_id: entry.snapshot,
    sequence_number: entry.sequence,
    file_sequence_number: entry.sequence,
    data_file: {
      content: 0,
      file_path: entry.path,
      file_format: 'PARQUET',
      partition: partitionOf(spec, entry.timeRange),
      record_count: entry.rows,
      file_size_in_bytes: entry.bytes,
      column_sizes: keyed(metrics.sizes),
      value_counts: keyed(metrics.valueCounts),
      null_value_counts: keyed(metrics.nullCounts),
      lower_bounds: keyed(metrics.lowerBounds),
      upper_bounds: keyed(metrics.upperBounds),
      sort_order_id: entry.isSorted ? timeSortOrder : null,
    },
  }
}

/** Maps with keys that are no text are arrays of pairs in Avro. */
function keyed(map: ReadonlyMap<number, AvroValue>): AvroValue {
  return [...map].map(([key, value]) => ({ key, value }))
}

const field = (id: number, name: string, type: AvroSchema) => ({ name, type, 'field-id': id })
const optional = (id: number, name: string, type: AvroSchema) =>
  ({ name, type: ['null', type], default: null, 'field-id': id }) as const

function keyedMap(keyId: number, valueId: number, value: 'long' | 'bytes'): AvroSchema {
  return {
    type: 'array',
    logicalType: 'map',
    items: {
      type: 'record',
      name: `k${keyId}_v${valueId}`,
      fields: [field(keyId, 'key', 'int'), field(valueId, 'value', value)],
    },
  }
}

function entrySchema(spec: SpecId): AvroRecord {
  const partition = specFields(spec).map((part) => optional(part['field-id'], part.name, 'long'))
  return {
    type: 'record',
    name: 'manifest_entry',
    fields: [
      field(0, 'status', 'int'),
      optional(1, 'snapshot_id', 'long'),
      optional(3, 'sequence_number', 'long'),
      optional(4, 'file_sequence_number', 'long'),
      field(2, 'data_file', {
        type: 'record',
        name: 'r2',
        fields: [
          field(134, 'content', 'int'),
          field(100, 'file_path', 'string'),
          field(101, 'file_format', 'string'),
          field(102, 'partition', { type: 'record', name: 'r102', fields: partition }),
          field(103, 'record_count', 'long'),
          field(104, 'file_size_in_bytes', 'long'),
          optional(108, 'column_sizes', keyedMap(117, 118, 'long')),
          optional(109, 'value_counts', keyedMap(119, 120, 'long')),
          optional(110, 'null_value_counts', keyedMap(121, 122, 'long')),
          optional(125, 'lower_bounds', keyedMap(126, 127, 'bytes')),
          optional(128, 'upper_bounds', keyedMap(129, 130, 'bytes')),
          optional(140, 'sort_order_id', 'int'),
        ],
      }),
    ],
  }
}

/** What a commit of another engine needs to be known of a data file; all else is read from the file itself. */
export interface ForeignEntry {
  readonly isLive: boolean
  readonly path: string
  readonly format: string
  readonly rows: number
  readonly bytes: number
}

/** Reads a manifest that another engine wrote. Fails with `body_malformed`, or `invalid_request` where it lists delete files. */
export function readManifest(path: string, bytes: Uint8Array): ForeignEntry[] {
  const { metadata, records } = readAvroFile(path, bytes)
  if (metadata.get('content') === 'deletes') throw deleteFiles(path)
  return records.map((record) => {
    const { status, data_file: file } = record as { status: unknown; data_file: Record<string, unknown> }
    if (typeof file['file_path'] !== 'string' || (file['content'] ?? 0) !== 0) throw deleteFiles(path)
    return {
      isLive: status !== statuses.deleted,
      path: file['file_path'],
      format: String(file['file_format']),
      rows: Number(file['record_count']),
      bytes: Number(file['file_size_in_bytes']),
    }
  })
}

export function deleteFiles(path: string): AppError {
  return new AppError('invalid_request', `The manifest ${path} lists delete files, which tables here do not have.`, {
    hint: 'Delete and update by copy-on-write: set write.delete.mode, write.update.mode and write.merge.mode accordingly.',
  })
}
