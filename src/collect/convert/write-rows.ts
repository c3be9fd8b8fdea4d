import type { Disk } from '../../base/disk.ts'
import type { LendSession } from '../../base/duckdb/session.ts'
import { assert, must } from '../../base/errors.ts'
import type { ParquetColumn, ParquetField } from '../../base/parquet/vectors.ts'
import type { ParquetVersion } from '../../base/parquet/version.ts'
import { writePlainParquet } from '../../base/parquet/write-plain.ts'
import { fileSchemaClause, innerColumns, timeColumn } from '../../store/columns.ts'
import { annotationOf } from '../../store/parquet-options.ts'
import type { Column } from '../../store/store.ts'
import { quotedName } from '../../store/types.ts'
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

/** Writes the rows that the splitter made of some bodies. */
export async function writeRows(
  result: SplitResult,
  draft: TableDraft,
  options: RowWriterOptions,
): Promise<ConvertedFile[]> {
  const pieces = new RowPieces(draft, options)
  await pieces.add(result)
  return await pieces.finish()
}

/** Rows that the splitter made at once, as our own writer keeps them. */
interface Piece {
  readonly path: string
  readonly columns: readonly FileColumn[]
  readonly rows: number
  readonly bytes: number
  readonly times: Times
  readonly statistics: ConvertedFile['statistics']
}

/**
 * Rows that the splitter makes piece by piece, for one file. Few of them stay as our own writer writes them, which takes a tenth of
 * the time that DuckDB needs to open and compress a file; more are encoded together, so that a piece can be as small as
 * memory and caches like it without the file becoming smaller.
 */
export class RowPieces {
  readonly #draft: TableDraft
  readonly #options: RowWriterOptions
  readonly #pieces: Piece[] = []

  constructor(draft: TableDraft, options: RowWriterOptions) {
    this.#draft = draft
    this.#options = options
  }

  async add(result: SplitResult): Promise<void> {
    const { rows } = result
    if (rows === 0) return
    const columns = this.#draft.resolve(result.columns)
    const parquet = columns.map((column, index) =>
      parquetColumn(column, must(result.columns[index], 'as many columns')),
    )
    const plain = writePlainParquet(parquet, rows, { bounds: rows < plainRowsMax })
    const path = `${this.#options.path}.plain-${this.#pieces.length}.parquet`
    await writeFile(this.#options.disk, path, plain.bytes)
    const [bytes, statistics] = [plain.bytes.byteLength, plain.columns]
    this.#pieces.push({ path, columns, rows, bytes, times: timesOf(result), statistics })
  }

  async finish(): Promise<ConvertedFile[]> {
    const [first, ...others] = this.#pieces
    if (first === undefined) return []
    if (others.length > 0 || first.rows >= plainRowsMax) return await this.#encoded()
    const { path, rows, bytes, times, statistics } = first
    return [{ path, rows, bytes, timeRange: { from: times.first, to: times.last + 1 }, statistics }]
  }

  async #encoded(): Promise<ConvertedFile[]> {
    const { session, lend, path, parquetVersion } = this.#options
    const columns = columnsOfAll(this.#pieces)
    const names = columns.map(({ name }) => quotedName(name))
    const files = this.#pieces.map((piece) => quotedText(piece.path))
    const source = `read_parquet([${files.join(', ')}], schema = ${fileSchemaClause(columns)})`
    const times = timesOfAll(this.#pieces)
    const plan = {
      query: `select ${names.join(', ')} from ${source}`,
      columns,
      rows: this.#pieces.reduce((sum, { rows }) => sum + rows, 0),
      seconds: times.last - times.first,
      isSorted: times.areSorted,
      path,
      parquetVersion,
    }
    const threads = threadsOf(plan, session.threads)
    return await ownSession({ ...session, threads }, lend, (opened) => encodeParquet(opened, plan))
  }
}

/** Each column that any of the pieces has: a name in SQL stays the same when others come after it. */
function columnsOfAll(pieces: readonly Piece[]): readonly FileColumn[] {
  const byId = new Map(pieces.flatMap(({ columns }) => columns).map((column) => [column.fieldId, column]))
  return [...byId.values()]
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

interface Times {
  readonly first: number
  readonly last: number
  /** Whether the rows are in their order. */
  readonly areSorted: boolean
}

function timesOf({ rows, columns }: SplitResult): Times {
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

function timesOfAll(pieces: readonly Piece[]): Times {
  const times = pieces.map((piece) => piece.times)
  return {
    first: Math.min(...times.map(({ first }) => first)),
    last: Math.max(...times.map(({ last }) => last)),
    areSorted: times.every(
      ({ first, areSorted }, index) => areSorted && first >= (times[index - 1]?.last ?? -Infinity),
    ),
  }
}
