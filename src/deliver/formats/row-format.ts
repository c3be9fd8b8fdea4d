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
  for await (const chunk of chunks) {
    for (const row of rowsOf(chunk)) {
      text += rowText(row, number++)
      if (text.length < pieceCharactersMin) continue
      yield Buffer.from(text)
      text = ''
    }
  }
  yield Buffer.from(text)
}

/** The rows one by one, in an array that is the same each time. */
export function* rowsOf(chunk: DuckDBDataChunk): Generator<readonly DuckDBValue[]> {
  const vectors = Array.from({ length: chunk.columnCount }, (_, index) => chunk.getColumnVector(index))
  const row: DuckDBValue[] = vectors.map(() => null)
  // Asked once: the count is a call into native code.
  const { rowCount } = chunk
  for (let index = 0; index < rowCount; index++) {
    for (let column = 0; column < vectors.length; column++) row[column] = vectors[column]?.getItem(index) ?? null
    yield row
  }
}
