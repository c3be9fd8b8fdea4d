import { readFile } from 'node:fs/promises'

import { errno } from '../../base/disk.ts'
import { usage } from '../failure.ts'
import type { Input, Terminal } from '../terminal.ts'

/** The SQL of a command: its argument, the file that an option names (`-` is standard input), or what is piped in. */
export async function readSql(
  terminal: Terminal,
  given: string | undefined,
  file: string | undefined,
  hint: string,
): Promise<string> {
  if (given !== undefined && file !== undefined) throw usage('The SQL is given twice: as an argument and with -q.')
  if (given !== undefined && given.trim() !== '') return given
  const fromInput = file === '-' || (file === undefined && given === undefined && terminal.stdin.isTTY !== true)
  const sql = fromInput ? await readAll(terminal.stdin) : file === undefined ? '' : await readSqlFile(file)
  if (sql.trim() !== '') return sql
  throw usage('There is no SQL to run.', hint)
}

async function readAll(input: Input): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of input) chunks.push(Buffer.from(chunk as Uint8Array))
  return Buffer.concat(chunks).toString('utf8')
}

async function readSqlFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw usage(`The file ${file} cannot be read (${errno(error) ?? 'unknown reason'}).`)
  }
}
