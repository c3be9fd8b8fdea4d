import { DuckDBInstance } from '@duckdb/node-api'
import type { DuckDBConnection, DuckDBPreparedStatement, DuckDBValue } from '@duckdb/node-api'

/** A private DuckDB in this process: its one connection and nothing else. */
export interface Session {
  readonly connection: DuckDBConnection
  run(sql: string): Promise<void>
  /** All rows, by position of the column. For small answers. */
  rows(sql: string): Promise<DuckDBValue[][]>
  prepare(sql: string): Promise<DuckDBPreparedStatement>
}

export interface SessionLimits {
  readonly memoryBytes: number
  readonly threads: number
  readonly temporaryBytes: number
  /** Null for one that may not spill. */
  readonly spillDirectory: string | null
}

/**
 * Opens a fresh instance for `body` and gives it back after. Instances are never used twice: what one query leaves behind
 * in settings, logs or caches is nothing to the next.
 */
export async function withSession<T>(limits: SessionLimits, body: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession(limits)
  try {
    return await body(session)
  } finally {
    session.close()
  }
}

/** A fresh instance for whoever runs nothing in it but statements of his own. It takes 15 ms to open. */
export async function openSession(limits: SessionLimits): Promise<Session & { close(): void }> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(limits.threads),
    memory_limit: `${Math.floor(limits.memoryBytes / 1024)}KiB`,
    max_temp_directory_size: `${Math.floor(limits.temporaryBytes / 1024)}KiB`,
    temp_directory: limits.spillDirectory ?? '',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    // Types, positions and candidates come as fields, and need not be cut out of prose.
    errors_as_json: 'true',
  })
  const connection = await instance.connect()
  return {
    connection,
    run: async (sql) => void (await connection.run(sql)),
    rows: async (sql) => (await connection.runAndReadAll(sql)).getRows(),
    prepare: (sql) => connection.prepare(sql),
    close() {
      connection.closeSync()
      instance.closeSync()
    },
  }
}

/** From here on the session reads and writes `paths`, and what is below `directory`, only; no setting can be changed. */
export async function lockDown(session: Session, paths: readonly string[], directory?: string): Promise<void> {
  if (directory !== undefined) await session.run(`set allowed_directories = [${quotedText(directory)}]`)
  if (paths.length > 0) await session.run(`set allowed_paths = [${paths.map(quotedText).join(', ')}]`)
  await session.run('set enable_external_access = false')
  await session.run('set lock_configuration = true')
}

export function quotedText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
