import type { DuckDBValue } from '@duckdb/node-api'
import { DuckDBBlobValue, DuckDBDateValue, DuckDBDecimalValue, DuckDBTimestampValue } from '@duckdb/node-api'

import { must } from '../../../base/errors.ts'
import type { FlatVector } from '../../../base/parquet/vectors.ts'
import type { ScalarType } from '../../../store/types.ts'

/** A column of values that DuckDB's client has read, as the Parquet writer takes it: what DuckDB would have written for it. */
export function vectorOfValues(type: ScalarType, column: readonly DuckDBValue[]): FlatVector {
  const valid = Uint8Array.from(column, (value) => (value === null ? 0 : 1))
  switch (type.kind) {
    case 'boolean':
      return { kind: 'boolean', valid, values: Uint8Array.from(column, Number) }
    case 'bigint':
      return { kind: 'int64', valid, values: BigInt64Array.from(column, (value) => (value ?? 0n) as bigint) }
    case 'double':
      return { kind: 'double', valid, values: Float64Array.from(column, Number) }
    case 'date':
      return { kind: 'int32', valid, values: Int32Array.from(column, daysOf) }
    case 'timestamp':
      return { kind: 'int64', valid, values: BigInt64Array.from(column, microsOf) }
    case 'decimal':
      return { kind: 'fixed', valid, width: decimalWidth, data: decimalBytes(column) }
    case 'varbinary':
      return { kind: 'bytes', valid, ...joined(column.map((value) => (value === null ? nothing : bytesOf(value)))) }
    case 'varchar':
    case 'json':
      return { kind: 'bytes', valid, ...joined(column.map((value) => Buffer.from((value ?? '') as string))) }
  }
}

// A value that is not of the type of its column is a bug.

const nothing = new Uint8Array(0)

const daysOf = (value: DuckDBValue): number =>
  value === null ? 0 : must(value instanceof DuckDBDateValue ? value : null, 'a date is days').days

const microsOf = (value: DuckDBValue): bigint =>
  value === null ? 0n : must(value instanceof DuckDBTimestampValue ? value : null, 'a timestamp is microseconds').micros

const bytesOf = (value: DuckDBValue): Uint8Array =>
  must(value instanceof DuckDBBlobValue ? value : null, 'a varbinary is bytes').bytes

/** Room for 38 digits. */
const decimalWidth = 16

function decimalBytes(column: readonly DuckDBValue[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(column.length * decimalWidth))
  for (const [row, value] of column.entries()) {
    if (value === null) continue
    const { value: unscaled } = must(value instanceof DuckDBDecimalValue ? value : null, 'a decimal is unscaled')
    view.setBigInt64(row * decimalWidth, unscaled >> 64n)
    view.setBigUint64(row * decimalWidth + 8, BigInt.asUintN(64, unscaled))
  }
  return new Uint8Array(view.buffer)
}

function joined(values: readonly Uint8Array[]): { readonly offsets: Uint32Array; readonly data: Uint8Array } {
  const offsets = new Uint32Array(values.length + 1)
  for (const [row, value] of values.entries()) offsets[row + 1] = (offsets[row] ?? 0) + value.byteLength
  return { offsets, data: Buffer.concat(values) }
}
