/**
 * Columns of values in memory: flat typed arrays without an object per value, the shape in which the splitter (in
 * JavaScript or WASM) hands its rows to the Parquet writer.
 */
export type Vector =
  | { readonly kind: 'boolean'; readonly valid: Uint8Array; readonly values: Uint8Array }
  | { readonly kind: 'int32'; readonly valid: Uint8Array; readonly values: Int32Array }
  | { readonly kind: 'int64'; readonly valid: Uint8Array; readonly values: BigInt64Array }
  | { readonly kind: 'double'; readonly valid: Uint8Array; readonly values: Float64Array }
  /** Values of `width` bytes each, one behind the other: decimals as big-endian two's complement. */
  | { readonly kind: 'fixed'; readonly valid: Uint8Array; readonly width: number; readonly data: Uint8Array }
  | { readonly kind: 'bytes'; readonly valid: Uint8Array; readonly offsets: Uint32Array; readonly data: Uint8Array }
  | {
      /** Entries of row `i` are those from `offsets[i]` to `offsets[i + 1]` of `keys` and `values`. */
      readonly kind: 'map'
      readonly valid: Uint8Array
      readonly offsets: Uint32Array
      readonly keys: Vector
      readonly values: Vector
    }

// `valid` has one byte per row: 1 for a value, 0 for null. `bytes` values lie at data[offsets[i]] to data[offsets[i + 1]];
// a null has length 0. Slots of null rows in `values` are 0.

/** How the bytes of a column are annotated in Parquet's schema. */
export type ParquetAnnotation =
  | { readonly kind: 'none' }
  | { readonly kind: 'string' }
  | { readonly kind: 'timestamp_micros' }
  | { readonly kind: 'date' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }

export interface ParquetColumn {
  readonly name: string
  readonly fieldId: number
  readonly annotation: ParquetAnnotation
  readonly required: boolean
  readonly vector: Vector
  /** For maps: field ids and annotations of the entries. */
  readonly entries?: {
    readonly key: { readonly fieldId: number; readonly annotation: ParquetAnnotation }
    readonly value: { readonly fieldId: number; readonly annotation: ParquetAnnotation }
  }
}
