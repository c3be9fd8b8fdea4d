import type { Clock } from '../base/clock.ts'
import type { Job } from './jobs.ts'

const jobsMax = 200
/** Of a job with its result, where that lies with it. */
const charactersMax = 20_000
const msMax = 5000

/**
 * Jobs whose success somebody was just told, who mostly comes at once for the result: their rows need not be read for that again. Success
 * is final, unlike other ends, from which a job may be taken up again. Each is told once, and not for long.
 */
export class JustFinished {
  readonly #clock: Clock
  readonly #jobs = new Map<number, { readonly job: Job; readonly atMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  note(job: Job): void {
    if (job.state !== 'success' || JSON.stringify([job.input, job.output]).length > charactersMax) return
    this.#jobs.delete(job.id)
    this.#jobs.set(job.id, { job, atMs: this.#clock.monotonicMs() })
    const [oldest] = this.#jobs.keys()
    if (this.#jobs.size > jobsMax && oldest !== undefined) this.#jobs.delete(oldest)
  }

  /** Undefined for a job of another account, too. */
  take(accountId: number | null, id: number): Job | undefined {
    const noted = this.#jobs.get(id)
    if (noted === undefined || noted.job.accountId !== accountId) return undefined
    this.#jobs.delete(id)
    return this.#clock.monotonicMs() - noted.atMs <= msMax ? noted.job : undefined
  }
}
