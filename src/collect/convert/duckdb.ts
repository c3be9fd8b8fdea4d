import { join } from 'node:path'

import { DuckDBInstance } from '@duckdb/node-api'
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api'

import { diskFailure } from '../../base/duckdb/disk-failures.ts'
import type { LendSession } from '../../base/duckdb/session.ts'
import { AppError } from '../../base/errors.ts'

/** A private DuckDB that reads and writes below one directory only. */
export interface Session {
  readonly connection: DuckDBConnection
  run(sql: string): Promise<void>
  /** All rows, by position of the column. For small answers. */
  rows(sql: string): Promise<DuckDBValue[][]>
}

export interface SessionOptions {
  readonly directory: string
  /** Further files that may be read. */
  readonly files?: readonly string[]
  readonly memoryBytes: number
  readonly threads: number
}

/** Opens an instance for a body that is foreign, and gives it back after; no two of them meet in one. */
export async function withSession<T>(options: SessionOptions, body: (session: Session) => Promise<T>): Promise<T> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(options.threads),
    memory_limit: `${Math.floor(options.memoryBytes / 1024)}KiB`,
    temp_directory: `${options.directory}/spill`,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  })
  const connection = await instance.connect()
  try {
    await connection.run(`set allowed_directories = [${quotedText(options.directory)}]`)
    await connection.run(`set allowed_paths = [${(options.files ?? []).map(quotedText).join(', ')}]`)
    await connection.run('set enable_external_access = false')
    await connection.run('set lock_configuration = true')
    return await body(sessionOver(connection))
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** The pieces of bodies that are sorted are far smaller. */
const temporaryBytes = 4 * 2 ** 30

/** The same for files that were written here, in an instance that is lent. */
export async function ownSession<T>(
  { directory, memoryBytes, threads }: SessionOptions,
  lend: LendSession,
  body: (session: Session) => Promise<T>,
): Promise<T> {
  const limits = { memoryBytes, threads, temporaryBytes, spillDirectory: join(directory, 'spill') }
  return await lend(limits, ({ connection }) => body(sessionOver(connection)))
}

const sessionOver = (connection: DuckDBConnection): Session => ({
  connection,
  run: (sql) => translated(async () => void (await connection.run(sql))),
  rows: (sql) => translated(async () => (await connection.runAndReadAll(sql)).getRows()),
})

/** What is about the machine and not about the data. */
async function translated<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const failure = diskFailure(error)
    if (failure !== undefined) throw failure
    if (error.message.startsWith('Out of Memory')) {
      throw new AppError('query_memory_exceeded', 'The body needs more memory than an import may have.', {
        hint: 'Send it in parts, each with an id of its own; Parquet with smaller row groups.',
        cause: error,
      })
    }
    throw error
  }
}

export function quotedText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
