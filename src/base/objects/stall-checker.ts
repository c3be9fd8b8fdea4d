import type { Clock } from '../clock.ts'
import { AppError } from '../errors.ts'
import type { Logger } from '../log.ts'

/** What a call under the stall checker is told, and what it tells. */
export interface StallWatch {
  /** Aborted when the call was silent for too long. Its reason is the failure of the call. */
  readonly signal: AbortSignal
  /** A byte came or went: the silence begins anew. It may last longer where so many bytes go out unseen before the next sign. */
  readonly heard: (bytesUnderWay?: number) => void
}

export interface StallCheckerOptions {
  readonly clock: Clock
  readonly log: Logger
  /** How long a call may give no sign of life. */
  readonly silenceMsMax: number
}

class Watch implements StallWatch {
  readonly #cut: AbortController
  readonly heard: StallWatch['heard']

  constructor(cut: AbortController, heard: StallWatch['heard']) {
    this.#cut = cut
    this.heard = heard
  }

  /** Made when somebody looks at it: most calls never do, and it costs as much as a small call. */
  get signal(): AbortSignal {
    return this.#cut.signal
  }
}

/** The slowest line that is still of use: an upload of so many bytes per second is no stall. */
const slowestBytesPerMs = (256 * 1024) / 1000

/**
 * Cuts calls of the object store that give no sign of life. A network can take a connection away without a word, and a
 * mounted directory can hang for ever: then nothing fails, nothing ends, and whatever waits for it waits with it. Not the
 * length of a call counts, which for a large object may be anything, but the time since its last byte.
 */
export class StallChecker {
  readonly #clock: Clock
  readonly #log: Logger
  readonly #silenceMsMax: number

  constructor({ clock, log, silenceMsMax }: StallCheckerOptions) {
    this.#clock = clock
    this.#log = log
    this.#silenceMsMax = silenceMsMax
  }

  /**
   * Runs the call, and fails with `object_store_unavailable` at once when it stalls, whether it listens to the signal or
   * not. What it answers after that goes to `discard`.
   */
  async watch<T>(
    key: string,
    call: (watch: StallWatch) => Promise<T>,
    discard: (late: T) => void = () => {},
  ): Promise<T> {
    const cut = new AbortController()
    let silentFromMs = this.#clock.monotonicMs()
    let isCut = false
    let cancel = (): void => {}
    const stalled = new Promise<never>((_resolve, reject) => {
      const check = (): void => {
        const leftMs = silentFromMs + this.#silenceMsMax - this.#clock.monotonicMs()
        if (leftMs > 0) {
          cancel = this.#clock.schedule(leftMs, check)
          return
        }
        this.#log.warn({ key, silenceMsMax: this.#silenceMsMax }, 'a call of the object store stalled and was cut')
        const failure = this.#failure(key)
        isCut = true
        reject(failure)
        cut.abort(failure)
      }
      check()
    })
    const heard = (bytesUnderWay = 0): void => {
      silentFromMs = Math.max(silentFromMs, this.#clock.monotonicMs() + bytesUnderWay / slowestBytesPerMs)
    }
    const outcome = call(new Watch(cut, heard))
    outcome.then(
      (late) => isCut && discard(late),
      () => {},
    )
    try {
      return await Promise.race([outcome, stalled])
    } finally {
      cancel()
    }
  }

  #failure(key: string): AppError {
    const seconds = this.#silenceMsMax / 1000
    return new AppError(
      'object_store_unavailable',
      `The object store gave no sign of life for ${seconds} s at "${key}".`,
      {
        hint: 'Check the network and the load of the object store; --object-store-stall-seconds says how long to wait.',
        retryAfterSeconds: 5,
      },
    )
  }
}
