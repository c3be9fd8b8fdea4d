import { ByteSink } from './byte-sink.ts'
import type { ColumnChunkFacts } from './footer.ts'
import { codecs, encodings, putPageHeader } from './footer.ts'
import { putZeroLevels } from './levels.ts'
import type { PartLeaf } from './part-footer.ts'

/** Writes a page in which the leaf is null in all rows, and tells what the footer says of it. `at` is where the sink begins in the file. */
export function putNulls(sink: ByteSink, at: number, leaf: PartLeaf, rows: number): ColumnChunkFacts {
  const levels = new ByteSink(32)
  if (leaf.isRepeated) putZeroLevels(levels, rows)
  if (leaf.isOptional) putZeroLevels(levels, rows)
  const dataPageOffset = at + sink.length
  const { plain: encoding, rle } = encodings
  putPageHeader(sink, { bytes: levels.length, plainBytes: levels.length, valueCount: rows, encoding })
  sink.append(levels.written())
  const bytes = at + sink.length - dataPageOffset
  return {
    leaf,
    valueCount: rows,
    nullCount: rows,
    encodings: [encoding, rle],
    codec: codecs.none,
    dataPageOffset,
    bytes,
    plainBytes: bytes,
    min: undefined,
    max: undefined,
  }
}
