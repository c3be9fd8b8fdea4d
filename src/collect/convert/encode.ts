import type { CopiedFile } from '../../base/duckdb/copied-file.ts'
import { copyToChunks } from '../../base/duckdb/copied-file.ts'
import { assert, must } from '../../base/errors.ts'
import type { ParquetVersion } from '../../base/parquet/version.ts'
import { fieldIdsClause, rescuedColumn, timeColumn } from '../../store/columns.ts'
import { chunkOptions, groupRowsOf } from '../../store/parquet-options.ts'
import type { ColumnStatistics } from '../../store/store.ts'
import { isScalar, quotedName } from '../../store/types.ts'
import { arrangedRowsMin } from '../limits.ts'
import type { Session } from './duckdb.ts'
import { quotedText } from './duckdb.ts'
import type { FileColumn } from './table-draft.ts'
import type { ConvertedFile } from './tasks.ts'

export interface EncodePlan {
  /** SQL whose columns are `columns`, by name and in order. */
  readonly query: string
  readonly columns: readonly FileColumn[]
  readonly rows: number
  /** Seconds between the first and the last row. */
  readonly seconds: number
  readonly isSorted: boolean
  /** Where files go, all below a name that nothing has yet. */
  readonly path: string
  readonly parquetVersion: ParquetVersion
}

/** Rows of a file, where there are several. */
const fileRows = 122_880

/** Rows within an hour are merged and sorted later by those that came beside them: sorting them now gains nothing. */
const sortedBeyondSeconds = 3600

/**
 * Writes the rows as compressed Parquet. Rows of more than an hour are sorted by time; many of them become several files, each
 * with a time of its own, so that a query for an hour opens one or two of them.
 */
export async function encodeParquet(session: Session, plan: EncodePlan): Promise<ConvertedFile[]> {
  const isSplit = isInFiles(plan)
  const order = isToBeSorted(plan) ? ` order by ${quotedName('time')}` : ''
  const options = [
    ...chunkOptions(fieldIdsClause(plan.columns), plan.columns.length, plan.parquetVersion),
    ...(isSplit ? [`row_groups_per_file ${Math.round(fileRows / groupRowsOf(plan.columns.length))}`] : []),
  ]
  const target = quotedText(isSplit ? plan.path : `${plan.path}.parquet`)
  const written = await copyToChunks(session, `copy (${plan.query}${order}) to ${target} (${options.join(', ')})`)
  // A file that was begun for rows that had all been written already is empty, and no chunk.
  const files: ConvertedFile[] = []
  for (const file of written.filter((of) => of.rows > 0)) {
    files.push(convertedFile(file, plan.columns, await nestedNulls(session, file.path, plan.columns)))
  }
  const rows = files.reduce((sum, file) => sum + file.rows, 0)
  assert(rows === plan.rows, `DuckDB wrote ${rows} rows of ${plan.rows}`)
  return files
}

/** What says how rows become files. */
type Extent = Pick<EncodePlan, 'rows' | 'seconds' | 'isSorted'>

const isWide = ({ seconds }: Extent): boolean => seconds > sortedBeyondSeconds
const isInFiles = (extent: Extent): boolean => isWide(extent) && extent.rows >= 2 * fileRows
const isToBeSorted = (extent: Extent): boolean => isWide(extent) && !extent.isSorted

/** Few rows are not worth an instance of DuckDB. */
export const isFew = ({ rows }: Pick<Extent, 'rows'>): boolean => rows < arrangedRowsMin

/** Whether rows have to be put into another order or into several files: then DuckDB encodes them, and else our own encoder. */
export function isToBeArranged(extent: Extent): boolean {
  return !isFew(extent) && (isToBeSorted(extent) || isInFiles(extent))
}

/**
 * How many threads are of use. A row group is read and written by one: a second one with nothing to do took a third of the CPU
 * time besides. Among several files, two threads now and then put a row group into another one than its time says.
 */
export function threadsOf(plan: EncodePlan, threadsMax: number): number {
  if (isInFiles(plan)) return 1
  return Math.min(threadsMax, Math.ceil(plan.rows / groupRowsOf(plan.columns.length)))
}

/**
 * How many values of each nested column are null, which no leaf says: there a null looks like an empty array. Only `_rescued`
 * is never empty.
 */
async function nestedNulls(
  session: Session,
  path: string,
  columns: readonly FileColumn[],
): Promise<ReadonlyMap<number, number>> {
  const nested = columns.filter(({ fieldId, type }) => !isScalar(type) && fieldId !== rescuedColumn.fieldId)
  if (nested.length === 0) return new Map()
  const counts = nested.map(({ name }) => `count(*) - count(${quotedName(name)})`)
  const [row] = await session.rows(`select ${counts.join(', ')} from read_parquet(${quotedText(path)})`)
  return new Map(nested.map(({ fieldId }, index) => [fieldId, Number(row?.[index])]))
}

/** What COPY tells of a file, by field ids instead of paths. */
function convertedFile(
  { path, rows, bytes, columns: byPath }: CopiedFile,
  columns: readonly FileColumn[],
  nulls: ReadonlyMap<number, number>,
): ConvertedFile {
  const paths = Object.entries(byPath)
  const byName = new Map(paths)
  const statistics: Record<number, ColumnStatistics> = {}
  for (const { fieldId, name, type } of columns) {
    const own = quotedName(name)
    if (isScalar(type)) statistics[fieldId] = must(byName.get(own), 'COPY tells of every column')
    else {
      // What is inside of a nested column counts for it, but has bounds of its own.
      const inner = paths.filter(([path]) => path.startsWith(`${own}.`)).map(([, facts]) => facts)
      statistics[fieldId] = {
        bytes: inner.reduce((sum, facts) => sum + facts.bytes, 0),
        nulls: nulls.get(fieldId) ?? Math.min(...inner.map((facts) => facts.nulls), rows),
      }
    }
  }
  const { min, max } = must(statistics[timeColumn.fieldId], 'every file has a time')
  const timeRange = { from: Number(must(min, 'times have a first')), to: Number(must(max, 'times have a last')) + 1 }
  return { path, rows, bytes, timeRange, statistics }
}
