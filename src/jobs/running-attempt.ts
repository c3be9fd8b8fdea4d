import type { AppError } from '../base/errors.ts'
import type { Attempt, Job } from './jobs.ts'
import { storedJson } from './stored-json.ts'

/** An attempt that runs in this process, under a lease of this process. */
export class RunningAttempt implements Attempt {
  readonly job: Job
  readonly leaseToken: number
  /** Whether the lease holds slots of limits. */
  readonly holdsSlots: boolean
  /** On the monotonic clock: when this process took the lease, and when the handler began. */
  takenMs = 0
  begunMs = 0
  #ending: AbortController | undefined
  #endedBy: AppError | undefined
  #onEnd: ((reason: AppError) => void) | undefined
  #progress: string | null = null
  #onProgress: (() => void) | undefined

  constructor(job: Job, lease: { readonly leaseToken: number; readonly holdsSlots: boolean }) {
    this.job = job
    this.leaseToken = lease.leaseToken
    this.holdsSlots = lease.holdsSlots
  }

  /** Made when a handler asks for it: many are done before they would look. */
  get signal(): AbortSignal {
    if (this.#ending === undefined) {
      this.#ending = new AbortController()
      if (this.#endedBy !== undefined) this.#ending.abort(this.#endedBy)
    }
    return this.#ending.signal
  }

  /** Why the attempt is to end; undefined while it is not. */
  get endedBy(): AppError | undefined {
    return this.#endedBy
  }

  /** What the handler said last of itself, as JSON text. */
  get latestProgress(): string | null {
    return this.#progress
  }

  progress(value: unknown): void {
    const text = storedJson(value)
    if (text === this.#progress) return
    this.#progress = text
    this.#onProgress?.()
  }

  /** Tells the handler to end. The first reason stays. */
  end(reason: AppError): void {
    if (this.#endedBy !== undefined) return
    this.#endedBy = reason
    this.#ending?.abort(reason)
    this.#onEnd?.(reason)
  }

  /** Calls once when the attempt is told to end, also when that was before. */
  onEnd(call: (reason: AppError) => void): void {
    if (this.#endedBy === undefined) this.#onEnd = call
    else call(this.#endedBy)
  }

  /** Calls whenever the handler says something new of itself. */
  onProgress(call: () => void): void {
    this.#onProgress = call
  }
}
