import type { Clock } from '../base/clock.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import { notify } from './announcer.sql.ts'

/** PostgreSQL takes payloads of less than 8,000 bytes, and items are short. */
const itemsMax = 250

/** The least time between two announcements on a channel. */
const pauseMs = 5

/**
 * Tells other processes what happened, outside of the transactions in which it did: a NOTIFY makes commits wait for each
 * other. What happens in quick succession is told together; the first at once.
 */
export class Announcer {
  readonly #postgres: Postgres
  readonly #clock: Clock
  readonly #pending = new Map<string, Set<string>>()
  readonly #busy = new Set<string>()

  constructor(postgres: Postgres, clock: Clock) {
    this.#postgres = postgres
    this.#clock = clock
  }

  announce(channel: string, items: Iterable<string>): void {
    const pending = this.#pending.get(channel) ?? new Set()
    for (const item of items) pending.add(item)
    this.#pending.set(channel, pending)
    if (!this.#busy.has(channel)) this.#tell(channel, pending)
  }

  #tell(channel: string, pending: Set<string>): void {
    if (pending.size === 0) return
    this.#busy.add(channel)
    const items: string[] = []
    for (const item of pending) {
      if (items.length === itemsMax) break
      items.push(item)
      pending.delete(item)
    }
    const again = () => {
      this.#busy.delete(channel)
      this.#tell(channel, pending)
    }
    const rest = () => void this.#clock.schedule(pauseMs, again)
    // Whoever is not told looks for himself.
    notify(this.#postgres, channel, items.join(',')).then(rest, rest)
  }
}
