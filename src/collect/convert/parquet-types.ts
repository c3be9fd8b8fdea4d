import type { DuckDBType } from '@duckdb/node-api'
import {
  DuckDBArrayType,
  DuckDBDecimalType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  DuckDBTypeId,
} from '@duckdb/node-api'

import type { LogicalType, ScalarKind } from '../../store/types.ts'

const scalars: Partial<Record<DuckDBTypeId, Exclude<ScalarKind, 'decimal'>>> = {
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
  [DuckDBTypeId.VARCHAR]: 'varchar',
  [DuckDBTypeId.ENUM]: 'varchar',
  [DuckDBTypeId.UUID]: 'varchar',
  [DuckDBTypeId.TIME]: 'varchar',
  [DuckDBTypeId.TIME_TZ]: 'varchar',
  [DuckDBTypeId.INTERVAL]: 'varchar',
  [DuckDBTypeId.BLOB]: 'varbinary',
  [DuckDBTypeId.DATE]: 'date',
  [DuckDBTypeId.TIMESTAMP]: 'timestamp',
  [DuckDBTypeId.TIMESTAMP_S]: 'timestamp',
  [DuckDBTypeId.TIMESTAMP_MS]: 'timestamp',
  // In UTC: our timestamps have no zone.
  [DuckDBTypeId.TIMESTAMP_TZ]: 'timestamp',
}

/**
 * The logical type that holds every value of a column of Parquet, as DuckDB reads it; undefined where none does. A timestamp
 * in nanoseconds is one in microseconds, which the caller checks.
 */
export function logicalTypeOf(type: DuckDBType): LogicalType | undefined {
  const scalar = scalars[type.typeId]
  if (scalar !== undefined) return { kind: scalar === 'varchar' && type.alias === 'JSON' ? 'json' : scalar }
  if (type.typeId === DuckDBTypeId.TIMESTAMP_NS) return { kind: 'timestamp' }
  if (type.typeId === DuckDBTypeId.UBIGINT) return { kind: 'decimal', precision: 20, scale: 0 }
  if (type instanceof DuckDBDecimalType) return { kind: 'decimal', precision: type.width, scale: type.scale }
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) {
    const element = innerTypeOf(type.valueType)
    return element && { kind: 'array', element }
  }
  if (type instanceof DuckDBMapType) {
    const [key, value] = [innerTypeOf(type.keyType), innerTypeOf(type.valueType)]
    return key && value && { kind: 'map', key, value }
  }
  if (type instanceof DuckDBStructType) return rowTypeOf(type)
  return undefined
}

function rowTypeOf(type: DuckDBStructType): LogicalType | undefined {
  const fields: { name: string; type: LogicalType }[] = []
  for (const [index, name] of type.entryNames.entries()) {
    const entry = type.entryTypes[index]
    const inner = entry && innerTypeOf(entry)
    if (inner === undefined) return undefined
    fields.push({ name, type: inner })
  }
  return fields.length === 0 ? undefined : { kind: 'row', fields }
}

/** Inside of other types nobody counts the nanoseconds that would be lost. */
function innerTypeOf(type: DuckDBType): LogicalType | undefined {
  return type.typeId === DuckDBTypeId.TIMESTAMP_NS ? undefined : logicalTypeOf(type)
}
