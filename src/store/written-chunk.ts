import type { CopiedFile } from '../base/duckdb/copied-file.ts'
import { AppError, must } from '../base/errors.ts'
import { innerFieldIds } from './columns.ts'
import type { Column, ColumnStatistics, NewChunk, TimeRange } from './store.ts'
import { quotedName } from './types.ts'

/** What the catalog keeps of a file that DuckDB wrote. The file has at least one row. */
export function writtenChunk(
  place: { readonly id: string; readonly objectKey: string },
  file: Omit<CopiedFile, 'path'>,
  columns: readonly Column[],
): NewChunk {
  const statistics: Record<number, ColumnStatistics> = {}
  for (const { path, fieldId } of columns.flatMap((column) => leaves(column, ''))) {
    const found = file.columns[path]
    if (found !== undefined) statistics[fieldId] = found
  }
  return { timeRange: timeRangeOf(statistics), rows: file.rows, bytes: file.bytes, statistics, crc32: null, ...place }
}

/** The columns as Parquet stores them, by the names that COPY gives them in its statistics: `"a"."element"`. */
function leaves(column: Column, above: string): { path: string; fieldId: number }[] {
  const path = `${above}${quotedName(column.name)}`
  const inner = innerFieldIds(column)
  if (inner.size === 0) return [{ path, fieldId: column.fieldId }]
  return innerColumns(column, inner).flatMap((child) => leaves(child, `${path}.`))
}

function innerColumns({ type }: Column, ids: ReadonlyMap<string, number>): Column[] {
  const child = (name: string, of: Column['type']): Column => ({
    name,
    type: of,
    fieldId: must(ids.get(name), 'each inner field has an id'),
  })
  switch (type.kind) {
    case 'array':
      return [child('element', type.element)]
    case 'map':
      return [child('key', type.key), child('value', type.value)]
    case 'row':
      return type.fields.map((field) => child(field.name, field.type))
    default:
      return []
  }
}

function timeRangeOf(statistics: Readonly<Record<number, ColumnStatistics>>): TimeRange {
  const { min, max } = must(statistics[1], 'the file has times')
  const [first, last] = [Number(min), Number(max)]
  if (Number.isSafeInteger(first) && Number.isSafeInteger(last + 1)) return { from: first, to: last + 1 }
  throw new AppError('query_data', `The times of the rows reach from ${min} to ${max}, which are no unix seconds.`, {
    hint: 'The column time holds seconds since 1970; divide milliseconds by 1000.',
  })
}
