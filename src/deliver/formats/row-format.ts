import type { DuckDBDataChunk, DuckDBValue } from '@duckdb/node-api'

import type { StoredColumn } from '../stored-result.ts'

/** The values of a row, in the order of the columns; the array may be the same for the next row. */
export type Row = readonly DuckDBValue[]

/** Turns a result, some rows after the other, into the bytes of a format. */
export type RowFormat = (
  columns: readonly StoredColumn[],
  batches: AsyncIterable<Iterable<Row>> | Iterable<Iterable<Row>>,
) => AsyncIterable<Uint8Array>

/** Pieces of this size are worth a write; a chunk of wide rows may be far larger. */
const pieceCharactersMin = 1 << 18

/** Joins what `rowText` gives for each row into pieces of UTF-8. */
export async function* textPieces(
  batches: Parameters<RowFormat>[1],
  rowText: (row: Row, number: number) => string,
): AsyncGenerator<Uint8Array> {
  let text = ''
  let number = 0
  for await (const rows of batches) {
    for (const row of rows) {
      text += rowText(row, number++)
      if (text.length < pieceCharactersMin) continue
      yield Buffer.from(text)
      text = ''
    }
  }
  yield Buffer.from(text)
}

/** The rows one by one, in an array that is the same each time. */
export function* rowsOf(chunk: DuckDBDataChunk): Generator<Row> {
  const vectors = Array.from({ length: chunk.columnCount }, (_, index) => chunk.getColumnVector(index))
  const row: DuckDBValue[] = vectors.map(() => null)
  // Asked once: the count is a call into native code.
  const { rowCount } = chunk
  for (let index = 0; index < rowCount; index++) {
    for (let column = 0; column < vectors.length; column++) row[column] = vectors[column]?.getItem(index) ?? null
    yield row
  }
}
