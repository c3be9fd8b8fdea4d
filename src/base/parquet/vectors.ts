import { must } from '../errors.ts'

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
      /** The elements of row `i` are those from `offsets[i]` to `offsets[i + 1]`. */
      readonly kind: 'array'
      readonly valid: Uint8Array
      readonly offsets: Uint32Array
      readonly elements: Vector
    }
  | {
      /** Entries of row `i` are those from `offsets[i]` to `offsets[i + 1]` of `keys` and `values`. */
      readonly kind: 'map'
      readonly valid: Uint8Array
      readonly offsets: Uint32Array
      readonly keys: Vector
      readonly values: Vector
    }
  /** A value of the type row, which has one value in each of the fields: those of row `i` are their values `i`. */
  | { readonly kind: 'row'; readonly valid: Uint8Array; readonly fields: readonly Vector[] }
  /** A value for some of the rows, which are in ascending order; all others are null. */
  | { readonly kind: 'sparse'; readonly rows: Uint32Array; readonly values: DenseVector }

/** Vectors with a place for every row. */
export type DenseVector = Exclude<Vector, { kind: 'sparse' }>

// `valid` has one byte per row: 1 for a value, 0 for null. `bytes` values lie at data[offsets[i]] to data[offsets[i + 1]];
// a null has length 0. Slots of null rows in `values` are 0. What is null has nothing valid inside of it: a null array has no
// elements, and the fields of a null row are null.

/** Vectors whose values lie in one leaf of the schema. */
export type FlatVector = Exclude<DenseVector, { kind: 'array' | 'map' | 'row' }>

export function isFlat(vector: Vector): vector is FlatVector {
  return vector.kind !== 'array' && vector.kind !== 'map' && vector.kind !== 'row' && vector.kind !== 'sparse'
}

export function valuesOf(vector: Vector): DenseVector {
  return vector.kind === 'sparse' ? vector.values : vector
}

/** How the bytes of a column are annotated in Parquet's schema. */
export type ParquetAnnotation =
  | { readonly kind: 'none' }
  | { readonly kind: 'string' }
  | { readonly kind: 'timestamp_micros' }
  | { readonly kind: 'date' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }

/** What the schema says of a value. */
export interface ParquetField {
  readonly name: string
  readonly fieldId: number
  readonly annotation: ParquetAnnotation
  /** What is inside: the element of an array, the key and the value of a map, the fields of a row. Empty where nothing is. */
  readonly inner: readonly ParquetField[]
}

export interface ParquetColumn extends ParquetField {
  readonly required: boolean
  readonly vector: Vector
}

/** A part of a vector beside what the schema says of it. */
export interface InnerVector {
  readonly field: ParquetField
  readonly vector: Vector
  /** Keys of maps are never null. */
  readonly required: boolean
}

/** What is inside of a vector, in the order of the schema. */
export function innerVectors(field: ParquetField, vector: Vector): InnerVector[] {
  const at = (index: number, inner: Vector, required = false): InnerVector => ({
    field: must(field.inner[index], 'the schema says what is inside of a vector'),
    vector: inner,
    required,
  })
  switch (vector.kind) {
    case 'array':
      return [at(0, vector.elements)]
    case 'map':
      return [at(0, vector.keys, true), at(1, vector.values)]
    case 'row':
      return vector.fields.map((inner, index) => at(index, inner))
    case 'sparse':
      return innerVectors(field, vector.values)
    default:
      return []
  }
}

/** A vector of the same shape without values. */
export function emptyOf(vector: Vector): DenseVector {
  const valid = new Uint8Array(0)
  const offsets = new Uint32Array(1)
  switch (vector.kind) {
    case 'sparse':
      return emptyOf(vector.values)
    case 'boolean':
      return { kind: vector.kind, valid, values: new Uint8Array(0) }
    case 'int32':
      return { kind: vector.kind, valid, values: new Int32Array(0) }
    case 'int64':
      return { kind: vector.kind, valid, values: new BigInt64Array(0) }
    case 'double':
      return { kind: vector.kind, valid, values: new Float64Array(0) }
    case 'fixed':
      return { ...vector, valid, data: new Uint8Array(0) }
    case 'bytes':
      return { kind: vector.kind, valid, offsets, data: new Uint8Array(0) }
    case 'array':
      return { kind: vector.kind, valid, offsets, elements: emptyOf(vector.elements) }
    case 'map':
      return { kind: vector.kind, valid, offsets, keys: emptyOf(vector.keys), values: emptyOf(vector.values) }
    case 'row':
      return { kind: vector.kind, valid, fields: vector.fields.map((field) => emptyOf(field)) }
  }
}
