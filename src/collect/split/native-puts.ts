import type { NativeValues } from './native-lane.ts'
import type { SparseBuilder } from './sparse-writer.ts'
import type { BooleanBuilder, BytesBuilder, DoubleBuilder, Int64Builder } from './vector-builders.ts'

/** Rows that WebAssembly read, and how many times as many are expected in all as there will be with them. */
export interface NativeRows {
  readonly first: number
  readonly count: number
  readonly growth: number
}

/** Puts values that WebAssembly read into the column of a field; `count` of the rows have one. */
export type PutNative = (values: NativeValues, count: number, rows: NativeRows) => void

/** The place in the column for the first of the values. */
function placeOf(sparse: SparseBuilder, { hasValue }: NativeValues, count: number, rows: NativeRows): number {
  return count === rows.count ? sparse.addMany(rows.first, count) : sparse.addSome(rows.first, hasValue, rows.count)
}

export function nativeIntegers(sparse: SparseBuilder, builder: Int64Builder): PutNative {
  return (values, count, rows) => {
    if (count > 0) builder.setMany(placeOf(sparse, values, count, rows), values.words, count, rows.growth)
  }
}

export function nativeDoubles(sparse: SparseBuilder, builder: DoubleBuilder): PutNative {
  return (values, count, rows) => {
    if (count > 0) builder.setMany(placeOf(sparse, values, count, rows), values.doubles, count, rows.growth)
  }
}

export function nativeBooleans(sparse: SparseBuilder, builder: BooleanBuilder): PutNative {
  return (values, count, rows) => {
    if (count > 0) builder.setMany(placeOf(sparse, values, count, rows), values.booleans, count, rows.growth)
  }
}

export function nativeTexts(sparse: SparseBuilder, builder: BytesBuilder): PutNative {
  return (values, count, rows) => {
    if (count === 0) return
    builder.setMany(placeOf(sparse, values, count, rows), values.text, values.ends, count, rows.growth)
  }
}
