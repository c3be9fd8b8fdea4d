import fc from 'fast-check'

import type { ParquetAnnotation, ParquetColumn, Vector } from '../vectors.ts'

// Columns of every kind, made of values.

type Maybe<T> = T | null

const validOf = (values: readonly unknown[]): Uint8Array => Uint8Array.from(values, (value) => (value === null ? 0 : 1))

export const int64Vector = (values: readonly Maybe<bigint>[]): Vector => ({
  kind: 'int64',
  valid: validOf(values),
  values: BigInt64Array.from(values, (value) => value ?? 0n),
})

export const int32Vector = (values: readonly Maybe<number>[]): Vector => ({
  kind: 'int32',
  valid: validOf(values),
  values: Int32Array.from(values, (value) => value ?? 0),
})

export const doubleVector = (values: readonly Maybe<number>[]): Vector => ({
  kind: 'double',
  valid: validOf(values),
  values: Float64Array.from(values, (value) => value ?? 0),
})

export const booleanVector = (values: readonly Maybe<boolean>[]): Vector => ({
  kind: 'boolean',
  valid: validOf(values),
  values: Uint8Array.from(values, (value) => (value === true ? 1 : 0)),
})

export function bytesVector(values: readonly Maybe<string | Uint8Array>[]): Vector & { kind: 'bytes' } {
  const parts = values.map((value) => Buffer.from(value ?? ''))
  const offsets = new Uint32Array(values.length + 1)
  for (const [index, part] of parts.entries()) offsets[index + 1] = (offsets[index] ?? 0) + part.length
  return { kind: 'bytes', valid: validOf(values), offsets, data: Buffer.concat(parts) }
}

export function fixedVector(values: readonly Maybe<bigint>[]): Vector {
  const hex = values.map((value) =>
    BigInt.asUintN(128, value ?? 0n)
      .toString(16)
      .padStart(32, '0'),
  )
  return { kind: 'fixed', valid: validOf(values), width: 16, data: Buffer.from(hex.join(''), 'hex') }
}

type Entries = readonly (readonly [string, Maybe<string>])[]

export function mapVector(rows: readonly Maybe<Entries>[]): Vector {
  const entries = rows.flatMap((row) => row ?? [])
  const offsets = new Uint32Array(rows.length + 1)
  for (const [index, row] of rows.entries()) offsets[index + 1] = (offsets[index] ?? 0) + (row?.length ?? 0)
  const keys = bytesVector(entries.map(([key]) => key))
  const values = bytesVector(entries.map(([, value]) => value))
  return { kind: 'map', valid: validOf(rows), offsets, keys, values }
}

export const none: ParquetAnnotation = { kind: 'none' }
export const text: ParquetAnnotation = { kind: 'string' }

export function column(
  fieldId: number,
  name: string,
  vector: Vector,
  annotation = none,
  required = false,
): ParquetColumn {
  const entry = (inner: string, place: number) => ({
    name: inner,
    fieldId: fieldId + place,
    annotation: text,
    inner: [],
  })
  const inner = vector.kind === 'map' ? [entry('key', 1), entry('value', 2)] : []
  return { name, fieldId, annotation, required, vector, inner }
}

const nullable = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Maybe<T>> => fc.option(value, { freq: 4 })
const anyInt64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
// The client through which tests read drops a byte order mark at the beginning of a text.
const anyText = fc.string({ unit: 'binary', maxLength: 80 }).filter((text) => !text.startsWith('\uFEFF'))
const anyEntries = fc.uniqueArray(fc.tuple(anyText, nullable(anyText)), { maxLength: 4, selector: ([key]) => key })

export const anyRow = fc.record({
  required: anyInt64,
  integer: nullable(anyInt64),
  double: nullable(fc.double({ noNaN: true })),
  flag: nullable(fc.boolean()),
  text: nullable(anyText),
  blob: nullable(fc.uint8Array({ maxLength: 80 })),
  map: nullable(anyEntries),
  // DuckDB's own range of timestamps and dates is smaller than that of the cells.
  timestamp: nullable(fc.bigInt({ min: -(2n ** 55n), max: 2n ** 56n })),
  date: nullable(fc.integer({ min: -800_000, max: 3_000_000 })),
  small: nullable(fc.integer({ min: -999_999_999, max: 999_999_999 })),
  decimal: nullable(fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n })),
})

export type Row = typeof anyRow extends fc.Arbitrary<infer T> ? T : never

export const columnsOf = (rows: readonly Row[]): ParquetColumn[] => [
  column(1, 'required', int64Vector(rows.map((row) => row.required)), none, true),
  column(2, 'integer', int64Vector(rows.map((row) => row.integer))),
  column(3, 'double', doubleVector(rows.map((row) => row.double))),
  column(4, 'flag', booleanVector(rows.map((row) => row.flag))),
  column(5, 'text', bytesVector(rows.map((row) => row.text)), text),
  column(6, 'blob', bytesVector(rows.map((row) => row.blob))),
  column(7, 'map', mapVector(rows.map((row) => row.map))),
  column(10, 'timestamp', int64Vector(rows.map((row) => row.timestamp)), { kind: 'timestamp_micros' }),
  column(11, 'date', int32Vector(rows.map((row) => row.date)), { kind: 'date' }),
  column(12, 'small', int32Vector(rows.map((row) => row.small)), { kind: 'decimal', precision: 9, scale: 2 }),
  column(13, 'decimal', fixedVector(rows.map((row) => row.decimal)), { kind: 'decimal', precision: 38, scale: 10 }),
]
