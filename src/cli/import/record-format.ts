import { usage } from '../failure.ts'
import type { PieceLimits, Pieces } from './pieces.ts'
import { delimitedPieces } from './delimited-pieces.ts'
import { jsonPieces } from './json-pieces.ts'
import { linePieces } from './line-pieces.ts'
import { wholePiece } from './whole-piece.ts'

/** The formats of records, as the API names them. */
export const recordFormats = ['ndjson', 'json', 'msgpack', 'csv', 'tsv', 'parquet'] as const
export type RecordFormat = (typeof recordFormats)[number]

const byExtension: Readonly<Record<string, RecordFormat>> = {
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  json: 'json',
  msgpack: 'msgpack',
  mpk: 'msgpack',
  csv: 'csv',
  tsv: 'tsv',
  tab: 'tsv',
  parquet: 'parquet',
}

/** What the name of a file says of its records; fails where it says nothing. */
export function guessFormat(name: string): RecordFormat {
  const extension = /\.([a-z0-9]+)(?:\.(?:gz|br|zst))?$/.exec(name.toLowerCase())?.[1] ?? ''
  const format = byExtension[extension]
  if (format !== undefined) return format
  const what = name === '-' ? 'Standard input' : `The name ${name}`
  throw usage(
    `${what} does not say which format the records have.`,
    `Add --format, one of: ${recordFormats.join(', ')}.`,
  )
}

/** The pieces of a content in its format. */
export async function* cut(format: RecordFormat, chunks: AsyncIterable<Buffer>, limits: PieceLimits): Pieces {
  switch (format) {
    case 'ndjson':
      return yield* linePieces(chunks, limits)
    case 'csv':
      return yield* delimitedPieces(chunks, ',', limits)
    case 'tsv':
      return yield* delimitedPieces(chunks, '\t', limits)
    case 'json':
      return yield* jsonPieces(chunks, limits)
    case 'msgpack':
    case 'parquet':
      return yield* wholePiece(chunks, limits)
  }
}

/** A file called .json may hold a record per line. Looks at its beginning, and hands on everything. */
export async function lookInside(
  chunks: AsyncIterable<Buffer>,
): Promise<{ format: 'json' | 'ndjson'; chunks: AsyncIterable<Buffer> }> {
  const iterator = chunks[Symbol.asyncIterator]()
  const first = await iterator.next()
  const beginning = first.done === true ? Buffer.alloc(0) : first.value
  async function* all(): AsyncGenerator<Buffer> {
    yield beginning
    yield* { [Symbol.asyncIterator]: () => iterator }
  }
  return { format: hasRecordPerLine(beginning) ? 'ndjson' : 'json', chunks: all() }
}

function hasRecordPerLine(beginning: Buffer): boolean {
  const [line = '', next = ''] = beginning.toString('utf8').trimStart().split('\n', 2)
  if (!line.startsWith('{') || next.trim() === '') return false
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}
