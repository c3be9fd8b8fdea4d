import type { ParquetAnnotation } from '../base/parquet/vectors.ts'
import type { ParquetVersion } from '../base/parquet/version.ts'
import type { LogicalType } from './types.ts'

/** As many rows as DuckDB puts into a row group by itself: what is skipped, or read by one thread, at a time. */
const groupRowsMax = 122_880

/** DuckDB holds the rows of a group in memory until it is full, eight bytes and more for each value, be it null. */
const groupValuesMax = 2 ** 23

/** DuckDB works on so many rows at a time, and a group has a multiple of it. */
const vectorRows = 2048

/** The rows of a row group: fewer where a table has more than 68 columns. */
export function groupRowsOf(columnCount: number): number {
  const vectors = Math.floor(groupValuesMax / Math.max(columnCount, 1) / vectorRows)
  return Math.min(groupRowsMax, Math.max(1, vectors) * vectorRows)
}

/**
 * How DuckDB's COPY writes Parquet, whatever it is for. Bloom filters come by themselves with dictionaries, which columns get
 * that have few different values in a row group; why not more of them is in docs/decisions/0009-pruning-by-statistics.md.
 */
export function parquetOptions(columnCount: number): string[] {
  return [
    'format parquet',
    'compression zstd',
    'compression_level 1',
    `row_group_size ${groupRowsOf(columnCount)}`,
    'return_stats true',
  ]
}

/** Of a file that becomes a chunk; `fieldIds` is what `fieldIdsClause` makes of its columns. */
export function chunkOptions(fieldIds: string, columnCount: number, version: ParquetVersion): string[] {
  return [...parquetOptions(columnCount), `parquet_version ${version}`, `field_ids ${fieldIds}`]
}

/** What a Parquet column of the type says of itself. A nested one says nothing: its leaves do. */
export function annotationOf(type: LogicalType): ParquetAnnotation {
  switch (type.kind) {
    case 'varchar':
    case 'json':
      return { kind: 'string' }
    case 'date':
      return { kind: 'date' }
    case 'timestamp':
      return { kind: 'timestamp_micros' }
    case 'decimal':
      return { kind: 'decimal', precision: type.precision, scale: type.scale }
    default:
      return { kind: 'none' }
  }
}
