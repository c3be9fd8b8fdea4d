import type { AppError } from '../base/errors.ts'
import type { Attempt, Job } from './jobs.ts'
import { storedJson } from './stored-json.ts'

/** An attempt that runs in this process, under a lease of this process. */
export class RunningAttempt implements Attempt {
  readonly job: Job
  readonly leaseToken: number
  readonly #ending = new AbortController()
  #progress: string | null = null

  constructor(job: Job, leaseToken: number) {
    this.job = job
    this.leaseToken = leaseToken
  }

  get signal(): AbortSignal {
    return this.#ending.signal
  }

  /** Why the attempt is to end; undefined while it is not. */
  get endedBy(): AppError | undefined {
    return this.#ending.signal.aborted ? (this.#ending.signal.reason as AppError) : undefined
  }

  /** What the handler said last of itself, as JSON text. */
  get latestProgress(): string | null {
    return this.#progress
  }

  progress(value: unknown): void {
    this.#progress = storedJson(value)
  }

  /** Tells the handler to end. The first reason stays. */
  end(reason: AppError): void {
    this.#ending.abort(reason)
  }
}
