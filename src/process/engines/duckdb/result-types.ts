import type { DuckDBStructType, DuckDBType } from '@duckdb/node-api'
import { DuckDBTypeId } from '@duckdb/node-api'

import type { LogicalType, ScalarKind } from '../../../store/types.ts'

type PlainKind = Exclude<ScalarKind, 'decimal'>

/**
 * Scalars with a counterpart that holds each of their values. HUGEINT, the type of every sum(bigint), becomes a decimal:
 * Parquet has no such integer, and DuckDB would write it as a DOUBLE without a word. Times with a zone become timestamps
 * in UTC.
 */
const scalars: Readonly<Partial<Record<DuckDBTypeId, PlainKind>>> = {
  [DuckDBTypeId.BOOLEAN]: 'boolean',
  [DuckDBTypeId.TINYINT]: 'bigint',
  [DuckDBTypeId.SMALLINT]: 'bigint',
  [DuckDBTypeId.INTEGER]: 'bigint',
  [DuckDBTypeId.BIGINT]: 'bigint',
  [DuckDBTypeId.UTINYINT]: 'bigint',
  [DuckDBTypeId.USMALLINT]: 'bigint',
  [DuckDBTypeId.UINTEGER]: 'bigint',
  [DuckDBTypeId.FLOAT]: 'double',
  [DuckDBTypeId.DOUBLE]: 'double',
  [DuckDBTypeId.DATE]: 'date',
  [DuckDBTypeId.TIMESTAMP]: 'timestamp',
  [DuckDBTypeId.TIMESTAMP_S]: 'timestamp',
  [DuckDBTypeId.TIMESTAMP_MS]: 'timestamp',
  [DuckDBTypeId.TIMESTAMP_TZ]: 'timestamp',
  [DuckDBTypeId.BLOB]: 'varbinary',
}

/** The logical type of a column of an answer. What has no counterpart (UUID, TIME, INTERVAL, nanoseconds …) is its text. */
export function logicalType(type: DuckDBType): LogicalType {
  switch (type.typeId) {
    case DuckDBTypeId.UBIGINT:
      return { kind: 'decimal', precision: 20, scale: 0 }
    case DuckDBTypeId.HUGEINT:
    case DuckDBTypeId.UHUGEINT:
      return { kind: 'decimal', precision: 38, scale: 0 }
    case DuckDBTypeId.DECIMAL: {
      const { width, scale } = type
      return { kind: 'decimal', precision: width, scale }
    }
    case DuckDBTypeId.VARCHAR:
      return { kind: type.alias === 'JSON' ? 'json' : 'varchar' }
    case DuckDBTypeId.LIST:
    case DuckDBTypeId.ARRAY:
      return { kind: 'array', element: logicalType(type.valueType) }
    case DuckDBTypeId.MAP: {
      const { keyType, valueType } = type
      return { kind: 'map', key: logicalType(keyType), value: logicalType(valueType) }
    }
    case DuckDBTypeId.STRUCT:
      return rowType(type)
    default:
      return { kind: scalars[type.typeId] ?? 'varchar' }
  }
}

/** Fields of row(1, 2) have no names; readers of files need some. */
function rowType({ entryNames, entryTypes }: DuckDBStructType): LogicalType {
  const fields = entryTypes.map((type, index) => ({
    name: entryNames[index] === '' ? `f${index + 1}` : (entryNames[index] ?? `f${index + 1}`),
    type: logicalType(type),
  }))
  return { kind: 'row', fields }
}
