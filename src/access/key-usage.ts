import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import { noteKeyUses } from './keys.sql.ts'

/** How often the times are written: for people who look for unused keys a minute is precise enough. */
const writeEveryMs = 60_000

/** When keys were last used, kept in memory and written now and then, never on a request's way. */
export class KeyUsage {
  readonly #postgres: Postgres
  readonly #clock: Clock
  readonly #log: Logger
  readonly #ending = new AbortController()
  #usedMs = new Map<number, number>()
  #writing: Promise<void> | undefined

  constructor(postgres: Postgres, clock: Clock, log: Logger) {
    this.#postgres = postgres
    this.#clock = clock
    this.#log = log
  }

  note(keyId: number): void {
    this.#usedMs.set(keyId, this.#clock.nowMs())
  }

  start(): void {
    this.#writing ??= this.#writeNowAndThen(this.#ending.signal)
  }

  async stop(): Promise<void> {
    this.#ending.abort()
    await this.#writing
  }

  async #writeNowAndThen(ending: AbortSignal): Promise<void> {
    while (!ending.aborted) {
      await this.#clock.sleep(writeEveryMs, ending)
      await this.#write()
    }
  }

  async #write(): Promise<void> {
    if (this.#usedMs.size === 0) return
    const taken = this.#usedMs
    this.#usedMs = new Map()
    try {
      const uses = [...taken].map(([keyId, usedMs]) => ({ keyId, at: new Date(usedMs) }))
      await noteKeyUses(this.#postgres, uses)
    } catch (error) {
      // Later uses are the newer ones: they stay.
      this.#usedMs = new Map([...taken, ...this.#usedMs])
      this.#log.debug({ err: error }, 'the last uses of keys could not be noted')
    }
  }
}
