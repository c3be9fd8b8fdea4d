import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import {
  accountShareMax,
  backlogBytesDefault,
  backlogSecondsDefault,
  inflightBytesDefault,
  roomKeptMsMax,
  smallBodyBytesMax,
} from './limits.ts'
import { busyBytesMin, Pace } from './pace.ts'
import { WaitingRoom } from './waiting-room.ts'

export interface AdmissionLimits {
  /** Bodies in memory on their way to the disk. */
  readonly inflightBytesMax: number
  /** Acknowledged bodies that wait to be converted. */
  readonly backlogBytesMax: number
  /** How long it may take to convert them before large bodies are refused; 0 for as long as it takes. */
  readonly backlogSecondsMax: number
}

export const admissionLimitsDefault: AdmissionLimits = {
  inflightBytesMax: inflightBytesDefault,
  backlogBytesMax: backlogBytesDefault,
  backlogSecondsMax: backlogSecondsDefault,
}

/** Why a body is not let in, as an error that is made only for whoever is told: under a flood most looks find no room, and nobody hears of them. */
type Refusal = () => AppError

/** Counts what the intake holds, and refuses what would be too much before anything of it is kept. */
export class Admission {
  readonly #limits: AdmissionLimits
  readonly #clock: Clock
  readonly #inflight = new Tally()
  /** What waits to be converted, or is about to: a body has its room from when it is let in, because many others ask until it waits itself. */
  readonly #backlog = new Tally()
  readonly #pace: Pace
  readonly #waiting: WaitingRoom

  constructor(limits: AdmissionLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
    this.#pace = new Pace(clock)
    this.#waiting = new WaitingRoom(clock)
  }

  /**
   * Lets a body in; the returned function takes it off the count again. Fails with `overloaded`. `backlogBytes` is what the inbox takes on the
   * disk, which may be more than the bodies in it.
   */
  enter(accountId: number, bytes: number, backlogBytes: number): () => void {
    const refusal = this.#refusalOf(accountId, bytes, backlogBytes)
    if (refusal !== undefined) throw refusal()
    this.#inflight.add(accountId, bytes)
    this.#backlog.add(accountId, bytes)
    return () => {
      this.#inflight.add(accountId, -bytes)
      this.#backlog.add(accountId, -bytes)
    }
  }

  /**
   * Resolves as soon as there is room for a body that is not there yet, and keeps it until the returned function is called, because the body
   * is there or will not come, for `roomKeptMsMax` at most. Fails with `overloaded` where there was none in `roomWaitMsMax`. Who sends on at once, whatever it is answered,
   * offers no more than one body in that time on each of its connections.
   */
  async awaitRoom(accountId: number, bytes: number, backlogBytes: () => number): Promise<() => void> {
    const refusalNow = (): Refusal | undefined => this.#refusalOf(accountId, bytes, backlogBytes())
    const refusal = refusalNow()
    if (refusal === undefined) return this.#keepRoom(accountId, bytes)
    const giveBack = await this.#waiting.wait(bytes, () =>
      refusalNow() === undefined ? this.#keepRoom(accountId, bytes) : undefined,
    )
    if (giveBack === undefined) throw refusal()
    return giveBack
  }

  /** For a body that takes longer to arrive, others that are here sooner need not wait. */
  #keepRoom(accountId: number, bytes: number): () => void {
    this.#backlog.add(accountId, bytes)
    let isKept = true
    const giveBack = (): void => {
      if (!isKept) return
      isKept = false
      cancel()
      this.#backlog.add(accountId, -bytes)
    }
    const cancel = this.#clock.schedule(roomKeptMsMax, giveBack)
    return giveBack
  }

  #refusalOf(accountId: number, bytes: number, backlogBytes: number): Refusal | undefined {
    const { inflightBytesMax, backlogBytesMax } = this.#limits
    if (!this.#inflight.hasRoom(accountId, bytes, inflightBytesMax)) {
      return () => overloaded('The server receives more than it can write at this moment.')
    }
    // However large, a body is let in where nothing else waits: refused, it would be sent again for ever.
    const isFull = backlogBytes > 0 && backlogBytes + bytes > backlogBytesMax
    if (isFull || !this.#backlog.hasRoom(accountId, bytes, backlogBytesMax)) return () => this.#full(backlogBytes)
    return bytes > smallBodyBytesMax ? this.#tooLate(accountId) : undefined
  }

  /** So many more bytes of the account wait. */
  addBacklog(accountId: number, bytes: number): void {
    this.#backlog.add(accountId, bytes)
    this.#pace.addWaiting(bytes)
  }

  /** So many bytes of the account have been dealt with. */
  settleBacklog(accountId: number, bytes: number): void {
    this.#backlog.add(accountId, -bytes)
    this.#pace.addConverted(bytes)
    this.#waiting.freed(bytes)
  }

  /** A sender that is faster than the conversion learns of it while its records can still be queried soon. */
  #tooLate(accountId: number): Refusal | undefined {
    const { backlogSecondsMax } = this.#limits
    const aheadBytes = this.#backlog.aheadOf(accountId)
    if (backlogSecondsMax === 0 || aheadBytes < busyBytesMin) return undefined
    const seconds = this.#pace.secondsFor(aheadBytes)
    if (seconds === undefined || seconds <= backlogSecondsMax) return undefined
    return () =>
      overloaded(
        `${megabytes(aheadBytes)} of acknowledged bodies wait to be converted, which takes about ${Math.round(seconds)} s; ` +
          `large bodies are taken while it takes ${backlogSecondsMax} s at most.`,
        Math.min(Math.max(Math.round(seconds - backlogSecondsMax), 1), retrySecondsMax),
      )
  }

  /** Where nothing is converted, more room would be no help: somebody has to look. */
  #full(backlogBytes: number): AppError {
    const waiting = `${megabytes(Math.max(backlogBytes, this.#pace.waitingBytes))} of acknowledged bodies wait to be converted, and more are not taken.`
    const standstill = this.#pace.standstillSeconds()
    if (standstill === undefined) return overloaded(waiting)
    return overloaded(`${waiting} None has been converted for ${standstill} s: the server may have no worker.`)
  }
}

/** Senders come again before they have forgotten what they had to send. */
const retrySecondsMax = 30

/** Bytes by account, and together. */
class Tally {
  readonly #byAccount = new Map<number, number>()
  #total = 0

  /** A single body is let in where nothing else is, however large. */
  hasRoom(accountId: number, bytes: number, bytesMax: number): boolean {
    const own = this.#byAccount.get(accountId) ?? 0
    if (this.#total + bytes > bytesMax && this.#total > 0) return false
    return own === 0 || own + bytes <= bytesMax * accountShareMax
  }

  /** What is dealt with before another body of the account, where accounts take turns. */
  aheadOf(accountId: number): number {
    const own = this.#byAccount.get(accountId) ?? 0
    return Math.min(this.#total, own * this.#byAccount.size)
  }

  add(accountId: number, bytes: number): void {
    const own = (this.#byAccount.get(accountId) ?? 0) + bytes
    if (own === 0) this.#byAccount.delete(accountId)
    else this.#byAccount.set(accountId, own)
    this.#total += bytes
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`
}

function overloaded(message: string, retryAfterSeconds = 1): AppError {
  return AppError.untraced('overloaded', message, {
    hint: 'Nothing of this body was kept. Send it again after a short while.',
    retryAfterSeconds,
  })
}
