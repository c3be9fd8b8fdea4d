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

/** Of the values of a column, so many bytes are in the encoder's memory at one time. */
const chunkBytesMax = 16 << 20

/** Encodes the rows of columns as row groups of about the same size. */
export function encodeRows(
  native: NativeEncoder,
  columns: readonly ParquetColumn[],
  rows: number,
  { groupRowsMax, version }: EncodingOptions,
): EncodedGroup[] {
  const sources = columns.map((column) => ({ column, leaves: leafSources(column) }))
  const bytesMax = Math.max(...sources.flatMap(({ leaves }) => leaves.map((leaf) => bytesOf(leaf, rows))))
  const count = Math.max(Math.ceil(rows / groupRowsMax), Math.ceil(bytesMax / chunkBytesMax))
  const groupRows = Math.ceil(rows / count)
  const groups: EncodedGroup[] = []
  for (let from = 0; from < rows; from += groupRows) {
    const to = Math.min(from + groupRows, rows)
    const sink = new ByteSink((to - from) * 4 * columns.length)
    const encoded = sources.map(({ column, leaves }) => {
      return [column.fieldId, encodeColumn(native, sink, { column, leaves, from, to, version })] as const
    })
    groups.push({ rows: to - from, bytes: sink.written(), columns: new Map(encoded) })
  }
  return groups
}

/** What the values of the rows take without compression. */
function bytesOf({ vector, valueIndex }: LeafSource, rows: number): number {
  const [first, end] = [valueIndex(0), valueIndex(rows)]
  if (vector.kind === 'bytes') return (vector.offsets[end] ?? 0) - (vector.offsets[first] ?? 0)
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
