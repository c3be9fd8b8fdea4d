import type { Clock } from '../base/clock.ts'
import { isAppError } from '../base/errors.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import { notify } from './announcer.sql.ts'

/** PostgreSQL takes payloads of less than 8,000 bytes, and items are short. */
const itemsMax = 250

/** The least time between two announcements on a channel. */
const pauseMs = 5

/**
 * A connection that died is often found dead by an announcement, and the next one is there in a moment. It is tried again after so long, doubling,
 * and so often in a row, which takes 1.4 s where it fails at once; then whoever was not told looks for himself. What is announced meanwhile
 * waits behind it, so the pauses stay short.
 */
const againMs = 25
const againMsMax = 200
const triesMax = 10

/**
 * Tells other processes what happened, outside of the transactions in which it did: a NOTIFY makes commits wait for each
 * other. What happens in quick succession is told together; the first at once.
 */
export class Announcer {
  readonly #postgres: Postgres
  readonly #clock: Clock
  readonly #pending = new Map<string, Set<string>>()
  readonly #busy = new Set<string>()
  #whenTold: (() => void)[] = []

  constructor(postgres: Postgres, clock: Clock) {
    this.#postgres = postgres
    this.#clock = clock
  }

  announce(channel: string, items: Iterable<string>): void {
    const pending = this.#pending.get(channel) ?? new Set()
    for (const item of items) pending.add(item)
    this.#pending.set(channel, pending)
    if (!this.#busy.has(channel)) void this.#tellAll(channel, pending)
  }

  /** Resolves when all that was announced is told, or given up. */
  async told(): Promise<void> {
    if (this.#busy.size > 0) await new Promise<void>((resolve) => this.#whenTold.push(resolve))
  }

  async #tellAll(channel: string, pending: Set<string>): Promise<void> {
    this.#busy.add(channel)
    while (pending.size > 0) {
      const items = [...take(pending, itemsMax)]
      await this.#tell(channel, items.join(','))
      await this.#pause(pauseMs)
    }
    this.#busy.delete(channel)
    if (this.#busy.size === 0) for (const tell of this.#whenTold.splice(0)) tell()
  }

  async #tell(channel: string, payload: string): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await notify(this.#postgres, channel, payload)
      } catch (error) {
        if (!isAppError(error, 'database_unavailable') || tries === triesMax) return
        await this.#pause(Math.min(againMsMax, againMs * 2 ** (tries - 1)))
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.schedule(ms, resolve))
  }
}

function* take(pending: Set<string>, count: number): Iterable<string> {
  let taken = 0
  for (const item of pending) {
    if (taken === count) return
    taken += 1
    pending.delete(item)
    yield item
  }
}
