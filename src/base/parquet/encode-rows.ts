import { ByteSink } from './byte-sink.ts'
import { encodeChunk } from './encode-chunk.ts'
import type { ColumnChunkFacts } from './footer.ts'
import type { LeafSource } from './leaves.ts'
import { leafSources } from './leaves.ts'
import type { NativeEncoder } from './native-encoder.ts'
import { nullsOf } from './nulls.ts'
import type { FlatVector, ParquetColumn } from './vectors.ts'
import { isFlat, valuesOf } from './vectors.ts'
import type { ParquetVersion } from './version.ts'

/** Rows as they will lie in a file: the pages of all columns. */
export interface EncodedGroup {
  readonly rows: number
  readonly bytes: Uint8Array
  /** By field id of the top-level columns. */
  readonly columns: ReadonlyMap<number, EncodedColumn>
}

export interface EncodedColumn {
  /** Of each leaf. Places are those in the bytes of the group. */
  readonly chunks: readonly ColumnChunkFacts[]
  readonly nulls: number
  /** Of a column that is not nested: the least and the greatest value, where there is any. */
  readonly bounds?: FlatVector | undefined
  readonly hasNan?: boolean
}

export interface EncodingOptions {
  /** Rows of a row group. */
  readonly groupRowsMax: number
  readonly version: ParquetVersion
}

/** A row group ends where a leaf comes to so many bytes, unless a single row has more: the encoder's memory is a few times as large. */
const chunkBytesMax = 16 << 20

/** Encodes the rows of columns as row groups of about the same size, where no leaf has too many bytes. */
export function encodeRows(
  native: NativeEncoder,
  columns: readonly ParquetColumn[],
  rows: number,
  { groupRowsMax, version }: EncodingOptions,
): EncodedGroup[] {
  const sources = columns.map((column) => ({ column, leaves: leafSources(column) }))
  const allLeaves = sources.flatMap(({ leaves }) => leaves)
  const groupRows = Math.ceil(rows / Math.ceil(rows / groupRowsMax))
  const groups: EncodedGroup[] = []
  for (let from = 0, to = 0; from < rows; from = to) {
    to = allLeaves.reduce((end, leaf) => endOfGroup(leaf, from, end), Math.min(from + groupRows, rows))
    const range = { from, to, version }
    try {
      const sink = new ByteSink(0, native.pages)
      const encoded = sources.map(({ column, leaves }) => {
        return [column.fieldId, encodeColumn(native, sink, { column, leaves, ...range })] as const
      })
      // The groups wait in memory for the end of the file, and the sink's has others to serve.
      groups.push({ rows: to - from, bytes: sink.written().slice(), columns: new Map(encoded) })
    } finally {
      native.pages.takeBack()
    }
  }
  return groups
}

/** The last row up to `most` before which the leaf has no more bytes than it may have. */
function endOfGroup(leaf: LeafSource, from: number, most: number): number {
  if (bytesOf(leaf, from, most) <= chunkBytesMax) return most
  let [least, end] = [from + 1, most]
  while (least < end) {
    const middle = (least + end + 1) >> 1
    if (bytesOf(leaf, from, middle) <= chunkBytesMax) least = middle
    else end = middle - 1
  }
  return least
}

/** What the values of the rows take in the encoder's memory. */
function bytesOf({ vector, valueIndex }: LeafSource, from: number, to: number): number {
  const [first, end] = [valueIndex(from), valueIndex(to)]
  if (vector.kind === 'bytes') return (vector.offsets[end] ?? 0) - (vector.offsets[first] ?? 0) + (end - first) * 4
  return (end - first) * (vector.kind === 'fixed' ? vector.width : vector.values.BYTES_PER_ELEMENT)
}

interface ColumnRows {
  readonly column: ParquetColumn
  readonly leaves: readonly LeafSource[]
  readonly from: number
  readonly to: number
  readonly version: ParquetVersion
}

export function encodeColumn(
  native: NativeEncoder,
  sink: ByteSink,
  { column, leaves, ...rows }: ColumnRows,
): EncodedColumn {
  const [first, ...others] = leaves.map((leaf) => encodeChunk(native, sink, leaf, rows))
  if (first !== undefined && isFlat(valuesOf(column.vector))) {
    const { facts, bounds, hasNan } = first
    return { chunks: [facts], nulls: facts.nullCount, bounds, hasNan }
  }
  const chunks = (first === undefined ? [] : [first, ...others]).map(({ facts }) => facts)
  return { chunks, nulls: nullsOf(column.vector, rows.from, rows.to) }
}
