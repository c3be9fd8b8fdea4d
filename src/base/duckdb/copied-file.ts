import type { DuckDBValue } from '@duckdb/node-api'
import { DuckDBMapValue } from '@duckdb/node-api'

import { systemDisk } from '../disk.ts'
import { assert } from '../errors.ts'
import { forgetDoubleFilters } from '../parquet/double-filters.ts'
import type { Session } from './session.ts'

/** A column of a written file: compressed bytes, and bounds as text, as DuckDB prints the type. */
export interface FileStatistics {
  readonly bytes: number
  readonly nulls: number
  readonly min?: string
  readonly max?: string
  /** Of doubles: whether there is NaN among them, which the bounds leave out. */
  readonly nan?: boolean
}

/** A file that COPY has written. */
export interface CopiedFile {
  readonly path: string
  readonly rows: number
  readonly bytes: number
  /** By path of the column in the file, such as `"a"."element"`. */
  readonly columns: Readonly<Record<string, FileStatistics>>
}

/**
 * Runs a COPY (RETURN_STATS true) whose files become chunks, and has them forget the bloom filters by which DuckDB would not find
 * all doubles that are equal.
 */
export async function copyToChunks(session: Pick<Session, 'rows'>, statement: string): Promise<CopiedFile[]> {
  const written = (await session.rows(statement)).map(copiedFile)
  for (const { path } of written) await forgetDoubleFilters(systemDisk, path)
  return written
}

/** What `COPY … (RETURN_STATS true)` tells of the file it wrote: name, rows, bytes, footer, statistics by column. */
export function copiedFile(row: readonly DuckDBValue[]): CopiedFile {
  const [path, rows, bytes, , columns] = row
  assert(columns instanceof DuckDBMapValue, 'COPY answers with statistics')
  const entries = columns.entries.map(({ key, value }) => [String(key), columnStatistics(value)] as const)
  return { path: String(path), rows: Number(rows), bytes: Number(bytes), columns: Object.fromEntries(entries) }
}

function columnStatistics(value: DuckDBValue): FileStatistics {
  assert(value instanceof DuckDBMapValue, 'the statistics of a column are a map')
  const texts = new Map(value.entries.map((entry) => [String(entry.key), String(entry.value)]))
  const [min, max, nan] = [texts.get('min'), texts.get('max'), texts.get('has_nan')]
  return {
    bytes: Number(texts.get('column_size_bytes') ?? 0),
    nulls: Number(texts.get('null_count') ?? 0),
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(nan !== undefined && { nan: nan === 'true' }),
  }
}
