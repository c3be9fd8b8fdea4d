import { readAvroFile } from '../../base/avro/read.ts'
import type { AvroRecord, AvroSchema } from '../../base/avro/schema.ts'
import { writeAvroFile } from '../../base/avro/write.ts'
import { int64Bytes } from './bounds.ts'
import type { SpecId } from './partition.ts'
import { specFields } from './partition.ts'

/** A manifest as lists name it, with what lets a reader pass it over. */
export interface ManifestFacts {
  readonly path: string
  readonly bytes: number
  readonly spec: SpecId
  /** The snapshot that shows it for the first time. */
  readonly addedSnapshot: number
  readonly sequenceMin: number
  readonly addedFiles: number
  readonly addedRows: number
  readonly existingFiles: number
  readonly existingRows: number
  /** The first and the last hour of its files, in seconds; null where they are of no hour. */
  readonly hours: { readonly first: number; readonly last: number } | null
}

/** The list of all manifests of a snapshot (Iceberg's specification, “Manifest Lists”), of version 2. */
export function writeManifestList(
  snapshot: number,
  parent: number | null,
  manifests: readonly ManifestFacts[],
): Buffer {
  const records = manifests.map((manifest) => ({
    manifest_path: manifest.path,
    manifest_length: manifest.bytes,
    partition_spec_id: manifest.spec,
    content: 0,
    sequence_number: manifest.addedSnapshot,
    min_sequence_number: manifest.sequenceMin,
    added_snapshot_id: manifest.addedSnapshot,
    added_files_count: manifest.addedFiles,
    existing_files_count: manifest.existingFiles,
    deleted_files_count: 0,
    added_rows_count: manifest.addedRows,
    existing_rows_count: manifest.existingRows,
    deleted_rows_count: 0,
    partitions: specFields(manifest.spec).map(() => ({
      contains_null: false,
      contains_nan: false,
      lower_bound: manifest.hours && int64Bytes(manifest.hours.first),
      upper_bound: manifest.hours && int64Bytes(manifest.hours.last),
    })),
  }))
  return writeAvroFile(listSchema, records, {
    'snapshot-id': String(snapshot),
    'parent-snapshot-id': String(parent),
    'sequence-number': String(snapshot),
    'format-version': '2',
  })
}

const field = (id: number, name: string, type: AvroSchema) => ({ name, type, 'field-id': id })
const optional = (id: number, name: string, type: AvroSchema) =>
  ({ name, type: ['null', type], default: null, 'field-id': id }) as const

const listSchema: AvroRecord = {
  type: 'record',
  name: 'manifest_file',
  fields: [
    field(500, 'manifest_path', 'string'),
    field(501, 'manifest_length', 'long'),
    field(502, 'partition_spec_id', 'int'),
    field(517, 'content', 'int'),
    field(515, 'sequence_number', 'long'),
    field(516, 'min_sequence_number', 'long'),
    field(503, 'added_snapshot_id', 'long'),
    field(504, 'added_files_count', 'int'),
    field(505, 'existing_files_count', 'int'),
    field(506, 'deleted_files_count', 'int'),
    field(512, 'added_rows_count', 'long'),
    field(513, 'existing_rows_count', 'long'),
    field(514, 'deleted_rows_count', 'long'),
    optional(507, 'partitions', {
      type: 'array',
      'element-id': 508,
      items: {
        type: 'record',
        name: 'r508',
        fields: [
          field(509, 'contains_null', 'boolean'),
          optional(518, 'contains_nan', 'boolean'),
          optional(510, 'lower_bound', 'bytes'),
          optional(511, 'upper_bound', 'bytes'),
        ],
      },
    }),
  ],
}

/** Where a list of another engine says that manifests are, and which of them list delete files. */
export function readManifestList(path: string, bytes: Uint8Array): { path: string; hasDeletes: boolean }[] {
  return readAvroFile(path, bytes).records.map((record) => {
    const { manifest_path: manifest, content } = record as { manifest_path: unknown; content?: unknown }
    return { path: String(manifest), hasDeletes: (content ?? 0) !== 0 }
  })
}
