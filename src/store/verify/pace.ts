import type { Clock } from '../../base/clock.ts'

/** Keeps work that can wait from taking the disk or the network from work that cannot: so many bytes a second, and no more. */
export class Pace {
  readonly #clock: Clock
  readonly #bytesPerSecond: number
  /** When all that was asked for until now may have been read. */
  #dueMs: number

  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock
    this.#bytesPerSecond = bytesPerSecond
    this.#dueMs = clock.monotonicMs()
  }

  /** Resolves when so many bytes more may be read. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.monotonicMs()
    const startMs = Math.max(nowMs, this.#dueMs)
    this.#dueMs = startMs + (bytes / this.#bytesPerSecond) * 1000
    if (startMs > nowMs) await this.#clock.sleep(startMs - nowMs, signal)
  }
}
