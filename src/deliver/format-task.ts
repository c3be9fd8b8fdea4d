import { createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'

import type { DuckDBConnection } from '@duckdb/node-api'

import { diskFailure } from '../base/duckdb/disk-failures.ts'
import { KeptSessions } from '../base/duckdb/kept-sessions.ts'
import type { EngineContext } from '../base/engines/engines.ts'
import { AppError, isAppError } from '../base/errors.ts'
import type { FormatInput, FormatOutput, FormatProgress } from './format-input.ts'
import { copyParquet } from './formats/parquet.ts'
import { rowsOf } from './formats/row-format.ts'
import type { Row } from './formats/row-format.ts'
import { rowFormatOf } from './formats/row-formats.ts'

/** Writes a stored result in another format, in its order, holding a few chunks of it in memory at a time. */
export function formatHandler(): (input: FormatInput, context: EngineContext) => Promise<FormatOutput> {
  const sessions = new KeptSessions()
  return async (input, context) => {
    // One thread keeps the order, and is enough: most of the work is done here and not in DuckDB.
    const limits = { memoryBytes: input.memoryBytes, threads: 1, temporaryBytes: 0, spillDirectory: null }
    try {
      return await sessions.lend(limits, async ({ connection }) => {
        const rows = await write(connection, input, context)
        return { rows, bytes: (await stat(input.path)).size }
      })
    } catch (error) {
      throw expectedFailure(error, input) ?? error
    }
  }
}

async function write(connection: DuckDBConnection, input: FormatInput, context: EngineContext): Promise<number> {
  if (input.format === 'parquet') return await copyParquet(connection, input)
  const format = rowFormatOf(input.format)
  let rows = 0
  const batches = countedRows(connection, input.source, (count) => {
    rows += count
    context.progress({ rows } satisfies FormatProgress)
  })
  const pieces = Readable.from(limited(format(input.columns, batches), input.outputBytesMax))
  const file = createWriteStream(input.path, { flags: 'wx', mode: 0o600 })
  if (input.format === 'msgpack.gz') await pipeline(pieces, createGzip(), file)
  else await pipeline(pieces, file)
  return rows
}

async function* countedRows(
  connection: DuckDBConnection,
  source: string,
  onRows: (count: number) => void,
): AsyncGenerator<Iterable<Row>> {
  const result = await connection.stream('select * from read_parquet($source)', { source })
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) return
    yield rowsOf(chunk)
    onRows(chunk.rowCount)
  }
}

async function* limited(pieces: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const piece of pieces) {
    bytes += piece.byteLength
    if (bytes > bytesMax) throw tooLarge(bytesMax)
    yield piece
  }
}

/** What a result can fail with by itself. Whatever else DuckDB says of a file of ours is a bug. */
function expectedFailure(error: unknown, { memoryBytes }: FormatInput): AppError | undefined {
  if (isAppError(error) || !(error instanceof Error)) return undefined
  if (/^Out of Memory/i.test(error.message))
    return new AppError('query_memory_exceeded', `The result needs more than ${memoryBytes} bytes to be read.`, {
      hint: 'Select fewer or smaller columns.',
      cause: error,
    })
  return diskFailure(error)
}

function tooLarge(bytesMax: number): AppError {
  return new AppError('query_disk_exceeded', `The result is larger than ${bytesMax} bytes in this format.`, {
    hint: 'Download it as parquet, or select less.',
  })
}
