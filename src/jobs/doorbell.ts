import type { Clock } from '../base/clock.ts'

/** Wakes the one who waits for it. Rings while nobody waits are one ring, which ends the next wait at once. */
export class Doorbell {
  readonly #clock: Clock
  #rung = false
  #waiting: AbortController | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  ring(): void {
    this.#rung = true
    this.#waiting?.abort()
  }

  /** Resolves at a ring, after `ms`, or when `signal` is aborted. */
  async wait(ms: number, signal?: AbortSignal): Promise<void> {
    if (!this.#rung && signal?.aborted !== true) {
      const waiting = new AbortController()
      const onAbort = () => waiting.abort()
      this.#waiting = waiting
      signal?.addEventListener('abort', onAbort)
      await this.#clock.sleep(ms, waiting.signal)
      signal?.removeEventListener('abort', onAbort)
      this.#waiting = undefined
    }
    this.#rung = false
  }
}
