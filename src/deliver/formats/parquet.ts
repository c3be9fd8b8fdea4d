import { stat } from 'node:fs/promises'

import type { DuckDBConnection } from '@duckdb/node-api'

import { AppError } from '../../base/errors.ts'
import { quotedName } from '../../store/types.ts'
import type { FormatInput } from '../format-input.ts'
import { uniqueNames } from './unique-names.ts'

/** Writes the stored result with the names of its columns, made different where they repeat. Answers the rows. */
export async function copyParquet(connection: DuckDBConnection, input: FormatInput): Promise<number> {
  const names = uniqueNames(input.columns.map(({ name }) => name))
  const columns = names.map((name, index) => `c${index} as ${quotedName(name)}`)
  const copied = await connection.runAndReadAll(
    `copy (select ${columns.join(', ')} from read_parquet(${quotedText(input.source)}))
     to ${quotedText(input.path)} (format parquet, compression zstd, use_tmp_file false)`,
  )
  const { size } = await stat(input.path)
  if (size > input.outputBytesMax)
    throw new AppError('query_disk_exceeded', `The result has ${size} bytes; ${input.outputBytesMax} are allowed.`, {
      hint: 'Select less.',
    })
  return Number(copied.getRows()[0]?.[0] ?? 0)
}

function quotedText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
