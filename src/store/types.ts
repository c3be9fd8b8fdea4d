/**
 * The logical types of columns. Each has one canonical physical type in Parquet (docs/types.md), so that a field id keeps
 * its meaning for every engine; another type is another field id.
 */
export type LogicalType =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'bigint' }
  | { readonly kind: 'double' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'varchar' }
  | { readonly kind: 'varbinary' }
  | { readonly kind: 'date' }
  /** Microseconds, without a zone. */
  | { readonly kind: 'timestamp' }
  /** JSON text. */
  | { readonly kind: 'json' }
  | { readonly kind: 'array'; readonly element: LogicalType }
  | { readonly kind: 'map'; readonly key: LogicalType; readonly value: LogicalType }
  | { readonly kind: 'row'; readonly fields: readonly { readonly name: string; readonly type: LogicalType }[] }

export type ScalarKind = Exclude<LogicalType['kind'], 'array' | 'map' | 'row'>

/** What a scalar is in Parquet: the physical type and its annotation, in the words of the Parquet specification. */
export interface ParquetFacts {
  readonly physical: 'BOOLEAN' | 'INT32' | 'INT64' | 'DOUBLE' | 'BYTE_ARRAY' | 'FIXED_LEN_BYTE_ARRAY'
  readonly annotation: 'none' | 'string' | 'decimal' | 'date' | 'timestamp_micros'
}

/**
 * The canonical Parquet form of a scalar. JSON is plain text there: readers other than DuckDB know no JSON, and Iceberg
 * has no such type.
 */
export function parquetFacts(type: LogicalType & { kind: ScalarKind }): ParquetFacts {
  switch (type.kind) {
    case 'boolean':
      return { physical: 'BOOLEAN', annotation: 'none' }
    case 'bigint':
      return { physical: 'INT64', annotation: 'none' }
    case 'double':
      return { physical: 'DOUBLE', annotation: 'none' }
    case 'decimal':
      return { physical: decimalPhysical(type.precision), annotation: 'decimal' }
    case 'varchar':
    case 'json':
      return { physical: 'BYTE_ARRAY', annotation: 'string' }
    case 'varbinary':
      return { physical: 'BYTE_ARRAY', annotation: 'none' }
    case 'date':
      return { physical: 'INT32', annotation: 'date' }
    case 'timestamp':
      return { physical: 'INT64', annotation: 'timestamp_micros' }
  }
}

function decimalPhysical(precision: number): ParquetFacts['physical'] {
  if (precision <= 9) return 'INT32'
  return precision <= 18 ? 'INT64' : 'FIXED_LEN_BYTE_ARRAY'
}

const duckdbScalars = {
  boolean: 'BOOLEAN',
  bigint: 'BIGINT',
  double: 'DOUBLE',
  varchar: 'VARCHAR',
  varbinary: 'BLOB',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
  json: 'JSON',
} as const satisfies Record<Exclude<ScalarKind, 'decimal'>, string>

/** The type in DuckDB's SQL, as queries see it: `DECIMAL(10,2)`, `BIGINT[]`, `STRUCT("a" BIGINT)`. */
export function duckdbType(type: LogicalType): string {
  switch (type.kind) {
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`
    case 'array':
      return `${duckdbType(type.element)}[]`
    case 'map':
      return `MAP(${duckdbType(type.key)}, ${duckdbType(type.value)})`
    case 'row':
      return `STRUCT(${type.fields.map((field) => `${quotedName(field.name)} ${duckdbType(field.type)}`).join(', ')})`
    default:
      return duckdbScalars[type.kind]
  }
}

/** The type that a column is cast to before DuckDB writes it to a file: as `duckdbType`, but JSON as its text. */
export function duckdbFileType(type: LogicalType): string {
  return duckdbType(withoutJson(type))
}

function withoutJson(type: LogicalType): LogicalType {
  switch (type.kind) {
    case 'json':
      return { kind: 'varchar' }
    case 'array':
      return { kind: 'array', element: withoutJson(type.element) }
    case 'map':
      return { kind: 'map', key: withoutJson(type.key), value: withoutJson(type.value) }
    case 'row':
      return { kind: 'row', fields: type.fields.map(({ name, type: of }) => ({ name, type: withoutJson(of) })) }
    default:
      return type
  }
}

/** A name in double quotes, as SQL and the notation of types take it, whatever characters are in it. */
export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
