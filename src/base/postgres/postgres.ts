import pg from 'pg'

import { AppError, isAppError } from '../errors.ts'
import { parseTimestamp } from './timestamp-text.ts'

/** A statement and its parameters. Fragments nest: ``sql`… ${sql`where a = ${a}`}` ``. */
export class Sql {
  readonly parts: readonly string[]
  readonly values: readonly unknown[]
  readonly #name: string | undefined

  constructor(parts: readonly string[], values: readonly unknown[], name?: string) {
    this.parts = parts
    this.values = values
    this.#name = name
  }

  /**
   * The same statement, prepared once per connection: for statements that run so often that parsing and planning would be
   * most of their cost. The text must be the same wherever the name is used.
   */
  prepared(name: string): Sql {
    return new Sql(this.parts, this.values, name)
  }

  /** The text with `$n` placeholders, as the wire protocol wants it. */
  toQuery(): { text: string; values: unknown[]; name?: string } {
    const values: unknown[] = []
    const render = (fragment: Sql): string =>
      fragment.parts.reduce((text, part, index) => {
        const value = fragment.values[index - 1]
        if (value instanceof Sql) return text + render(value) + part
        values.push(isOfNumbers(value) ? numbersText(value) : value)
        return `${text}$${values.length}${part}`
      })
    return { text: render(this), values, ...(this.#name !== undefined && { name: this.#name }) }
  }
}

function isOfNumbers(value: unknown): value is (number | null)[] {
  return Array.isArray(value) && value.every((element) => element === null || typeof element === 'number')
}

/** As an array literal; the driver takes ten times as long, for it quotes every element as if it were text. */
function numbersText(numbers: readonly (number | null)[]): string {
  return `{${numbers.map((number) => number ?? 'NULL').join(',')}}`
}

export function sql(parts: TemplateStringsArray, ...values: unknown[]): Sql {
  return new Sql(parts, values)
}

/** Runs statements: the pool itself, or one transaction. Row types are the caller's promise. */
export interface Queryable {
  query<Row = Record<string, unknown>>(statement: Sql): Promise<Row[]>
}

/**
 * PostgreSQL as an argument. A lost or refused connection is an `AppError` of code `database_unavailable`; for a
 * transaction that means: not known whether it was committed. Every write therefore carries a unique id, and is repeated.
 * A full disk of the server is `storage_full`; every other failure keeps its SQLSTATE (`pgCode`).
 */
export interface Postgres extends Queryable {
  transaction<T>(body: (tx: Queryable) => Promise<T>, options?: TransactionOptions): Promise<T>
  /**
   * Calls `onNotify` for each NOTIFY on `channel`, and `onGap` when the connection was lost and found again: whatever
   * was announced in between is unknown, so the listener looks for itself. Returns the function that ends it.
   */
  listen(channel: string, onNotify: (payload: string) => void, onGap?: () => void): Promise<() => Promise<void>>
  close(): Promise<void>
}

export interface TransactionOptions {
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable'
}

export interface PostgresOptions {
  readonly url: string
  readonly connectionsMax: number
  /** Shown in pg_stat_activity. */
  readonly applicationName: string
  /** The longest a single statement may run; 60 s by default. */
  readonly statementTimeoutMs?: number
  /** Of the server, for these connections alone: for example what the planner may use. */
  readonly serverSettings?: Readonly<Record<string, string>>
}

/** Fails where the server cannot be reached. */
export async function openPostgres(options: PostgresOptions): Promise<Postgres> {
  const postgres = postgresAt(options)
  await postgres.query(sql`select 1`)
  return postgres
}

/** Connects when the first statement comes. */
export function postgresAt(options: PostgresOptions): Postgres {
  return new PooledPostgres(options)
}

/** bigint arrives as a number: ids, times and byte counts all stay below 2^53, and a value that does not is a bug. */
const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
    if (oid === pg.types.builtins.INT8) return parseSafeInteger
    if (oid === int8Array) return parseSafeIntegers
    if (oid === pg.types.builtins.TIMESTAMPTZ) return parseTimestamp
    return pg.types.getTypeParser(oid, format) as (text: string) => unknown
  },
}

const int8Array = 1016

function parseSafeIntegers(text: string): number[] {
  return text === '{}' ? [] : text.slice(1, -1).split(',').map(parseSafeInteger)
}

function parseSafeInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new Error(`bigint ${text} does not fit a JavaScript number`)
  return value
}

class PooledPostgres implements Postgres {
  readonly #pool: pg.Pool
  readonly #listener: NotificationListener

  constructor(options: PostgresOptions) {
    this.#listener = new NotificationListener(options)
    const { statementTimeoutMs = 60_000 } = options
    this.#pool = new pg.Pool({
      connectionString: options.url,
      max: options.connectionsMax,
      application_name: options.applicationName,
      options: Object.entries(options.serverSettings ?? {})
        .map(([name, value]) => `-c ${name}=${value}`)
        .join(' '),
      connectionTimeoutMillis: 5000,
      statement_timeout: statementTimeoutMs,
      // The server ends a statement by itself; one that is frozen or cut off does not, and is given up here.
      query_timeout: statementTimeoutMs + 2000,
      idleTimeoutMillis: 60_000,
      keepAlive: true,
      types,
    })
    // An idle connection that dies is replaced by the pool; the next statement reports what matters.
    this.#pool.on('error', () => {})
  }

  async query<Row>(statement: Sql): Promise<Row[]> {
    const { rows } = await translated(() => this.#pool.query(statement.toQuery()))
    return rows as Row[]
  }

  async transaction<T>(body: (tx: Queryable) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const client = await translated(() => this.#pool.connect())
    let broken: Error | undefined
    const onError = (error: Error) => (broken = error)
    client.on('error', onError)
    try {
      await translated(() => client.query(`begin isolation level ${options.isolation ?? 'read committed'}`))
      const result = await body({
        query: async <Row>(statement: Sql) => {
          const { rows } = await translated(() => client.query(statement.toQuery()))
          return rows as Row[]
        },
      })
      await translated(() => client.query('commit'))
      return result
    } catch (error) {
      if (isAppError(error, 'database_unavailable')) broken ??= error
      else await client.query('rollback').catch((rollbackError: Error) => (broken ??= rollbackError))
      throw error
    } finally {
      client.off('error', onError)
      client.release(broken)
    }
  }

  async listen(channel: string, onNotify: (payload: string) => void, onGap?: () => void): Promise<() => Promise<void>> {
    const hearing = { channel, onNotify, onGap }
    await this.#listener.add(hearing)
    return () => this.#listener.remove(hearing)
  }

  async close(): Promise<void> {
    if (this.#pool.ending) return
    await this.#listener.close()
    await this.#pool.end()
  }
}

/** Who hears of a channel, and of gaps in what was told on it. */
interface Hearing {
  readonly channel: string
  readonly onNotify: (payload: string) => void
  readonly onGap: (() => void) | undefined
}

/** How long to wait before a connection that was lost is made again. */
const reconnectMs = 250

/**
 * One connection that listens on all channels of a process, and is made again for as long as somebody does. It is one because the
 * server wakes every connection that listens, whatever channel something was told on.
 */
class NotificationListener {
  readonly #options: PostgresOptions
  readonly #hearings = new Set<Hearing>()
  #client: Promise<pg.Client> | undefined
  /** The last statement that was sent. */
  #sent: Promise<unknown> = Promise.resolve()
  #retry: NodeJS.Timeout | undefined

  constructor(options: PostgresOptions) {
    this.#options = options
  }

  /** Hears from now on, or fails where the server cannot be reached. */
  async add(hearing: Hearing): Promise<void> {
    this.#hearings.add(hearing)
    try {
      await this.#listen(hearing.channel)
    } catch (error) {
      this.#hearings.delete(hearing)
      if (this.#hearings.size === 0) await this.close()
      throw error
    }
  }

  async remove(hearing: Hearing): Promise<void> {
    this.#hearings.delete(hearing)
    if (this.#hearings.size === 0) return await this.close()
    const client = await this.#client?.catch(() => undefined)
    // Somebody else may hear of it, since before or since a moment ago.
    if (client === undefined || this.#channels().has(hearing.channel)) return
    await this.#send(client, 'unlisten', hearing.channel).catch(() => {})
  }

  async close(): Promise<void> {
    this.#hearings.clear()
    clearTimeout(this.#retry)
    this.#retry = undefined
    const client = this.#client
    this.#client = undefined
    await client?.then((connected) => connected.end()).catch(() => {})
  }

  #channels(): Set<string> {
    return new Set([...this.#hearings].map(({ channel }) => channel))
  }

  /** To listen once more on a channel changes nothing. */
  async #listen(channel: string): Promise<void> {
    if (!this.#channels().has(channel)) return
    const client = await (this.#client ??= this.#connect())
    // The last one who heard may have gone while the connection was made.
    if (this.#channels().has(channel)) await translated(() => this.#send(client, 'listen', channel))
  }

  /** One statement after the other, as the driver wants them. */
  async #send(client: pg.Client, statement: 'listen' | 'unlisten', channel: string): Promise<void> {
    const send = (): Promise<unknown> => client.query(`${statement} ${pg.escapeIdentifier(channel)}`)
    this.#sent = this.#sent.then(send, send)
    await this.#sent
  }

  #connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.#options.url,
      application_name: `${this.#options.applicationName} listen`,
      connectionTimeoutMillis: 5000,
      keepAlive: true,
    })
    client.on('notification', ({ channel, payload }) => this.#tell(channel, payload ?? ''))
    client.on('error', () => {})
    const connected = translated(() => client.connect()).then(() => client)
    const lost = (): void => {
      if (this.#client !== connected) return
      this.#client = undefined
      this.#reconnectSoon()
    }
    client.on('end', lost)
    connected.catch(() => {
      lost()
      void client.end().catch(() => {})
    })
    return connected
  }

  #tell(channel: string, payload: string): void {
    for (const hearing of this.#hearings) if (hearing.channel === channel) hearing.onNotify(payload)
  }

  #reconnectSoon(): void {
    if (this.#hearings.size === 0) return
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined
      this.#listenAgain().catch(() => this.#reconnectSoon())
    }, reconnectMs)
  }

  async #listenAgain(): Promise<void> {
    for (const channel of this.#channels()) await this.#listen(channel)
    for (const { onGap } of this.#hearings) onGap?.()
  }
}

/** SQLSTATE classes and system errors that mean: the server cannot be used now. */
const unavailable =
  /^(08...|25P03|57P0[123]|53300|ECONNREFUSED|ECONNRESET|EPIPE|ENOENT|ENOTFOUND|ETIMEDOUT|EHOSTUNREACH|EAI_AGAIN)$/

const diskFull = '53100'

function storageFull(cause: unknown): AppError {
  return new AppError('storage_full', 'The disk of PostgreSQL, which holds the metadata, is full.', {
    hint: 'Free space on it; Biwa goes on by itself. Nothing that was acknowledged is lost.',
    retryAfterSeconds: 10,
    cause,
  })
}

async function translated<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (pgCode(error) === diskFull) throw storageFull(error)
    if (!isConnectionFailure(error)) throw error
    throw new AppError('database_unavailable', 'PostgreSQL, which holds the metadata, cannot be reached.', {
      hint: 'Ask again in a few seconds; imports that were acknowledged are kept meanwhile.',
      retryAfterSeconds: 2,
      cause: error,
    })
  }
}

function isConnectionFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (pgCode(error) !== undefined) return unavailable.test(pgCode(error) ?? '')
  return /Connection terminated|connection timeout|timeout exceeded|Query read timeout|not queryable|Client was closed/i.test(
    error.message,
  )
}

/** The SQLSTATE of a failed statement, such as `23505` (unique violation), or the code of a failed system call. */
export function pgCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
