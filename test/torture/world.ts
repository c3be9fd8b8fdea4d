import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

import { systemClock } from '../../src/base/clock.ts'
import { must } from '../../src/base/errors.ts'
import { openLog } from '../../src/base/log.ts'
import type { ProxyFaults } from '../../src/base/objects/testing/faulty-s3-proxy.ts'
import { EmbeddedPostgres } from '../../src/base/postgres/embedded.ts'
import { descendants, startBiwa } from '../support/biwa.ts'
import type { Biwa } from '../support/biwa.ts'
import { freePort } from '../support/free-port.ts'
import { openSmallDisk } from '../support/small-disk.ts'
import type { SmallDisk } from '../support/small-disk.ts'
import { PostgresProxy } from './postgres-proxy.ts'
import type { ProcessKind } from './schedule.ts'
import { openFaultyStore } from './store.ts'
import type { FaultyStore } from './store.ts'

export type StoreKind = 'directory' | 's3'

export interface WorldOptions {
  readonly seed: number
  readonly store: StoreKind
  /** Another built program than that of this repository. */
  readonly program?: string
}

/** Thirty of a hundred calls, spread over every way in which a call can fail. */
const badStore: Partial<ProxyFaults> = {
  internal: 0.06,
  slowDown: 0.06,
  reset: 0.05,
  resetAfter: 0.05,
  internalAfter: 0.05,
  truncated: 0.03,
}

const diskBytes = 1 << 30

/** Files of the inbox are an eighth of it: small ones are used again and again, and not once in a run. */
const backlog = `--backlog-bytes=${16 << 20}`

/** One for the api process, and one for the worker. */
const sparesKept = 2

/** Longer than a process takes to load its code. */
const unchangedMs = 800
const settledMsMax = 12_000

/** Whoever operates a server that does not start for so long does something else. */
const startAgainMsMax = 90_000

/**
 * A whole server, and all that it stands on, where it can be broken: PostgreSQL, the line to it, the disk or the object store, and
 * the clock.
 */
export class World {
  readonly #options: WorldOptions
  readonly #folder: string
  readonly #postgres: EmbeddedPostgres
  readonly #proxy: PostgresProxy
  readonly #clockFile: string
  #disk: SmallDisk | undefined
  #store: FaultyStore | undefined
  #biwa: Biwa | undefined
  #starting: Promise<void> | undefined
  #arguments: readonly string[] = []
  #port = 0
  #fluentPort = 0

  private constructor(options: WorldOptions, folder: string, postgres: EmbeddedPostgres) {
    this.#options = options
    this.#folder = folder
    this.#postgres = postgres
    this.#proxy = new PostgresProxy(
      join(must(new URL(postgres.url).searchParams.get('host'), 'a socket'), '.s.PGSQL.5432'),
    )
    this.#clockFile = join(folder, 'clock')
  }

  static async open(options: WorldOptions): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), 'biwa-torture-'))
    const postgres = new EmbeddedPostgres({ dataDirectory: folder, clock: systemClock, log: openLog('silent') })
    await postgres.start()
    const world = new World(options, folder, postgres)
    await world.#start()
    return world
  }

  get biwa(): Biwa {
    return must(this.#biwa, 'the server was started')
  }

  get fluentPort(): number {
    return this.#fluentPort
  }

  /** Whether the disk is one that can be filled. */
  get hasSmallDisk(): boolean {
    return this.#disk !== undefined
  }

  /** Whether objects lie behind a line that can fail. */
  get hasStoreLine(): boolean {
    return this.#store !== undefined
  }

  get proxy(): PostgresProxy {
    return this.#proxy
  }

  /** What failed of the calls of the object store. */
  get storeFaults(): number {
    return this.#store?.failed ?? 0
  }

  /** The processes of a kind that run now. Of a role the oldest one does the work, and the other stands ready for it. */
  processesOf(kind: ProcessKind): number[] {
    const supervisor = must(this.biwa.supervisor.pid, 'a process has an id')
    if (kind === 'supervisor') return [supervisor]
    if (kind === 'postmaster') return this.#postgres.pid === undefined ? [] : [this.#postgres.pid]
    if (kind === 'backend') {
      const backends = this.#postgres.pid === undefined ? [] : descendants(this.#postgres.pid)
      return backends.map(({ pid }) => pid)
    }
    const all = descendants(supervisor)
    const roles = (['api', 'worker', 'scheduler'] as const).map((name) => ({
      name,
      pids: all
        .filter(({ command }) => command.includes(`/roles/${name}.js`))
        .toSorted((one, other) => one.bornAt - other.bornAt)
        .map(({ pid }) => pid),
    }))
    const spares = roles.flatMap(({ pids }) => pids.slice(1))
    if (kind === 'spare') return spares
    if (kind !== 'engine') return roles.find(({ name }) => name === kind)?.pids.slice(0, 1) ?? []
    const ofSpares = new Set(spares.flatMap((spare) => descendants(spare).map(({ pid }) => pid)))
    return all.filter(({ pid, command }) => command.includes('/engine.js') && !ofSpares.has(pid)).map(({ pid }) => pid)
  }

  /**
   * Resolves when every process stands that the server keeps, those that stand ready as well, and none of them has come or gone for a
   * while; or when that takes too long.
   */
  async settled(): Promise<void> {
    const patience = performance.now() + settledMsMax
    let [before, sinceMs] = ['', performance.now()]
    while (performance.now() < patience) {
      const now = this.#standing()
      if (now !== before) [before, sinceMs] = [now, performance.now()]
      if (now !== '' && performance.now() - sinceMs > unchangedMs) return
      await sleep(100)
    }
  }

  /** Which processes there are; nothing where one is missing. */
  #standing(): string {
    const kinds = ['postmaster', 'supervisor', 'api', 'worker', 'scheduler', 'spare', 'engine'] as const
    const all = kinds.map((kind) => this.processesOf(kind))
    const isWhole = all.every((pids, index) => pids.length >= (kinds[index] === 'spare' ? sparesKept : 1))
    return isWhole ? all.join(' ') : ''
  }

  /** After its supervisor was killed: as whoever operates it would, once, whoever killed it. */
  async startAgain(): Promise<void> {
    this.#starting ??= this.#startOnceMore().finally(() => (this.#starting = undefined))
    await this.#starting
  }

  async #startOnceMore(): Promise<void> {
    const { supervisor } = this.biwa
    while (supervisor.exitCode === null && supervisor.signalCode === null) await sleep(5)
    // Processes of before that stand still may hold its port until they go on.
    const patience = performance.now() + startAgainMsMax
    for (;;) {
      try {
        this.#biwa = await this.#startBiwa()
        return
      } catch (error) {
        if (performance.now() > patience) throw error
        await sleep(100)
      }
    }
  }

  setStoreIsBad(isBad: boolean): void {
    this.#store?.setFaults(isBad ? badStore : {})
  }

  async setDiskIsFull(isFull: boolean): Promise<void> {
    await (isFull ? this.#disk?.fill(0) : this.#disk?.empty())
  }

  async stepClock(ms: number): Promise<void> {
    await writeFile(this.#clockFile, String(ms))
  }

  async close(): Promise<void> {
    await this.#biwa?.stop({ keep: true })
    await this.#proxy.stop()
    await this.#postgres.stop()
    await this.#store?.close()
    await this.#disk?.close()
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #start(): Promise<void> {
    const { seed, store } = this.#options
    await this.stepClock(0)
    await this.#proxy.start()
    if (store === 's3') this.#store = await openFaultyStore(seed)
    else this.#disk = await openSmallDisk(diskBytes)
    this.#port = await freePort()
    this.#fluentPort = await freePort()
    const fluent = `--fluent-port=${this.#fluentPort}`
    this.#arguments = [fluent, '--fluent-shared-key=secret', backlog]
    // The key does not exist before the first start.
    const first = await this.#startBiwa()
    await first.stop({ keep: true })
    this.#arguments = [fluent, `--fluent-api-key=${first.apiKey}`, backlog]
    this.#biwa = await this.#startBiwa()
  }

  async #startBiwa(): Promise<Biwa> {
    const database = new URL(this.#postgres.url)
    database.searchParams.delete('host')
    database.hostname = '127.0.0.1'
    database.port = String(this.#proxy.port)
    const { program } = this.#options
    return await startBiwa({
      dataDirectory: join(this.#disk?.folder ?? this.#folder, 'data'),
      port: this.#port,
      arguments: this.#arguments,
      ...(program !== undefined && { program }),
      environment: {
        BIWA_DATABASE_URL: database.href,
        ...this.#store?.environment,
        BIWA_TORTURE_CLOCK: this.#clockFile,
        NODE_OPTIONS: `--import=${pathToFileURL(join(import.meta.dirname, 'clock-steps.mjs')).href}`,
      },
    })
  }
}
