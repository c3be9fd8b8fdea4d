import { setMaxListeners } from 'node:events'

import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Service } from '../base/service.ts'

/** Something that is done again and again, and may be done by several processes at once. */
export interface Chore {
  readonly name: string
  readonly everyMs: number
  /** Does a bounded piece and says how much there was to do; more than nothing asks for the next piece at once. */
  readonly perform: () => Promise<number>
}

/** Does the chores of a platform. One that fails is tried again at its next time; the others go on. */
export class Housekeeping implements Service {
  readonly name = 'housekeeping'
  readonly #chores: readonly Chore[]
  readonly #clock: Clock
  readonly #log: Logger
  readonly #ending = new AbortController()
  #loops: Promise<void>[] = []

  constructor(chores: readonly Chore[], clock: Clock, log: Logger) {
    this.#chores = chores
    this.#clock = clock
    this.#log = log
    // Each chore sleeps with it.
    setMaxListeners(chores.length + 1, this.#ending.signal)
  }

  async start(): Promise<void> {
    this.#loops = this.#chores.map((chore) => this.#repeat(chore))
  }

  drain = (): Promise<void> => this.stop()

  async stop(): Promise<void> {
    this.#ending.abort()
    await Promise.all(this.#loops)
  }

  async #repeat(chore: Chore): Promise<void> {
    const { signal } = this.#ending
    while (!signal.aborted) {
      const done = await this.#perform(chore)
      if (done === 0) await this.#clock.sleep(chore.everyMs, signal)
    }
  }

  async #perform(chore: Chore): Promise<number> {
    try {
      const done = await chore.perform()
      if (done > 0) this.#log.info({ chore: chore.name, done }, 'tidied up')
      return done
    } catch (error) {
      this.#log.warn({ err: error, chore: chore.name }, 'a chore failed; it is done again later')
      return 0
    }
  }
}
