import type { DuckDBDataChunk, DuckDBValue } from '@duckdb/node-api'

import type { StoredColumn } from '../stored-result.ts'

/** Turns a result, chunk by chunk, into the bytes of a format. */
export type RowFormat = (
  columns: readonly StoredColumn[],
  chunks: AsyncIterable<DuckDBDataChunk>,
) => AsyncIterable<Uint8Array>

/** Pieces of this size are worth a write; a chunk of wide rows may be far larger. */
const pieceCharactersMin = 1 << 18

/** Joins what `rowText` gives for each row into pieces of UTF-8. */
export async function* textPieces(
  chunks: AsyncIterable<DuckDBDataChunk>,
  rowText: (row: readonly DuckDBValue[], number: number) => string,
): AsyncGenerator<Uint8Array> {
  let text = ''
  let number = 0
  for await (const row of rowsOf(chunks)) {
    text += rowText(row, number++)
    if (text.length < pieceCharactersMin) continue
    yield Buffer.from(text)
    text = ''
  }
  yield Buffer.from(text)
}

/** The rows one by one. The array is the same each time: an object per row would double the time. */
export async function* rowsOf(chunks: AsyncIterable<DuckDBDataChunk>): AsyncGenerator<readonly DuckDBValue[]> {
  for await (const chunk of chunks) {
    const vectors = Array.from({ length: chunk.columnCount }, (_, index) => chunk.getColumnVector(index))
    const row: DuckDBValue[] = Array.from({ length: vectors.length }, () => null)
    for (let index = 0; index < chunk.rowCount; index++) {
      for (const [column, vector] of vectors.entries()) row[column] = vector.getItem(index)
      yield row
    }
  }
}
