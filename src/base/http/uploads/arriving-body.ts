import { AppError } from '../../errors.ts'
import { overloaded } from '../read-body.ts'
import type { BodyBudget, ReadBody } from '../read-body.ts'

export interface ArrivingBodyOptions {
  readonly budget: BodyBudget
  /** How long it may take from when somebody asks for it, or drops it, to its last byte. */
  readonly wholeMsMax: number
  readonly nowMs: () => number
  /** Has the connection read on, and give what comes to `take`. */
  readonly readOn: () => void
}

/**
 * What is announced takes no more memory than this before it is there, or twice what came: whoever announces much need not send it. Most
 * bodies fit.
 */
const bytesAhead = 256 << 10

/** The body of a request: in part it came with the head, the rest stays where it is until somebody asks for it or drops it. */
export class ArrivingBody {
  readonly #whole: number
  readonly #first: Buffer
  readonly #options: ArrivingBodyOptions
  #left: number
  /** Where the body is put together; undefined while nobody asks for it. */
  #copy: { bytes: Buffer; filled: number } | undefined
  #lateFromMs = Infinity
  /** Hears that all of it was read, or why not. */
  #settled: ((failure: AppError | undefined) => void) | undefined

  /** Of `whole` bytes, the `first` of which are there. */
  constructor(whole: number, first: Buffer, options: ArrivingBodyOptions) {
    this.#whole = whole
    this.#first = first
    this.#options = options
    this.#left = whole - first.byteLength
  }

  /** Bytes that the connection has yet to bring. */
  get left(): number {
    return this.#left
  }

  /** Its bytes count against the budget from when they are read. Fails with `overloaded` or `request_timeout`. */
  receive(): Promise<ReadBody> {
    const { budget } = this.#options
    const copy = { bytes: Buffer.allocUnsafeSlow(Math.min(this.#whole, bytesAhead)), filled: 0 }
    const release = (): void => budget.release(copy.filled)
    this.#copy = copy
    return new Promise((resolve, reject) => {
      this.#settled = (failure) => {
        if (failure === undefined) return resolve({ bytes: copy.bytes, release })
        release()
        reject(failure)
      }
      this.#keep(this.#first)
      this.#goOn()
    })
  }

  /** Resolves when all of it was read, or when it stays away: then there is something left, and the connection is of no more use. */
  drop(): Promise<void> {
    return new Promise((resolve) => {
      this.#settled = () => resolve()
      this.#goOn()
    })
  }

  /** What the connection brought, which is no more than was left. */
  take(part: Buffer): void {
    this.#left -= part.byteLength
    this.#keep(part)
    if (this.#left === 0) this.#settle(undefined)
    else if (this.#options.nowMs() > this.#lateFromMs) this.#settle(tooSlow(this.#options.wholeMsMax))
  }

  /** Nothing of it comes any more. `whyAfter` is told how many bytes of it came. */
  fail(whyAfter: (received: number) => AppError): void {
    this.#settle(whyAfter(this.#whole - this.#left))
  }

  #goOn(): void {
    if (this.#left === 0) return this.#settle(undefined)
    if (this.#settled === undefined) return
    this.#lateFromMs = this.#options.nowMs() + this.#options.wholeMsMax
    this.#options.readOn()
  }

  #keep(part: Buffer): void {
    const copy = this.#copy
    if (copy === undefined) return
    if (!this.#options.budget.reserve(part.byteLength)) return this.#settle(overloaded())
    const filled = copy.filled + part.byteLength
    if (filled > copy.bytes.byteLength) copy.bytes = grown(copy.bytes, Math.min(this.#whole, 2 * filled))
    part.copy(copy.bytes, copy.filled)
    copy.filled = filled
  }

  #settle(failure: AppError | undefined): void {
    const settled = this.#settled
    this.#settled = undefined
    this.#copy = undefined
    settled?.(failure)
  }
}

function grown(bytes: Buffer, size: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(size)
  bytes.copy(larger)
  return larger
}

function tooSlow(wholeMsMax: number): AppError {
  return new AppError('request_timeout', `The body took longer than ${wholeMsMax / 1000} s to arrive.`, {
    hint: 'Nothing of it was kept. Send it again, in smaller parts over a slow line.',
  })
}
