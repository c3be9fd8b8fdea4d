import type { Disk } from '../../base/disk.ts'
import type { LendSession } from '../../base/duckdb/session.ts'
import { assert, must } from '../../base/errors.ts'
import type { ParquetAnnotation, ParquetColumn, ParquetField } from '../../base/parquet/vectors.ts'
import type { ParquetVersion } from '../../base/parquet/version.ts'
import { writePlainParquet } from '../../base/parquet/write-plain.ts'
import { innerColumns, timeColumn } from '../../store/columns.ts'
import type { Column } from '../../store/store.ts'
import type { LogicalType } from '../../store/types.ts'
import { duckdbFileType, quotedName } from '../../store/types.ts'
import { plainRowsMax } from '../limits.ts'
import type { SplitColumn, SplitResult } from '../split/splitter.ts'
import type { SessionOptions } from './duckdb.ts'
import { ownSession, quotedText } from './duckdb.ts'
import { encodeParquet, threadsOf } from './encode.ts'
import type { FileColumn, TableDraft } from './table-draft.ts'
import type { ConvertedFile } from './tasks.ts'

export interface RowWriterOptions {
  readonly disk: Disk
  readonly session: SessionOptions
  /** For what was written here, by statements of ours. */
  readonly lend: LendSession
  /** A path below the session's directory that nothing has yet; suffixes are added. */
  readonly path: string
  readonly parquetVersion: ParquetVersion
}

/**
 * Writes the rows that the splitter made. Few of them stay as our own writer writes them, which takes a tenth of the time that
 * DuckDB needs to open and compress a file; more are encoded again.
 */
export async function writeRows(
  result: SplitResult,
  draft: TableDraft,
  { disk, session, lend, path, parquetVersion }: RowWriterOptions,
): Promise<ConvertedFile[]> {
  if (result.rows === 0) return []
  const columns = draft.resolve(result.columns)
  const isSmall = result.rows < plainRowsMax
  const parquet = columns.map((column, index) => parquetColumn(column, must(result.columns[index], 'as many columns')))
  const plain = writePlainParquet(parquet, result.rows, { bounds: isSmall })
  const times = timesOf(result)
  const plainPath = `${path}.plain.parquet`
  await writeFile(disk, plainPath, plain.bytes)
  if (isSmall) {
    const timeRange = { from: times.first, to: times.last + 1 }
    const bytes = plain.bytes.byteLength
    return [{ path: plainPath, rows: result.rows, bytes, timeRange, statistics: plain.columns }]
  }
  const names = columns.map(({ name, type }) => `${quotedName(name)}::${duckdbFileType(type)} as ${quotedName(name)}`)
  const query = `select ${names.join(', ')} from read_parquet(${quotedText(plainPath)})`
  const seconds = times.last - times.first
  const plan = { query, columns, rows: result.rows, seconds, isSorted: times.areSorted, path, parquetVersion }
  const threads = threadsOf(plan, session.threads)
  return await ownSession({ ...session, threads }, lend, (opened) => encodeParquet(opened, plan))
}

async function writeFile(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const file = await disk.open(path, 'create')
  try {
    await file.write(bytes, 0)
  } finally {
    await file.close()
  }
}

function parquetColumn(column: FileColumn, { vector }: SplitColumn): ParquetColumn {
  return { ...parquetField(column), required: column.fieldId === timeColumn.fieldId, vector }
}

function parquetField(column: Column): ParquetField {
  const { name, fieldId, type } = column
  return { name, fieldId, annotation: annotationOf(type), inner: innerColumns(column).map(parquetField) }
}

function annotationOf(type: LogicalType): ParquetAnnotation {
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

/** The first and the last time, and whether the rows are in its order. */
function timesOf({ rows, columns }: SplitResult): { first: number; last: number; areSorted: boolean } {
  const vector = columns[0]?.vector
  assert(columns[0]?.name === 'time' && vector?.kind === 'int64', 'the time comes first')
  let first = Infinity
  let last = -Infinity
  let areSorted = true
  let previous = -Infinity
  // Times are far within what a double holds: its two words make one sooner than a BigInt does.
  const words = new Int32Array(vector.values.buffer, vector.values.byteOffset, rows * 2)
  for (let row = 0; row < rows; row += 1) {
    const time = (words[row * 2 + 1] as number) * 2 ** 32 + ((words[row * 2] as number) >>> 0)
    if (time < previous) areSorted = false
    if (time < first) first = time
    if (time > last) last = time
    previous = time
  }
  return { first, last, areSorted }
}
