/** As many rows as DuckDB puts into a row group: what is skipped, or read by one thread, at a time. */
export const groupRows = 122_880

/**
 * How DuckDB's COPY writes Parquet, whatever it is for. Bloom filters come by themselves with dictionaries, which columns get
 * that have few different values in a row group; why not more of them is in docs/decisions/0009-pruning-by-statistics.md.
 */
export const parquetOptions: readonly string[] = [
  'format parquet',
  'compression zstd',
  'compression_level 1',
  `row_group_size ${groupRows}`,
  'return_stats true',
]

/** Of a file that becomes a chunk; `fieldIds` is what `fieldIdsClause` makes of its columns. */
export function chunkOptions(fieldIds: string): string[] {
  return [...parquetOptions, `field_ids ${fieldIds}`]
}
