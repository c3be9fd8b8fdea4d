import type { Bounds } from './bounds.ts'
import { boundBytes, boundText, findBounds, mergeBounds } from './bounds.ts'
import { ByteSink } from './byte-sink.ts'
import type { ColumnChunkFacts, RowGroupFacts } from './footer.ts'
import { codecs, encodings, magic, putFooter, putPageHeader } from './footer.ts'
import type { LeafSource } from './leaves.ts'
import { leafSources } from './leaves.ts'
import { countNulls, nullsOf } from './nulls.ts'
import { plainBytes, putPlainValues } from './plain-values.ts'
import type { DenseVector, FlatVector, ParquetColumn, Vector } from './vectors.ts'
import { isFlat, valuesOf } from './vectors.ts'
import type { ParquetVersion } from './version.ts'

export interface PlainParquetOptions {
  /** Rows of a row group; the last may have fewer. The default is that of DuckDB. */
  readonly rowGroupRowsMax?: number
  /** Bytes of values in a page; a single longer value has a page of its own. */
  readonly pageBytesMax?: number
  /** Whether to look for the bounds of every column, a third of the work. Not needed in a file that is re-encoded at once. */
  readonly bounds?: boolean
  /** What the file says of itself, so that files that lie beside others can be joined with them. */
  readonly version?: ParquetVersion
  /** Bytes that are kept in the file as well, behind all values: a place that the footer, which alone says where things are, does not name. */
  readonly beside?: Uint8Array
}

export interface PlainParquetFile {
  /** The whole file. */
  readonly bytes: Buffer
  /** By field id of the top-level columns. */
  readonly columns: Readonly<Record<number, PlainColumnFacts>>
  /** Where `beside` begins in it. */
  readonly besideAt: number
}

export interface PlainColumnFacts {
  /** Bytes in the file, with the headers of pages. */
  readonly bytes: number
  readonly nulls: number
  /** As DuckDB prints the type. Absent where there is no value, in nested and binary columns, and where it would be long. */
  readonly min?: string
  readonly max?: string
  /** Of doubles: whether there is NaN among them, which the bounds leave out. */
  readonly nan?: boolean
}

/**
 * Writes columns to a Parquet file without compression (parquet-format, README.md, "File format"): for files that are small,
 * or that another writer reads at once. Every column has `rows` rows. A required column holds no null.
 */
export function writePlainParquet(
  columns: readonly ParquetColumn[],
  rows: number,
  options: PlainParquetOptions = {},
): PlainParquetFile {
  const { rowGroupRowsMax = 122_880, pageBytesMax = 1 << 20, bounds = true, version = 'v1', beside } = options
  const file = new ByteSink(columns.reduce((sum, column) => sum + expectedBytes(column.vector, rows), 4096))
  const writers = columns.map((column) => new ColumnWriter(column, file, pageBytesMax, bounds))
  file.append(magic)
  const groups: RowGroupFacts[] = []
  for (let from = 0; from < rows; from += rowGroupRowsMax) {
    const to = Math.min(from + rowGroupRowsMax, rows)
    groups.push({ rows: to - from, columns: writers.flatMap((writer) => writer.writeRows(from, to)) })
  }
  const besideAt = file.length
  if (beside !== undefined) file.append(beside)
  putFooter(file, columns, { groups, rows, version })
  const facts = Object.fromEntries(writers.map((writer) => [writer.column.fieldId, writer.facts()]))
  return { bytes: Buffer.from(file.bytes.buffer, 0, file.length), columns: facts, besideAt }
}

/** So much memory that the file mostly need not grow. */
function expectedBytes(vector: Vector, rows: number): number {
  switch (vector.kind) {
    case 'array':
    case 'map':
    case 'row':
      return insideOf(vector).reduce((sum, inner) => sum + expectedBytes(inner, lengthOf(inner)), rows)
    case 'sparse':
      return expectedBytes(vector.values, vector.rows.length) + rows / 8
    case 'bytes':
      return (vector.offsets[rows] ?? 0) + rows * 5
    case 'fixed':
      return rows * (vector.width + 1)
    default:
      return rows * 9
  }
}

function lengthOf(vector: Vector): number {
  return vector.kind === 'sparse' ? vector.rows.length : vector.valid.length
}

function insideOf(vector: Exclude<DenseVector, FlatVector>): readonly Vector[] {
  switch (vector.kind) {
    case 'array':
      return [vector.elements]
    case 'map':
      return [vector.keys, vector.values]
    case 'row':
      return vector.fields
  }
}

class ColumnWriter {
  readonly column: ParquetColumn
  readonly #leaves: readonly LeafSource[]
  readonly #file: ByteSink
  readonly #page = new ByteSink(0)
  readonly #pageBytesMax: number
  readonly #wantsBounds: boolean
  #bytes = 0
  #nulls = 0
  #bounds: Bounds | undefined

  constructor(column: ParquetColumn, file: ByteSink, pageBytesMax: number, wantsBounds: boolean) {
    this.column = column
    this.#leaves = leafSources(column)
    this.#file = file
    this.#pageBytesMax = pageBytesMax
    this.#wantsBounds = wantsBounds
  }

  /** Writes the rows as the column's chunks of one row group: one for each leaf. */
  writeRows(from: number, to: number): ColumnChunkFacts[] {
    this.#nulls += nullsOf(this.column.vector, from, to)
    return this.#leaves.map((source) => this.#writeChunk(source, from, to))
  }

  #writeChunk(source: LeafSource, from: number, to: number): ColumnChunkFacts {
    const { vector } = source
    const dataPageOffset = this.#file.length
    let slots = 0
    for (let row = from; row < to;) {
      const end = this.#pageEnd(source, row, to)
      slots += this.#writePage(source, row, end)
      row = end
    }
    const [first, last] = [source.valueIndex(from), source.valueIndex(to)]
    const values = last - first - countNulls(vector.valid, first, last)
    const bounds = this.#wantsBounds ? findBounds(vector, first, last) : undefined
    // They leave NaN out, and DuckDB takes them for those of all values.
    const stated = bounds && hasNan(vector, first, last) ? undefined : bounds
    if (vector === valuesOf(this.column.vector)) this.#bounds = mergeBounds(vector, this.#bounds, bounds)
    const bytes = this.#file.length - dataPageOffset
    this.#bytes += bytes
    return {
      leaf: source.leaf,
      valueCount: slots,
      nullCount: slots - values,
      encodings: [encodings.plain, encodings.rle],
      codec: codecs.none,
      dataPageOffset,
      bytes,
      plainBytes: bytes,
      min: stated && boundBytes(vector, stated.min, 'min'),
      max: stated && boundBytes(vector, stated.max, 'max'),
    }
  }

  /** The end of the longest run of rows whose values fit into a page; at least one row. */
  #pageEnd(source: LeafSource, from: number, to: number): number {
    const fits = (end: number): boolean =>
      plainBytes(source.vector, source.valueIndex(from), source.valueIndex(end)) <= this.#pageBytesMax
    if (fits(to)) return to
    let [enough, tooMuch] = [from, to]
    while (tooMuch - enough > 1) {
      const middle = (enough + tooMuch) >> 1
      if (fits(middle)) enough = middle
      else tooMuch = middle
    }
    return Math.max(enough, from + 1)
  }

  #writePage(source: LeafSource, from: number, to: number): number {
    this.#page.clear()
    const slots = source.putLevels(this.#page, from, to)
    putPlainValues(this.#page, source.vector, source.valueIndex(from), source.valueIndex(to))
    const bytes = this.#page.length
    putPageHeader(this.#file, { bytes, plainBytes: bytes, valueCount: slots, encoding: encodings.plain })
    this.#file.append(this.#page.written())
    return slots
  }

  facts(): PlainColumnFacts {
    const { annotation } = this.column
    const vector = valuesOf(this.column.vector)
    const min = this.#bounds && isFlat(vector) ? boundText(vector, this.#bounds.min, annotation) : undefined
    const max = this.#bounds && isFlat(vector) ? boundText(vector, this.#bounds.max, annotation) : undefined
    return {
      bytes: this.#bytes,
      nulls: this.#nulls,
      ...(min !== undefined && { min }),
      ...(max !== undefined && { max }),
      ...(vector.kind === 'double' && this.#wantsBounds && { nan: hasNan(vector, 0, vector.values.length) }),
    }
  }
}

function hasNan(vector: DenseVector, from: number, to: number): boolean {
  if (vector.kind !== 'double') return false
  const { values, valid } = vector
  return values.subarray(from, to).some((value, index) => Number.isNaN(value) && valid[from + index] === 1)
}
