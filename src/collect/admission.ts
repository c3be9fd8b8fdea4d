import { AppError } from '../base/errors.ts'
import { accountShareMax } from './limits.ts'

export interface AdmissionLimits {
  /** Bodies in memory on their way to the disk. */
  readonly inflightBytesMax: number
  /** Acknowledged bodies that wait to be converted. */
  readonly backlogBytesMax: number
}

/** Counts what the intake holds, and refuses what would be too much before anything of it is kept. */
export class Admission {
  readonly #limits: AdmissionLimits
  readonly #inflight = new Tally()
  readonly #backlog = new Tally()

  constructor(limits: AdmissionLimits) {
    this.#limits = limits
  }

  /**
   * Lets a body in; the returned function takes it off the count again. Fails with `overloaded`. `backlogBytes` is what
   * the inbox takes on the disk, which may be more than the bodies in it.
   */
  enter(accountId: number, bytes: number, backlogBytes: number): () => void {
    const { inflightBytesMax, backlogBytesMax } = this.#limits
    if (!this.#inflight.hasRoom(accountId, bytes, inflightBytesMax)) {
      throw overloaded('The server receives more than it can write at this moment.')
    }
    // However large, a body is let in where nothing else waits: refused, it would be sent again for ever.
    const isFull = backlogBytes > 0 && backlogBytes + bytes > backlogBytesMax
    if (isFull || !this.#backlog.hasRoom(accountId, bytes, backlogBytesMax)) {
      throw overloaded('Too many acknowledged bodies wait to be converted.')
    }
    this.#inflight.add(accountId, bytes)
    return () => this.#inflight.add(accountId, -bytes)
  }

  /** So many more bytes of the account wait, or fewer. */
  addBacklog(accountId: number, bytes: number): void {
    this.#backlog.add(accountId, bytes)
  }
}

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

  add(accountId: number, bytes: number): void {
    const own = (this.#byAccount.get(accountId) ?? 0) + bytes
    if (own === 0) this.#byAccount.delete(accountId)
    else this.#byAccount.set(accountId, own)
    this.#total += bytes
  }
}

function overloaded(message: string): AppError {
  return new AppError('overloaded', message, {
    hint: 'Nothing of this body was kept. Send it again after a short while.',
    retryAfterSeconds: 1,
  })
}
