import { DuckDBInstance } from '@duckdb/node-api'
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api'

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

/** Opens an instance for `body` and gives it back after; no two bodies meet in one. */
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
    return await body({
      connection,
      run: async (sql) => void (await connection.run(sql)),
      rows: async (sql) => (await connection.runAndReadAll(sql)).getRows(),
    })
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

export function quotedText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
