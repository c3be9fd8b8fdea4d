import type { Clock } from '../base/clock.ts'
import { AppError, assert, isAppError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import type { Randomness } from '../base/randomness.ts'
import type { Service } from '../base/service.ts'
import { Announcer } from './announcer.ts'
import { killChannel, readyChannel } from './channels.ts'
import { Doorbell } from './doorbell.ts'
import { extendLeases } from './heartbeat.sql.ts'
import type { JobKind } from './jobs.ts'
import { killedError } from './kill.ts'
import type { Outcome } from './outcome.ts'
import { failedByBug, givenBack } from './outcome.ts'
import { ReadyWatch } from './ready-watch.ts'
import { runHandler } from './run-handler.ts'
import type { RunningAttempt } from './running-attempt.ts'
import { settleAttempt, settleExpired, settleGone } from './settle.ts'
import type { SettleParts } from './settle.ts'
import type { EndedSuccess } from './turns.ts'
import { Turns } from './turns.ts'

export interface JobRunnerOptions {
  /** For most statements; best opened with `workerServerSettings`. */
  readonly postgres: Postgres
  readonly clock: Clock
  readonly randomness: Randomness
  readonly log: Logger
  /** Who holds the leases: names this process in histories. */
  readonly owner: string
  readonly kinds: readonly JobKind[]
  /** Workers whose processes are surely gone: their jobs need not wait until leases run out. */
  readonly gone?: GoneWorkers
  /** How long a lease holds without a heartbeat; a third of it is the time between two. 15 s by default. */
  readonly leaseMs?: number
}

export interface GoneWorkers {
  /** As they owned their leases. */
  readonly names: readonly string[]
  /** Called when nothing of theirs is left. */
  forget(): Promise<void>
}

/** The worker's side of the queue: takes jobs of its kinds, runs their handlers, and writes what came of them. */
export function openJobRunner(options: JobRunnerOptions): Service {
  return new JobRunner(options)
}

/** How long to wait before what the database could not do is tried again: so long the first time, doubling, at most a second. */
const againMs = 50
const againMsMax = 1000

/** A runner that stops tells of its last ends for so long, of the three seconds that a stop may take. */
const tellMsMax = 1000

class JobRunner implements Service {
  readonly name = 'job-runner'
  readonly #options: JobRunnerOptions
  readonly #kinds: ReadonlyMap<string, JobKind>
  readonly #leaseMs: number
  readonly #settling: SettleParts
  readonly #ready: ReadyWatch
  readonly #turns: Turns
  /** By lease token: all attempts whose ends are not written yet. */
  readonly #running = new Map<number, RunningAttempt>()
  readonly #heartbeat: Doorbell
  /** Aborted when no more jobs are to be acquired. */
  readonly #draining = new AbortController()
  readonly #stopping = new AbortController()
  #beating: Promise<void> | undefined
  #stopListening: (() => Promise<void>)[] = []
  /** Called when nothing runs any more. */
  #whenIdle: (() => void)[] = []
  #failingToBeat = false
  /** Until then, other workers have the chance to come back after the database was away. */
  #expireFromMs = 0

  constructor(options: JobRunnerOptions) {
    const { postgres, clock, log, owner, randomness } = options
    this.#options = options
    this.#kinds = new Map(options.kinds.map((kind) => [kind.kind, kind]))
    assert(this.#kinds.size === options.kinds.length, 'each kind of job has one handler')
    this.#leaseMs = options.leaseMs ?? 15_000
    const announcer = new Announcer(postgres, clock)
    this.#settling = { postgres, randomness, announcer, owner }
    this.#heartbeat = new Doorbell(clock)
    const names = [...this.#kinds.keys()]
    this.#ready = new ReadyWatch({ postgres, clock, log, announcer, owner, kinds: names }, () => this.#turns.ring())
    this.#turns = new Turns({
      postgres,
      clock,
      log,
      announcer,
      kinds: options.kinds,
      lease: { owner, ms: this.#leaseMs },
      picker: this.#ready.picker,
      leased: (attempt) => this.#running.set(attempt.leaseToken, attempt),
      begin: (attempt) => this.#begin(attempt),
      giveBack: (attempt) => void this.#settle(attempt, givenBack),
      settled: (ended, lost) => this.#settled(ended, lost),
      settleAlone: (ended) => void this.#settle(ended.attempt, ended.outcome),
    })
  }

  async start(): Promise<void> {
    const { postgres } = this.#options
    const { signal: draining } = this.#draining
    const onReady = (payload: string) => this.#ready.hear(payload)
    this.#stopListening.push(await postgres.listen(readyChannel, onReady, () => this.#ready.look()))
    const onKill = (ids: string) => ids.split(',').forEach((id) => this.#kill(Number(id)))
    this.#stopListening.push(await postgres.listen(killChannel, onKill, () => this.#heartbeat.ring()))
    this.#beating = this.#beatUntilStopped()
    this.#ready.start(draining)
    this.#turns.start(draining)
    await this.#takeOver()
  }

  async drain(): Promise<void> {
    this.#draining.abort()
    await this.#ready.ended()
    await this.#turns.drained()
    await this.#idle()
  }

  async stop(): Promise<void> {
    this.#draining.abort()
    this.#stopping.abort()
    await this.#ready.ended()
    await this.#turns.drained()
    this.#turns.hurry()
    this.#turns.giveBackAhead()
    for (const attempt of this.#running.values()) attempt.end(shuttingDown())
    await this.#idle()
    await this.#turns.ended()
    await this.#beating
    // Somebody waits for the ends that were written last; where they cannot be told, he looks for himself.
    await Promise.race([this.#settling.announcer.told(), this.#options.clock.sleep(tellMsMax)])
    const listeners = this.#stopListening
    this.#stopListening = []
    await Promise.all(listeners.map((stopListening) => stopListening()))
  }

  async #takeOver(): Promise<void> {
    const { gone, log } = this.#options
    if (gone === undefined || gone.names.length === 0) return
    try {
      const jobs = await settleGone(this.#settling, gone.names)
      if (jobs.length > 0) log.warn({ jobs, workers: gone.names }, 'took over the jobs of workers that are gone')
      await gone.forget()
    } catch (error) {
      log.warn({ err: error }, 'could not take over from workers that are gone; their leases will run out')
    }
  }

  #begin(attempt: RunningAttempt): void {
    const kind = this.#kinds.get(attempt.job.kind)
    assert(kind !== undefined, 'only jobs of known kinds are acquired')
    void runHandler(kind, attempt, this.#options).then((outcome) => {
      this.#turns.freePlace(attempt)
      if (outcome === undefined) this.#forget(attempt)
      else if (outcome.event === 'succeed' && !attempt.holdsSlots) this.#turns.settle({ attempt, outcome })
      else void this.#settle(attempt, outcome)
    })
  }

  #settled(ended: readonly EndedSuccess[], lost: ReadonlySet<number>): void {
    for (const { attempt } of ended) {
      if (lost.has(attempt.leaseToken)) this.#warnOfLostLease(attempt)
      this.#forget(attempt)
    }
  }

  /** Tries for as long as the database is away: the work is done, and should not be done again. */
  async #settle(attempt: RunningAttempt, outcome: Outcome): Promise<void> {
    const { clock, log } = this.#options
    const job = { job: attempt.job.id, kind: attempt.job.kind, attempt: attempt.job.attempt }
    for (let failures = 0; ; failures += 1) {
      try {
        const lease = { jobId: attempt.job.id, leaseToken: attempt.leaseToken }
        const state = await settleAttempt(this.#settling, { outcome, progress: attempt.latestProgress, ...lease })
        if (state === undefined) this.#warnOfLostLease(attempt)
        else log.debug({ ...job, state }, 'an attempt has ended')
        break
      } catch (error) {
        log.warn({ err: error, ...job }, 'what came of an attempt could not be written')
        const again = isAppError(error, 'database_unavailable') || outcome.event === 'succeed'
        // The lease runs out, and tells the others.
        if (!again || this.#stopping.signal.aborted) break
        if (!isAppError(error, 'database_unavailable')) outcome = failedByBug(attempt.job.id)
        await clock.sleep(Math.min(againMsMax, againMs * 2 ** failures), this.#stopping.signal)
      }
    }
    this.#forget(attempt)
    // It may wait again, or have given slots back.
    this.#turns.ring()
  }

  #warnOfLostLease({ job: { id, kind, attempt } }: RunningAttempt): void {
    this.#options.log.warn({ job: id, kind, attempt }, 'the lease was lost: what came of this attempt does not count')
  }

  #forget(attempt: RunningAttempt): void {
    this.#running.delete(attempt.leaseToken)
    if (this.#running.size > 0) return
    for (const tell of this.#whenIdle.splice(0)) tell()
  }

  async #idle(): Promise<void> {
    if (this.#running.size > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
  }

  #kill(jobId: number): void {
    this.#turns.noteKill(jobId)
    for (const attempt of this.#running.values()) {
      if (attempt.job.id === jobId) attempt.end(AppError.fromRecord(killedError(jobId)))
    }
  }

  async #beatUntilStopped(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const done = await this.#tryToBeat()
      if (!done) this.#expireFromMs = this.#options.clock.monotonicMs() + this.#leaseMs / 2
      await this.#heartbeat.wait(this.#leaseMs / 3, signal)
    }
  }

  /** A runner outlives a heartbeat that fails: the next time will come. Says whether it worked. */
  async #tryToBeat(): Promise<boolean> {
    try {
      await this.#beat()
      this.#failingToBeat = false
      return true
    } catch (error) {
      // Said once, and not again each second for as long as the database is away.
      this.#options.log[this.#failingToBeat ? 'debug' : 'warn']({ err: error }, 'cannot extend leases now')
      this.#failingToBeat = true
      return false
    }
  }

  /** Prolongs the leases of this process, learns what became of them, and looks for those of processes that are gone. */
  async #beat(): Promise<void> {
    const { postgres, clock, log } = this.#options
    const attempts = [...this.#running.values()]
    if (attempts.length > 0) {
      const leases = attempts.map((attempt) => ({
        jobId: attempt.job.id,
        leaseToken: attempt.leaseToken,
        progress: attempt.latestProgress,
      }))
      const extended = await extendLeases(postgres, leases, this.#leaseMs)
      const held = new Map(extended.map(({ leaseToken, killRequested }) => [leaseToken, killRequested]))
      for (const attempt of attempts) {
        const killRequested = held.get(attempt.leaseToken)
        if (killRequested === undefined) attempt.end(leaseLost(attempt.job.id))
        if (killRequested === true) attempt.end(AppError.fromRecord(killedError(attempt.job.id)))
      }
    }
    if (clock.monotonicMs() < this.#expireFromMs) return
    const expired = await settleExpired(this.#settling)
    if (expired.length > 0) log.warn({ jobs: expired }, 'the workers of these jobs were lost')
  }
}

function shuttingDown(): AppError {
  return new AppError('shutting_down', 'The worker stops, and another one takes the job over.')
}

function leaseLost(jobId: number): AppError {
  return new AppError('lease_lost', `Another worker runs job ${jobId} now, or it has ended.`)
}
