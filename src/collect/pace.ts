import type { Clock } from '../base/clock.ts'

/** Below this, waiting bodies say little of how fast they are converted: gathering them takes longer. */
export const busyBytesMin = 8 * 2 ** 20

/** What was measured so long ago counts a third. */
const memoryMs = 10_000

/** Measured for less, nothing is told. A flood brings as much in this time as is converted in several times as long. */
const measuredMsMin = 400

/**
 * What is assumed while nothing is known, 8 MiB a second, for as long as a first conversion may take. A flood brings ten times as much, and would
 * have filled the time of many seconds before anybody knew. Where no conversion ends, nobody assumes anything.
 */
const assumedBytesPerMs = (8 * 2 ** 20) / 1000
const assumedMsMax = 5000

/** After so long without the end of a conversion there is none: a single one takes far less. */
const standstillMs = 60_000

/**
 * How fast bodies are converted, as it shows in how many wait: measured only while so many do that conversions have no pause,
 * because a quiet hour says nothing of what a busy one could do.
 */
export class Pace {
  readonly #clock: Clock
  #waitingBytes = 0
  /** When a conversion ended for the last time, or when bodies began to wait. */
  #progressMs = 0
  #countedMs = 0
  /** What was converted in the time that counts, and that time: both fade. */
  #bytes = 0
  #busyMs = 0
  /** Of the last conversion: one that takes long does not make the pace of those before slower. */
  #bytesPerMs: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get waitingBytes(): number {
    return this.#waitingBytes
  }

  addWaiting(bytes: number): void {
    this.#count()
    if (this.#waitingBytes === 0) this.#progressMs = this.#countedMs
    this.#waitingBytes += bytes
  }

  /** So many of the waiting bytes have been dealt with. */
  addConverted(bytes: number): void {
    const stood = this.standstillSeconds() !== undefined
    this.#count()
    if (stood) [this.#bytes, this.#busyMs, this.#bytesPerMs] = [0, 0, undefined]
    else if (this.#waitingBytes >= busyBytesMin) {
      this.#bytes += bytes
      if (this.#busyMs >= measuredMsMin) this.#bytesPerMs = this.#bytes / this.#busyMs
    }
    this.#waitingBytes -= bytes
    this.#progressMs = this.#countedMs
  }

  /** How long so many of the waiting bytes take to be converted; undefined where nobody knows. */
  secondsFor(bytes: number): number | undefined {
    if (this.standstillSeconds() !== undefined) return undefined
    const bytesPerMs = this.#bytesPerMs ?? this.#assumed()
    return bytesPerMs === undefined ? undefined : bytes / bytesPerMs / 1000
  }

  #assumed(): number | undefined {
    return this.#clock.monotonicMs() - this.#progressMs < assumedMsMax ? assumedBytesPerMs : undefined
  }

  /** For how long nothing has been converted, although something waits; undefined where conversions go on. */
  standstillSeconds(): number | undefined {
    if (this.#waitingBytes === 0) return undefined
    const sinceMs = this.#clock.monotonicMs() - this.#progressMs
    return sinceMs > standstillMs ? Math.floor(sinceMs / 1000) : undefined
  }

  /** Counts the time up to now, in which as many bodies waited as do. */
  #count(): void {
    const nowMs = this.#clock.monotonicMs()
    if (this.#waitingBytes >= busyBytesMin) {
      const elapsedMs = nowMs - this.#countedMs
      const faded = Math.exp(-elapsedMs / memoryMs)
      this.#bytes *= faded
      this.#busyMs = this.#busyMs * faded + elapsedMs
    }
    this.#countedMs = nowMs
  }
}
