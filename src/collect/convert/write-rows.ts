import type { Disk } from '../../base/disk.ts'
import type { LendSession } from '../../base/duckdb/session.ts'
import { assert, must } from '../../base/errors.ts'
import type { EncodedGroup } from '../../base/parquet/encode-rows.ts'
import { encodeRows } from '../../base/parquet/encode-rows.ts'
import type { NativeEncoder } from '../../base/parquet/native-encoder.ts'
import { emptyOf } from '../../base/parquet/vectors.ts'
import type { ParquetColumn, ParquetField } from '../../base/parquet/vectors.ts'
import type { ParquetVersion } from '../../base/parquet/version.ts'
import { writeGroups } from '../../base/parquet/write-groups.ts'
import { writePlainParquet } from '../../base/parquet/write-plain.ts'
import { fileSchemaClause, innerColumns, timeColumn } from '../../store/columns.ts'
import { annotationOf, groupRowsOf } from '../../store/parquet-options.ts'
import type { Column } from '../../store/store.ts'
import { quotedName } from '../../store/types.ts'
import type { SplitColumn, SplitResult } from '../split/splitter.ts'
import type { SessionOptions } from './duckdb.ts'
import { ownSession, quotedText } from './duckdb.ts'
import { encodeParquet, isFew, isToBeArranged, threadsOf } from './encode.ts'
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
  /** Without one, DuckDB encodes all rows but few. */
  readonly encoder?: NativeEncoder | undefined
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

interface RowsInTime {
  readonly rows: number
  readonly times: Times
}

/** Rows that the splitter made at once. */
interface Piece extends RowsInTime {
  readonly columns: readonly FileColumn[]
  /** Without values. */
  readonly parquet: readonly ParquetColumn[]
}

/** A piece as it is kept until the file is written: as row groups in memory, or as a plain file. */
type KeptPiece = Piece & ({ readonly groups: readonly EncodedGroup[] } | { readonly file: ConvertedFile })

/**
 * Rows that the splitter makes piece by piece, for one file, so that a piece can be as small as memory and caches like it. Each
 * is encoded by itself, as row groups of the file. DuckDB has to read and write the rows only where they are to be arranged, or nothing here
 * can encode them; few rows stay plain then.
 */
export class RowPieces {
  readonly #draft: TableDraft
  readonly #options: RowWriterOptions
  readonly #kept: KeptPiece[] = []
  #files = 0

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
    const piece = { columns, rows, times: timesOf(result) }
    const shape = parquet.map((column) => ({ ...column, vector: emptyOf(column.vector) }))
    const { encoder, parquetVersion: version } = this.#options
    if (encoder === undefined || isToBeArranged(extentOf([...this.#kept, piece]))) {
      this.#kept.push({ ...piece, parquet: shape, file: await this.#plainFile(parquet, piece) })
    } else {
      const groups = encodeRows(encoder, parquet, rows, { groupRowsMax: groupRowsOf(columns.length), version })
      this.#kept.push({ ...piece, parquet: shape, groups })
    }
  }

  async finish(): Promise<ConvertedFile[]> {
    const [first, ...others] = this.#kept
    if (first === undefined) return []
    const { encoder } = this.#options
    if (encoder !== undefined && !isToBeArranged(extentOf(this.#kept))) {
      return [await this.#encodedFile(encoder, this.#kept)]
    }
    if ('file' in first && others.length === 0 && isFew(first)) return [first.file]
    return await this.#rewritten(encoder)
  }

  async #plainFile(parquet: readonly ParquetColumn[], { rows, times }: RowsInTime): Promise<ConvertedFile> {
    const version = this.#options.parquetVersion
    const { bytes, columns } = writePlainParquet(parquet, rows, { version, bounds: isFew({ rows }) })
    const path = await this.#write([bytes])
    return { path, rows, bytes: bytes.byteLength, timeRange: timeRangeOf(times), statistics: columns }
  }

  /** The row groups of the pieces in one file. */
  async #encodedFile(encoder: NativeEncoder, pieces: readonly KeptPiece[]): Promise<ConvertedFile> {
    const groups = pieces.flatMap((piece) => ('groups' in piece ? piece.groups : []))
    const columns = byFieldId(pieces.flatMap(({ parquet }) => parquet))
    const {
      parts,
      rows,
      bytes,
      columns: statistics,
    } = writeGroups(encoder, groups, columns, this.#options.parquetVersion)
    const path = await this.#write(parts)
    return { path, rows, bytes, timeRange: timeRangeOf(timesOfAll(pieces)), statistics }
  }

  /** All rows as DuckDB encodes them, in the order and the files in which it puts them. */
  async #rewritten(encoder: NativeEncoder | undefined): Promise<ConvertedFile[]> {
    const { session, lend, path, parquetVersion } = this.#options
    const files: string[] = []
    for (const piece of this.#kept) {
      if ('file' in piece) files.push(piece.file.path)
      else files.push((await this.#encodedFile(must(encoder, 'there was one before'), [piece])).path)
    }
    const columns = byFieldId(this.#kept.flatMap((piece) => piece.columns))
    const names = columns.map(({ name }) => quotedName(name))
    const source = `read_parquet([${files.map(quotedText).join(', ')}], schema = ${fileSchemaClause(columns)})`
    const query = `select ${names.join(', ')} from ${source}`
    const plan = { query, columns, ...extentOf(this.#kept), path, parquetVersion }
    const threads = threadsOf(plan, session.threads)
    return await ownSession({ ...session, threads }, lend, (opened) => encodeParquet(opened, plan))
  }

  async #write(parts: readonly Uint8Array[]): Promise<string> {
    const path = `${this.#options.path}.own-${this.#files++}.parquet`
    const file = await this.#options.disk.open(path, 'create')
    try {
      await file.writeAll(parts, 0)
    } finally {
      await file.close()
    }
    return path
  }
}

/** Each column that any of the pieces has: a name in SQL stays the same when others come after it. */
function byFieldId<Column extends FileColumn | ParquetColumn>(columns: readonly Column[]): readonly Column[] {
  return [...new Map(columns.map((column) => [column.fieldId, column])).values()]
}

function extentOf(pieces: readonly RowsInTime[]): { rows: number; seconds: number; isSorted: boolean } {
  const { first, last, areSorted } = timesOfAll(pieces)
  return { rows: pieces.reduce((sum, { rows }) => sum + rows, 0), seconds: last - first, isSorted: areSorted }
}

function timeRangeOf({ first, last }: Times): ConvertedFile['timeRange'] {
  return { from: first, to: last + 1 }
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

function timesOfAll(pieces: readonly RowsInTime[]): Times {
  const times = pieces.map((piece) => piece.times)
  return {
    first: Math.min(...times.map(({ first }) => first)),
    last: Math.max(...times.map(({ last }) => last)),
    areSorted: times.every(
      ({ first, areSorted }, index) => areSorted && first >= (times[index - 1]?.last ?? -Infinity),
    ),
  }
}
