/** A queue in the benchmark, driven through its public interface. All have as many connections, to one database. */
export interface Contender {
  readonly name: string
  /** One call of its interface for so many no-op jobs; durable when it resolves. */
  enqueue(jobs: number): Promise<void>
  /**
   * Runs no-op jobs, `batch` at a time, until the tally is reached. Calls `onWritten` when what was handled is also
   * written, and resolves once its workers have stopped.
   */
  process(batch: number, tally: Tally, onWritten: () => void): Promise<void>
  /** Empties its tables, so that each measurement begins alike. */
  clear(): Promise<void>
  close(): Promise<void>
}

/** A contender that can be idle and wake up. */
export interface WakingContender extends Contender {
  /** Starts workers that call `onStart` in each handler; resolves with what stops them. */
  listen(onStart: () => void): Promise<() => Promise<void>>
}

export interface Enough {
  readonly jobs: number
  /** Slow contenders are not waited for: their rate is known by then. */
  readonly secondsMax: number
  /** Whether the queue holds these jobs and no others, so that it is empty at the end. */
  readonly drains: boolean
}

/** Counts what handlers did, and tells when that is enough. The time runs from the first of them. */
export class Tally {
  readonly reached: Promise<void>
  readonly #enough: Enough
  #handled = 0
  #startMs = 0
  #resolve: () => void = () => {}

  constructor(enough: Enough) {
    this.#enough = enough
    this.reached = new Promise((resolve) => (this.#resolve = resolve))
  }

  get isReached(): boolean {
    const { jobs, secondsMax } = this.#enough
    return this.#handled >= jobs || (this.#handled > 0 && performance.now() - this.#startMs > secondsMax * 1000)
  }

  /** Whether nothing is left that a handler has not seen. */
  get drained(): boolean {
    return this.#enough.drains && this.#handled >= this.#enough.jobs
  }

  count(jobs = 1): void {
    if (this.#handled === 0) this.#startMs = performance.now()
    this.#handled += jobs
    if (this.isReached) this.#resolve()
  }

  /** Jobs per second up to now. */
  rate(): number {
    return (this.#handled * 1000) / (performance.now() - this.#startMs)
  }
}

/** Jobs per second, from the first handler until what was handled is written. */
export async function rateOfProcessing(contender: Contender, batch: number, enough: Enough): Promise<number> {
  const tally = new Tally(enough)
  let rate = Number.NaN
  await contender.process(batch, tally, () => (rate = tally.rate()))
  return rate
}
