/**
 * Whose words a query is written in. The engine knows one language, DuckDB's with the functions of our library; where Presto or Hive
 * mean something else by the same words, queries in their dialect are translated.
 */
export type SqlDialect = 'duckdb' | 'presto' | 'hive'

/** The dialect of a query by the name under which its client knows the engine; ours where it says none. */
export function dialectOf(submittedAs: string | undefined): SqlDialect {
  switch (submittedAs) {
    case 'presto':
    case 'trino':
      return 'presto'
    case 'hive':
      return 'hive'
    default:
      return 'duckdb'
  }
}
