import { usage } from '../failure.ts'

/** Formats that any command can write. */
export const textFormats = ['table', 'vertical', 'csv', 'tsv', 'json', 'ndjson', 'markdown'] as const
export type TextFormat = (typeof textFormats)[number]

/** Formats that only the result of a query has, made by the server. */
export const binaryFormats = ['parquet', 'msgpack', 'msgpack.gz'] as const
export type BinaryFormat = (typeof binaryFormats)[number]

export type OutputFormat = TextFormat | BinaryFormat

/** Checks what `-f` says. */
export function requireFormat<Format extends string>(text: string, known: readonly Format[]): Format {
  const format = known.find((name) => name === text)
  if (format !== undefined) return format
  throw usage(`“${text}” is not a format here.`, `Use one of: ${known.join(', ')}.`)
}

const extensions: Readonly<Record<string, OutputFormat>> = {
  '.csv': 'csv',
  '.tsv': 'tsv',
  '.json': 'json',
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
  '.md': 'markdown',
  '.parquet': 'parquet',
  '.msgpack': 'msgpack',
  '.msgpack.gz': 'msgpack.gz',
}

/** The format that the name of a file suggests. */
export function formatOfFileName(name: string): OutputFormat | undefined {
  return Object.entries(extensions).find(([extension]) => name.toLowerCase().endsWith(extension))?.[1]
}
