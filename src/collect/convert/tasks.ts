import type { ErrorRecord } from '../../base/errors.ts'
import type { Column, ColumnStatistics, TimeRange } from '../../store/store.ts'
import type { ContentEncoding, ImportFormat } from '../collect.ts'
import type { SchemaMode } from '../split/splitter.ts'

/**
 * What import jobs ask of engine processes, and what these answer. Everything here crosses the border between two
 * processes and is plain data; `message.ts` says how.
 */
export const convertTask = 'collect.convert'

/** A body in a file: `bytes` of it, from `offset` on. */
export interface ConvertBody {
  readonly path: string
  readonly offset: number
  readonly bytes: number
  readonly format: ImportFormat
  readonly encoding: ContentEncoding
  readonly timeColumn: string | null
  readonly receivedAtUs: number
  /** Where it is larger than memory it is converted piece by piece, as far as its format allows; or else it is refused. */
  readonly mayBeLong?: boolean | undefined
}

/** Bodies that are meant for one table. */
export interface ConvertInput {
  readonly bodies: readonly ConvertBody[]
  /** The table's columns, without the fixed ones. */
  readonly columns: readonly Column[]
  readonly nextFieldId: number
  readonly schemaMode: SchemaMode
  /** Where files may be written. It exists, and is removed by whoever asks. */
  readonly directory: string
  readonly memoryBytes: number
  readonly threads: number
}

/** A file that is a chunk when it is uploaded and committed. */
export interface ConvertedFile {
  readonly path: string
  readonly rows: number
  readonly bytes: number
  readonly timeRange: TimeRange
  readonly statistics: Readonly<Record<number, ColumnStatistics>>
}

export interface RejectedRow {
  /** From 0 in the body. */
  readonly recordNumber: number
  /** In the inflated body; null where records have no place of their own, as in Parquet. */
  readonly byteOffset: number | null
  readonly reason: string
  readonly detail: string
  /** The first bytes; a file holds all where there are more. */
  readonly raw: Uint8Array
  readonly rawBytes: number
  readonly path: string | null
}

/** How a rejected record is read by itself. */
export interface RecordReading {
  readonly format: ImportFormat
  /** What goes before it, such as the line of names of CSV. */
  readonly header: Uint8Array | null
}

/** Rejected records that are too many to be kept one by one, one after the other in a file, as `readAs` says. */
export interface RejectedRest {
  readonly records: number
  readonly path: string
  readonly bytes: number
  /** The first bytes of the file. */
  readonly head: Uint8Array
}

/** What came of one body: rows + rejected = records in it. */
export interface ConvertedBody {
  readonly rows: number
  readonly rejected: number
  /** The first of them, at most `rejectedRecordsMax`. */
  readonly rejectedRows: readonly RejectedRow[]
  /** How each of them is read; absent where there are none, or they cannot be read by themselves. */
  readonly readAs?: RecordReading
  /** Those behind the first; absent where there are none, or they cannot be read by themselves. */
  readonly rest?: RejectedRest
  /** Set where nothing of the body can be read; then it has no rows and no rejected ones. */
  readonly error: ErrorRecord | null
}

export interface ConvertOutput {
  readonly files: readonly ConvertedFile[]
  readonly newColumns: readonly Column[]
  /** One for each body of the input. */
  readonly bodies: readonly ConvertedBody[]
}
