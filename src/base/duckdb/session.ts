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

/** Lends a session to `body`: one that nothing of somebody else's was run in, and nothing will be. */
export type LendSession = <T>(limits: SessionLimits, body: (session: Session) => Promise<T>) => Promise<T>

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

export interface OpenSession extends Session {
  /** Gives it other limits than it has, as long as it is not locked. */
  limit(limits: SessionLimits): Promise<void>
  close(): void
}

/** A fresh instance, for whoever sees to it that nobody meets in it what another left behind. It takes 15 ms to open. */
export async function openSession(limits: SessionLimits): Promise<OpenSession> {
  let settings = settingsOf(limits)
  const instance = await DuckDBInstance.create(':memory:', {
    ...settings,
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
    async limit(others) {
      const wanted = settingsOf(others)
      const changed = Object.entries(wanted).filter(([name, value]) => settings[name] !== value)
      settings = wanted
      const statements = changed.map(([name, value]) => `set ${name} = ${quotedText(value)};`)
      if (statements.length > 0) await connection.run(statements.join('\n'))
    },
    close() {
      connection.closeSync()
      instance.closeSync()
    },
  }
}

function settingsOf(limits: SessionLimits): Record<string, string> {
  return {
    threads: String(limits.threads),
    memory_limit: `${Math.floor(limits.memoryBytes / 1024)}KiB`,
    max_temp_directory_size: `${Math.floor(limits.temporaryBytes / 1024)}KiB`,
    temp_directory: limits.spillDirectory ?? '',
  }
}

/** From here on the session reads and writes `paths`, and what is below `directory`, only; no setting can be changed. */
export async function lockDown(session: Session, paths: readonly string[], directory?: string): Promise<void> {
  await session.run(lockingStatements(paths, directory).join('\n'))
}

function lockingStatements(paths: readonly string[], directory: string | undefined): string[] {
  return [
    ...(directory === undefined ? [] : [`set allowed_directories = [${quotedText(directory)}];`]),
    ...(paths.length === 0 ? [] : [`set allowed_paths = [${paths.map(quotedText).join(', ')}];`]),
    'set enable_external_access = false;',
    'set lock_configuration = true;',
  ]
}

export function quotedText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
