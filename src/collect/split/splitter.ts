import type { Memory } from '../../base/kept-memory.ts'
import type { Vector } from '../../base/parquet/vectors.ts'
import type { TableSettings } from '../../store/store.ts'
import type { LogicalType } from '../../store/types.ts'

/** What becomes of keys without a column and of values that do not fit: see docs/types.md, “Schema modes”. */
export type SchemaMode = TableSettings['schemaMode']

/** The formats that the splitter reads; CSV, TSV and Parquet go through DuckDB's readers. */
export type SplitFormat = 'ndjson' | 'json' | 'msgpack' | 'fluent'

export interface SplitBody {
  /** Inflated. */
  readonly bytes: Uint8Array
  readonly format: SplitFormat
  /** Whether text in which JSON is written fills nested columns: where the bodies come from a format that knows only text. */
  readonly textMayBeNested?: boolean
  /** The key that holds the time; null for `time`, or for the time beside the record where the format is `fluent`. */
  readonly timeColumn: string | null
  /** The time of rows that carry none, microseconds since the epoch. */
  readonly receivedAtUs: number
}

export interface SplitLimits {
  /** Levels of arrays and objects, the record itself being the first. */
  readonly depthMax: number
  readonly recordBytesMax: number
  /** Columns of the table, those there are and those a body would add. */
  readonly columnsMax: number
  /** UTF-8 bytes of a column's name. */
  readonly nameBytesMax: number
  /** Values inside of one value of a nested column, which is rescued where it has more. */
  readonly nestedValuesMax: number
}

/** A record that could not be read. The bytes are a view into the body. */
export interface RejectedRecord {
  readonly body: number
  readonly recordNumber: number
  readonly byteOffset: number
  readonly reason: RejectReason
  readonly detail: string
  readonly raw: Uint8Array
}

export type RejectReason =
  | 'json_syntax'
  | 'msgpack_syntax'
  | 'utf8'
  | 'truncated'
  | 'not_an_object'
  | 'duplicate_key'
  | 'depth'
  | 'record_size'
  | 'too_many_columns'
  | 'column_name'
  | 'schema'
  | 'time'

export interface SplitColumn {
  readonly name: string
  readonly type: LogicalType
  readonly vector: Vector
}

export interface SplitResult {
  readonly rows: number
  /**
   * Every column that has a value in these rows: `time` first (never null), then `time_us` where a time had a fraction
   * of a second, the table's own columns, new columns in the order in which they were first seen, and `_rescued`
   * (map of varchar to varchar: column name to the value as JSON text) where something did not fit.
   */
  readonly columns: readonly SplitColumn[]
  readonly rejected: readonly RejectedRecord[]
  /** By body: rows + rejected = records in the body. */
  readonly bodies: readonly { readonly rows: number; readonly rejected: number }[]
}

/**
 * Turns bodies of records into columns, exactly: every digit is kept, in its column or in `_rescued`; one unreadable
 * record leaves its neighbours alone. `known` are the table's columns without the fixed ones. A new column gets the
 * narrowest of boolean, bigint, double, varchar and json that holds all its values in these bodies; where the mode is another
 * than `evolve`, there are none. The columns may lie in `memory`, and are gone where that gives it to somebody else.
 * The JavaScript implementation is the reference for the one in WASM.
 */
export interface Splitter {
  split(
    bodies: readonly SplitBody[],
    known: readonly { readonly name: string; readonly type: LogicalType }[],
    limits: SplitLimits,
    mode?: SchemaMode,
    memory?: Memory,
  ): SplitResult
}
