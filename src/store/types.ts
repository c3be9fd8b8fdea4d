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
