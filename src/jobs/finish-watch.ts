import type { Clock } from '../base/clock.ts'
import { isAppError } from '../base/errors.ts'
import { Doorbell } from './doorbell.ts'
import type { Job } from './jobs.ts'
import { finishedStates } from './jobs.ts'
import type { Run } from './runs.ts'

/**
 * How often those who wait look by themselves, should an announcement have been lost, as that of a worker that was killed when it had written the end: soon
 * at first, because most waits are for short jobs, and then ever later, so that nobody waits for half as long again as the job took.
 */
const lookSoonMs = 500
const lookEveryMs = 10_000
const lookShare = 1 / 2

/** Announcements that are remembered for waits that begin after them. They come every few milliseconds at most. */
const heardMax = 1000

export interface WaitOptions {
  readonly signal?: AbortSignal | undefined
  /** The job, as who submitted it was told: new, and not finished. */
  readonly submitted?: Job | undefined
}

/** Lets many wait for the ends of jobs, over the one connection that hears of them. */
export class FinishWatch {
  readonly #clock: Clock
  readonly #bells = new Map<number, Set<Doorbell>>()
  #heard: Run[] = []
  /** When announcements may have been lost for the last time. */
  #lostMs = -Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Wakes those who wait for jobs of these ids. */
  wake(first: number, last = first): void {
    this.#heard.push({ first, last })
    if (this.#heard.length > 2 * heardMax) this.#heard = this.#heard.slice(-heardMax)
    // Many may be finished, and few waited for; or the other way around.
    if (last - first < this.#bells.size) {
      for (let id = first; id <= last; id++) this.#ring(id)
    } else {
      for (const id of this.#bells.keys()) if (id >= first && id <= last) this.#ring(id)
    }
  }

  wakeAll(): void {
    this.#lostMs = this.#clock.monotonicMs()
    for (const bells of this.#bells.values()) for (const bell of bells) bell.ring()
  }

  /**
   * The job as `read` shows it when it is finished, or as it was last seen after `timeoutMs` or when `signal` is
   * aborted. Only the first look must succeed: a wait outlives the database's absence. Whoever has just submitted the job has looked
   * already, as `submitted`: then the first look is that after its announcement.
   */
  async wait(
    jobId: number,
    read: () => Promise<Job>,
    timeoutMs: number,
    { signal, submitted }: WaitOptions = {},
  ): Promise<Job> {
    const startMs = this.#clock.monotonicMs()
    // The bell hangs before the first look: what happens in between rings it.
    const bell = this.#hang(jobId)
    const isGone = () => signal?.aborted === true
    try {
      let job = submitted === undefined || this.#mayBeOver(jobId) ? await read() : submitted
      while (!finishedStates.has(job.state)) {
        const waitedMs = this.#clock.monotonicMs() - startMs
        if (waitedMs >= timeoutMs || isGone()) return job
        await bell.wait(Math.min(timeoutMs - waitedMs, lookAgainMs(waitedMs)), signal)
        if (isGone()) return job
        job = (await readUnlessAway(read)) ?? job
      }
      return job
    } finally {
      this.#takeDown(jobId, bell)
    }
  }

  /** It was announced before somebody waited for it, or that may have been lost. */
  #mayBeOver(jobId: number): boolean {
    if (this.#clock.monotonicMs() - this.#lostMs < lookEveryMs) return true
    return this.#heard.some(({ first, last }) => first <= jobId && jobId <= last)
  }

  #ring(jobId: number): void {
    for (const bell of this.#bells.get(jobId) ?? []) bell.ring()
  }

  #hang(jobId: number): Doorbell {
    const bell = new Doorbell(this.#clock)
    const bells = this.#bells.get(jobId) ?? new Set()
    this.#bells.set(jobId, bells.add(bell))
    return bell
  }

  #takeDown(jobId: number, bell: Doorbell): void {
    const bells = this.#bells.get(jobId)
    bells?.delete(bell)
    if (bells?.size === 0) this.#bells.delete(jobId)
  }
}

const lookAgainMs = (waitedMs: number): number => Math.min(lookEveryMs, Math.max(lookSoonMs, waitedMs * lookShare))

async function readUnlessAway(read: () => Promise<Job>): Promise<Job | undefined> {
  try {
    return await read()
  } catch (error) {
    if (isAppError(error, 'database_unavailable')) return undefined
    throw error
  }
}
