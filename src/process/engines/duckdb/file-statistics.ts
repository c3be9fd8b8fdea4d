import type { DuckDBValue } from '@duckdb/node-api'
import { DuckDBMapValue } from '@duckdb/node-api'

import { assert } from '../../../base/errors.ts'
import type { Execution, FileStatistics } from './tasks.ts'

/** What `COPY … (RETURN_STATS true)` tells of the file it wrote: name, rows, bytes, footer, statistics by column. */
export function copiedFile(row: readonly DuckDBValue[]): Execution {
  const [, rows, bytes, , columns] = row
  assert(columns instanceof DuckDBMapValue, 'COPY answers with statistics')
  const entries = columns.entries.map(({ key, value }) => [String(key), columnStatistics(value)] as const)
  return { rows: Number(rows), bytes: Number(bytes), columns: Object.fromEntries(entries) }
}

function columnStatistics(value: DuckDBValue): FileStatistics {
  assert(value instanceof DuckDBMapValue, 'the statistics of a column are a map')
  const texts = new Map(value.entries.map((entry) => [String(entry.key), String(entry.value)]))
  const [min, max] = [texts.get('min'), texts.get('max')]
  return {
    bytes: Number(texts.get('column_size_bytes') ?? 0),
    nulls: Number(texts.get('null_count') ?? 0),
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
  }
}
