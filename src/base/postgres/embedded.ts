import { rmdir } from 'node:fs/promises'
import { platform, release } from 'node:os'
import pg from 'pg'

import { restartMs } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import { AppError, must } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { Service } from '../service.ts'
import { findBinaries } from './binaries.ts'
import { clusterUser, findPlace, makeSocketDirectory, openCluster } from './cluster.ts'
import { pgCode } from './postgres.ts'
import type { ServerCommand } from './server-process.ts'
import { ServerProcess, killOrphans, stopLeftOverServer } from './server-process.ts'
import { syncsWholeDisk } from './whole-disk.ts'

export interface EmbeddedPostgresOptions {
  /** Biwa's data directory, whose lock the caller holds; the cluster goes to `postgres` in it. */
  readonly dataDirectory: string
  readonly clock: Clock
  readonly log: Logger
  /** PostgreSQL settings over the ones below. */
  readonly settings?: Readonly<Record<string, string>>
}

/** A PostgreSQL for one small machine that serves a few dozen connections of ours and keeps what it acknowledged. */
const smallMachineSettings = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: '100',
  shared_buffers: '64MB',
  effective_cache_size: '512MB',
  huge_pages: 'off',
  jit: 'off',
  // Statements here touch few rows: parallel workers would only cost memory and start-up time.
  max_worker_processes: '1',
  max_parallel_workers: '0',
  max_parallel_workers_per_gather: '0',
  max_parallel_maintenance_workers: '0',
  max_logical_replication_workers: '0',
  // Nothing replicates from this server.
  wal_level: 'minimal',
  max_wal_senders: '0',
  min_wal_size: '80MB',
  max_wal_size: '512MB',
  // With the 2 MB that follow from the buffers, those who write much wait for each other's log: a fifth of their time.
  wal_buffers: '8MB',
  // The queue's rows die young.
  autovacuum_max_workers: '2',
  autovacuum_naptime: '20s',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Failed statements are reported to those who sent them.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_line_prefix: '',
  ...(syncsWholeDisk(platform(), release()) && { recovery_init_sync_method: 'syncfs' }),
}

/** Recovery after a crash replays at most `max_wal_size`, which takes seconds, but the disk may be slow. */
const startTimeoutMs = 120_000

/** How long the processes of a dead postmaster may take to end: to be killed, or where we cannot find them, to notice. */
const orphansMsMax = 20_000

/**
 * A real PostgreSQL as a child process, on a Unix socket only. When it dies by itself it is started again, and
 * statements meanwhile fail with `database_unavailable`.
 */
export class EmbeddedPostgres implements Service {
  readonly name = 'postgres'
  readonly #options: EmbeddedPostgresOptions
  readonly #stopped = new AbortController()
  #command: ServerCommand | undefined
  #server: ServerProcess | undefined
  #url: string | undefined
  #maintenanceUrl = ''
  #socketDirectory: string | undefined
  #watch: Promise<void> | undefined

  constructor(options: EmbeddedPostgresOptions) {
    this.#options = options
  }

  /** The connection string, the same after every start. Known once `open` has resolved. */
  get url(): string {
    return must(this.#url, 'the embedded PostgreSQL was opened')
  }

  /** The process that runs now; undefined while it is being started again. */
  get pid(): number | undefined {
    return this.#server?.running ? this.#server.pid : undefined
  }

  /** Finds or makes the cluster, so that it is known where the server will be. Fails with `startup`. */
  async open(): Promise<void> {
    const { dataDirectory, settings } = this.#options
    const place = await findPlace(dataDirectory)
    const binaries = await findBinaries(place.user, place.copiesDirectory)
    const { data, password } = await openCluster(place, binaries)
    const socketDirectory = await makeSocketDirectory(place)
    this.#socketDirectory = socketDirectory
    this.#command = {
      postgres: binaries.postgres,
      data,
      user: place.user,
      settings: { ...smallMachineSettings, unix_socket_directories: socketDirectory, ...settings },
    }
    this.#url = urlOf(password, socketDirectory, 'biwa')
    this.#maintenanceUrl = urlOf(password, socketDirectory, 'postgres')
  }

  /** Opens it where that was not done yet. Fails with `startup`, saying what PostgreSQL said. */
  async start(): Promise<void> {
    const { clock, log } = this.#options
    if (this.#command === undefined) await this.open()
    const command = must(this.#command, 'the cluster was opened')
    await stopLeftOverServer(command.data, clock, log)
    await this.#launchAfterOrphans(command)
    await createDatabase(this.#maintenanceUrl)
    this.#watch = this.#keepRunning(command)
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#server?.stop()
    await this.#watch
    // PostgreSQL has removed its socket; whatever else lies there is not ours to remove.
    if (this.#socketDirectory !== undefined) await rmdir(this.#socketDirectory).catch(() => {})
  }

  /** As long as one process of a postmaster that was killed is there, no other server starts. */
  async #launchAfterOrphans(command: ServerCommand): Promise<void> {
    const { clock, log } = this.#options
    const deadline = clock.monotonicMs() + orphansMsMax
    for (;;) {
      const orphans = await killOrphans(command.data)
      if (orphans > 0) log.warn({ orphans }, 'killed what was left of a PostgreSQL whose postmaster is dead')
      try {
        return await this.#launch(command)
      } catch (error) {
        if (!String(error).includes('pre-existing shared memory block') || clock.monotonicMs() > deadline) throw error
        await clock.sleep(20)
      }
    }
  }

  async #launch(command: ServerCommand): Promise<void> {
    const { clock, log } = this.#options
    if (this.#stopped.signal.aborted) throw new AppError('shutting_down', 'PostgreSQL was stopped while it started.')
    const server = new ServerProcess(command, clock, log)
    this.#server = server
    try {
      await waitUntilReady(server, this.url, clock)
    } catch (error) {
      await server.stop()
      throw error
    }
  }

  async #keepRunning(command: ServerCommand): Promise<void> {
    const { clock, log } = this.#options
    const { signal } = this.#stopped
    let failedStarts = 0
    let startedMs = clock.monotonicMs()
    while (true) {
      await this.#server?.exited
      if (signal.aborted) return
      log.error({ said: this.#server?.lastWords }, 'PostgreSQL ended by itself; starting it again')
      await clock.sleep(restartMs(failedStarts, clock.monotonicMs() - startedMs), signal)
      if (signal.aborted) return
      startedMs = clock.monotonicMs()
      failedStarts = await this.#launchAfterOrphans(command).then(
        () => 0,
        (error: unknown) => {
          log.error({ err: error }, 'PostgreSQL did not start')
          return failedStarts + 1
        },
      )
    }
  }
}

function urlOf(password: string, socketDirectory: string, database: string): string {
  return `postgresql://${clusterUser}:${password}@localhost/${database}?host=${encodeURIComponent(socketDirectory)}`
}

/** A server that is up refuses the unknown database `biwa` (3D000) only after it has checked the password. */
async function waitUntilReady(server: ServerProcess, url: string, clock: Clock): Promise<void> {
  const deadline = clock.monotonicMs() + startTimeoutMs
  while (clock.monotonicMs() < deadline) {
    if (!server.running) {
      await Promise.race([server.closed, clock.sleep(1000)])
      throw new AppError('startup', `PostgreSQL ended while it started: ${server.lastWords}`, {
        hint: 'The last line says why. If the files are damaged, restore the data directory from a backup.',
      })
    }
    try {
      return await withClient(url, async () => {})
    } catch (error) {
      const code = pgCode(error) ?? ''
      if (code === '3D000') return
      if (!stillStarting.has(code)) throw notReady(error)
    }
    await clock.sleep(20)
  }
  throw new AppError('startup', `PostgreSQL did not become ready within ${startTimeoutMs / 1000} s.`, {
    hint: 'Its disk may be too slow or too full; start again with --log-level debug to see what it says.',
  })
}

/** No socket yet, nobody behind the socket, or (57P03) the server says so itself. */
const stillStarting = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', '57P03'])

function notReady(error: unknown): AppError {
  return new AppError('startup', `PostgreSQL runs, but refuses Biwa: ${String(error)}`, {
    hint: 'Its directory and the file `password` beside it belong together; restore both from one backup.',
    cause: error,
  })
}

async function createDatabase(maintenanceUrl: string): Promise<void> {
  await withClient(maintenanceUrl, async (client) => {
    const { rowCount } = await client.query(`select 1 from pg_database where datname = 'biwa'`)
    if (rowCount === 0) await client.query('create database biwa')
  })
}

async function withClient(url: string, body: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000, application_name: 'biwa start' })
  client.on('error', () => {})
  try {
    await client.connect()
    await body(client)
  } finally {
    await client.end().catch(() => {})
  }
}
