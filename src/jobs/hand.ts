import type { Clock } from '../base/clock.ts'
import type { JobKind } from './jobs.ts'
import type { FreePlaces } from './lane-picker.ts'
import type { RunningAttempt } from './running-attempt.ts'

/** So many turns are on their way at once: while the database works on one, the answer to the other is worked on. */
export const turnsAtOnce = 2

/** Jobs are taken ahead of free places as far as they are worked off within this time, as the last ones were. */
const aheadMs = 20

/** And never more than this: they are kept from all other workers. */
const aheadMax = 500

/** A job that was taken ahead and has waited for this long is for another worker. */
const aheadWaitMsMax = 200

/** How much of the next measure is the latest one. */
const latestShare = 1 / 8

export interface HandCalls {
  /** Runs the handler. */
  begin(attempt: RunningAttempt): void
  /** Makes the job wait again: it did not begin. */
  giveBack(attempt: RunningAttempt): void
}

/**
 * What a worker has in hand of one kind: jobs that run, jobs that it is asking for, and, where handlers are so quick that
 * asking takes longer, jobs that it took ahead and that begin as soon as others end. All are under leases.
 */
export class Hand {
  readonly kind: JobKind
  readonly #clock: Clock
  readonly #calls: HandCalls
  #running = 0
  #asked = 0
  #ahead: RunningAttempt[] = []
  /** How long handlers take of late; unknown at first. */
  #handlerMs: number | undefined
  #cancelWatch: (() => void) | undefined

  constructor(kind: JobKind, clock: Clock, calls: HandCalls) {
    this.kind = kind
    this.#clock = clock
    this.#calls = calls
  }

  /** What the next turn may ask for: half of all at most, for the other half is busy while it is on its way. */
  free(): FreePlaces {
    const { kind, concurrency } = this.kind
    const all = concurrency + this.#aheadNow()
    const inHand = this.#running + this.#ahead.length + this.#asked
    const wanted = Math.max(0, Math.min(all - inHand, Math.ceil(all / turnsAtOnce)))
    const places = Math.min(wanted, Math.max(0, concurrency - inHand))
    return { kind, places, ahead: wanted - places }
  }

  ask(count: number): void {
    this.#asked += count
  }

  /** What became of a question for so many: these attempts, of which as many begin as there are places. */
  answer(count: number, attempts: readonly RunningAttempt[]): void {
    this.#asked -= count
    const nowMs = this.#clock.monotonicMs()
    for (const attempt of attempts) attempt.takenMs = nowMs
    this.#ahead.push(...attempts)
    this.#beginWhereFree()
    if (this.#ahead.length > 0) this.#watch(aheadWaitMsMax)
  }

  /** The handler does not run any more. */
  ended(attempt: RunningAttempt): void {
    const ms = this.#clock.monotonicMs() - attempt.begunMs
    const before = this.#handlerMs ?? ms
    this.#handlerMs = before + (ms - before) * latestShare
    this.#running--
    this.#beginWhereFree()
  }

  /** Gives back what has not begun. */
  giveBack(): void {
    this.#cancelWatch?.()
    this.#cancelWatch = undefined
    for (const attempt of this.#ahead.splice(0)) this.#calls.giveBack(attempt)
  }

  #aheadNow(): number {
    if (this.#handlerMs === undefined) return 0
    return Math.min(aheadMax, Math.floor((aheadMs * this.kind.concurrency) / this.#handlerMs))
  }

  #beginWhereFree(): void {
    while (this.#running < this.kind.concurrency) {
      const attempt = this.#ahead.shift()
      if (attempt === undefined) return
      this.#running++
      attempt.begunMs = this.#clock.monotonicMs()
      this.#calls.begin(attempt)
    }
  }

  #watch(ms: number): void {
    this.#cancelWatch ??= this.#clock.schedule(ms, () => {
      this.#cancelWatch = undefined
      const [first] = this.#ahead
      if (first === undefined) return
      const leftMs = first.takenMs + aheadWaitMsMax - this.#clock.monotonicMs()
      if (leftMs > 0) return this.#watch(leftMs)
      // What runs is slower than what ran before, and will be measured at its end only.
      this.#handlerMs = Math.max(this.#handlerMs ?? 0, aheadWaitMsMax)
      this.giveBack()
    })
  }
}
