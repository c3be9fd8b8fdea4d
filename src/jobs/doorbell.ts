import type { Clock } from '../base/clock.ts'

/**
 * Wakes the one who waits for it. Rings while nobody waits are one ring, which ends the next wait at once. Made of a timer
 * alone: an abort signal for each wait took a tenth of the time of a small job, most of it for the error's stack.
 */
export class Doorbell {
  readonly #clock: Clock
  #rung = false
  #wake: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  ring(): void {
    this.#rung = true
    this.#wake?.()
  }

  /** Resolves at a ring, after `ms`, or when `signal` is aborted. */
  async wait(ms: number, signal?: AbortSignal): Promise<void> {
    if (!this.#rung && signal?.aborted !== true) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#wake = undefined
          cancelTimer()
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        const cancelTimer = this.#clock.schedule(ms, wake)
        signal?.addEventListener('abort', wake)
        this.#wake = wake
      })
    }
    this.#rung = false
  }
}
