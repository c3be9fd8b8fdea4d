import { resultFormats } from './deliver.ts'
import type { Row } from './formats/row-format.ts'
import { rowFormatOf } from './formats/row-formats.ts'
import type { StoredColumn } from './stored-result.ts'

/** The rows of a small result, which whoever runs the query has at hand, in a format; undefined for those that are made of a stored one only. */
export async function formatRows(
  name: string,
  columns: readonly StoredColumn[],
  rows: readonly Row[],
): Promise<Buffer | undefined> {
  const format = resultFormats.find((known) => known === name)
  if (format === undefined || format === 'parquet' || format === 'msgpack.gz') return undefined
  const pieces: Uint8Array[] = []
  for await (const piece of rowFormatOf(format)(columns, [rows])) pieces.push(piece)
  return Buffer.concat(pieces)
}
