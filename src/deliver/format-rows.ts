import { resultFormats } from './deliver.ts'
import type { Row } from './formats/row-format.ts'
import { rowFormatOf } from './formats/row-formats.ts'
import type { StoredColumn } from './stored-result.ts'

/** Bytes, which are read into memory at once whenever somebody asks. Names repeat in some formats: small rows may be large there. */
const formatBytesMax = 4 * 2 ** 20

/**
 * The rows of a small result, which whoever runs the query has at hand, in a format; undefined where that is large, and for formats that are
 * made of a stored result only.
 */
export async function formatRows(
  name: string,
  columns: readonly StoredColumn[],
  rows: readonly Row[],
): Promise<Buffer | undefined> {
  const format = resultFormats.find((known) => known === name)
  if (format === undefined || format === 'parquet' || format === 'msgpack.gz') return undefined
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of rowFormatOf(format)(columns, inBatches(rows))) {
    bytes += piece.byteLength
    if (bytes > formatBytesMax) return undefined
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

/** So many at a time that no piece is much larger than what is looked for. */
const batchRows = 64

function* inBatches(rows: readonly Row[]): Generator<readonly Row[]> {
  for (let from = 0; from < rows.length; from += batchRows) yield rows.slice(from, from + batchRows)
}
