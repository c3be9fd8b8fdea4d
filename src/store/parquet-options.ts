/** As many rows as DuckDB puts into a row group: what is skipped, or read by one thread, at a time. */
export const groupRows = 122_880
