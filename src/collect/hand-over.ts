import { setMaxListeners } from 'node:events'

import type { Clock } from '../base/clock.ts'
import { AppError, isAppError } from '../base/errors.ts'
import type { ErrorRecord } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { pgCode } from '../base/postgres/postgres.ts'
import type { Job, Jobs, NewJob } from '../jobs/jobs.ts'
import { finishedStates } from '../jobs/jobs.ts'
import { FrameGroup } from './frame-group.ts'
import { OpenGroups } from './open-groups.ts'
import { importKind } from './import-input.ts'
import type { BodyOutcome, ImportSummary } from './import-input.ts'
import type { FramePlace } from './inbox/inbox.ts'
import { gatherMs, jobBytesMax } from './limits.ts'

export interface HandOverOptions {
  readonly jobs: Jobs
  readonly clock: Clock
  readonly log: Logger
  /** Called once for each group, when every frame of it was dealt with, and every frame before `before`. */
  readonly onDone: (group: FrameGroup, before: number) => void
  /** Keeps the bodies of a group that no job will convert any more. Repeated until it succeeds. */
  readonly onFailed: (group: FrameGroup, error: ErrorRecord) => Promise<void>
}

/** Attempts go on for hours: while the database or the object store is away, a body waits and is not given up. */
const attemptsMax = 200

/** Leftovers wait while so many jobs are unfinished. */
const busyJobs = 16

/**
 * Frames are gathered for so long again for each job that is unfinished, up to this factor: a job that would wait behind others
 * loses nothing, and fewer, larger jobs are cheaper for all. Each opens a DuckDB, writes a file, and is a transaction.
 */
const gatherFactorMax = 10

/**
 * Where single events come in by the hundreds, or bodies one after the other, they are gathered for so many times as long at least: a job
 * for all of them costs little more than one for a few. Of narrow records, 10,000 take an engine process 45 ms and 40,000 take it 85.
 */
const crowdFrames = 100
const crowdBytes = 256 * 1024
const crowdFactor = 4

/** How long to wait before something is asked again that failed. */
const retryMs = 1000
const waitMs = 60_000

/** What is not handed over by then is found by the next intake. */
const drainMsMax = 5000

/**
 * Hands frames over to the job queue, and learns what came of them. Between the acknowledgement of a frame and the
 * submission of its job the segment is the only trace, which is enough: the next intake reads it again. So nothing here
 * needs to be durable, and the queue may be away for as long as it likes.
 */
export class HandOver {
  readonly #options: HandOverOptions
  /** By segment and account: what was not asked for yet, and may still grow. */
  #gathering = new Map<string, FrameGroup>()
  #waiting: FrameGroup[] = []
  readonly #open = new OpenGroups()
  #unfinished = 0
  /** What was handed over last, and when. */
  #last = { atMs: -Infinity, bytes: 0 }
  #wake: () => void = () => {}
  #loop: Promise<void> | undefined
  readonly #stopping = new AbortController()
  #draining = false

  constructor(options: HandOverOptions) {
    this.#options = options
    // Each job that is followed listens, and there may be many: that is no leak of which Node would have to warn.
    setMaxListeners(0, this.#stopping.signal)
  }

  start(): void {
    this.#loop = this.#submitUntilStopped()
  }

  /** Takes a frame that is durable. `onOutcome` hears what came of it. */
  add(place: FramePlace, onOutcome?: (outcome: BodyOutcome | AppError) => void): void {
    const key = `${place.segment.id}/${place.accountId}`
    let group = this.#gathering.get(key)
    if (group === undefined) {
      group = new FrameGroup(place.segment, place.accountId)
      this.#gathering.set(key, group)
    }
    group.add(place, onOutcome)
    this.#open.open(group)
    if (group.bytes >= jobBytesMax) this.#close(key, group)
    this.#wake()
  }

  /** Resolves when few jobs are unfinished: whoever has a lot to add waits for it in between. */
  async hasRoom(): Promise<void> {
    const { signal } = this.#stopping
    while (this.#unfinished + this.#waiting.length >= busyJobs && !signal.aborted) {
      await this.#options.clock.sleep(gatherMs, signal)
    }
  }

  /** Asks for what is there without gathering any longer. Gives up where the queue is away. */
  async drain(): Promise<void> {
    const { signal } = this.#stopping
    this.#draining = true
    for (let waitedMs = 0; waitedMs < drainMsMax && !signal.aborted; waitedMs += gatherMs) {
      if (this.#gathering.size + this.#waiting.length === 0) return
      this.#wake()
      await this.#options.clock.sleep(gatherMs, signal)
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#wake()
    await this.#loop
  }

  #close(key: string, group: FrameGroup): void {
    this.#gathering.delete(key)
    this.#waiting.push(group)
  }

  async #submitUntilStopped(): Promise<void> {
    const { clock } = this.#options
    const { signal } = this.#stopping
    while (!signal.aborted) {
      if (this.#gathering.size + this.#waiting.length === 0) {
        await new Promise<void>((resolve) => (this.#wake = resolve))
        continue
      }
      if (this.#waiting.length === 0 && !this.#draining) await this.#gather()
      for (const [key, group] of this.#gathering) this.#close(key, group)
      // A copy: groups that are full join those that wait while these are submitted.
      const groups = [...this.#waiting]
      this.#last = { atMs: clock.monotonicMs(), bytes: groups.reduce((sum, { bytes }) => sum + bytes, 0) }
      while (!signal.aborted && !(await this.#submit(groups))) await clock.sleep(retryMs, signal)
      this.#waiting = this.#waiting.filter((group) => !groups.includes(group))
    }
  }

  async #gather(): Promise<void> {
    const { clock } = this.#options
    const enough = new AbortController()
    this.#wake = () => this.#waiting.length > 0 && enough.abort()
    const stop = (): void => enough.abort()
    this.#stopping.signal.addEventListener('abort', stop, { once: true })
    const factor = Math.min(Math.max(this.#unfinished, 1), gatherFactorMax)
    await clock.sleep(factor * gatherMs, enough.signal)
    if (factor < crowdFactor && this.#isCrowd()) await clock.sleep((crowdFactor - factor) * gatherMs, enough.signal)
    this.#stopping.signal.removeEventListener('abort', stop)
    this.#wake = () => {}
  }

  /** Whether more is on its way, as it shows in what came of late. A body that comes by itself is not kept waiting. */
  #isCrowd(): boolean {
    let [frames, bytes] = [0, 0]
    for (const group of this.#gathering.values()) {
      frames += group.frames
      bytes += group.bytes
    }
    const isRecent = this.#options.clock.monotonicMs() - this.#last.atMs < crowdFactor * gatherMs
    return frames >= crowdFrames || (isRecent && bytes + this.#last.bytes >= crowdBytes)
  }

  #done(group: FrameGroup): void {
    this.#options.onDone(group, this.#open.close(group))
  }

  /** Whether the queue has the jobs now. A repetition is known by its key. */
  async #submit(groups: readonly FrameGroup[]): Promise<boolean> {
    const { jobs, log } = this.#options
    try {
      const submitted = await jobs.submitAll(groups.map(newJobOf))
      for (const [index, { job }] of submitted.entries()) {
        const group = groups[index]
        if (group !== undefined) void this.#follow(group, job)
      }
      return true
    } catch (error) {
      if (groups.length > 1 && !isAppError(error, 'database_unavailable')) return await this.#submitEach(groups)
      if (isForgottenAccount(error)) {
        log.warn({ accountId: groups[0]?.accountId }, 'bodies of an account that does not exist any more were dropped')
        for (const group of groups) this.#done(group)
        return true
      }
      log.warn({ err: error }, 'import jobs could not be submitted; they are tried again')
      return false
    }
  }

  /** One of them cannot be submitted: the others shall not wait for it. */
  async #submitEach(groups: readonly FrameGroup[]): Promise<boolean> {
    const { clock } = this.#options
    const { signal } = this.#stopping
    for (const group of groups) {
      while (!signal.aborted && !(await this.#submit([group]))) await clock.sleep(retryMs, signal)
    }
    return true
  }

  /** Stays with a job to its end. What fails on the way is asked again: the frames are safe meanwhile. */
  async #follow(group: FrameGroup, submitted: Job): Promise<void> {
    const { jobs, clock, log, onFailed } = this.#options
    const { signal } = this.#stopping
    this.#unfinished += 1
    let job = submitted
    while (!signal.aborted) {
      try {
        while (!finishedStates.has(job.state)) {
          job = await jobs.wait(group.accountId, submitted.id, waitMs, signal)
          if (signal.aborted) return
        }
        if (job.state === 'success') group.tell(job.output as ImportSummary)
        else await onFailed(group, errorOf(job))
        this.#done(group)
        break
      } catch (error) {
        // Finished jobs are forgotten after weeks. Asking once more finds the bodies applied, or applies them.
        if (isAppError(error, 'job_not_found')) {
          this.#waiting.push(group)
          this.#wake()
          break
        }
        log.warn({ err: error, job: submitted.id }, 'the end of an import job is not known yet')
        await clock.sleep(retryMs, signal)
      }
    }
    this.#unfinished -= 1
  }
}

function newJobOf(group: FrameGroup): NewJob {
  const { accountId, uniqueKey } = group
  return { accountId, kind: importKind, input: group.input(), uniqueKey, attemptsMax }
}

function errorOf(job: Job): ErrorRecord {
  if (job.error !== null) return job.error
  return { code: 'job_killed', message: `Job ${job.id}, which was to import the body, ended as ${job.state}.` }
}

/** 23503: what a row refers to is not there. */
function isForgottenAccount(error: unknown): boolean {
  return !(error instanceof AppError) && pgCode(error) === '23503'
}
