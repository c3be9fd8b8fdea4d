import type { Clock } from '../base/clock.ts'
import { AppError, assert, isAppError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import type { Randomness } from '../base/randomness.ts'
import type { Service } from '../base/service.ts'
import { killChannel, readyChannel } from './channels.ts'
import { Doorbell } from './doorbell.ts'
import { jobOf } from './job-row.ts'
import type { JobKind } from './jobs.ts'
import { killedError } from './kill.ts'
import { acquireJobs, extendLeases } from './lease.sql.ts'
import type { Outcome } from './outcome.ts'
import { failedByBug } from './outcome.ts'
import { runHandler } from './run-handler.ts'
import { RunningAttempt } from './running-attempt.ts'
import { settleAttempt, settleExpired } from './settle.ts'

export interface JobRunnerOptions {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly randomness: Randomness
  readonly log: Logger
  /** Who holds the leases: names this process in histories. */
  readonly owner: string
  readonly kinds: readonly JobKind[]
  /** How long a lease holds without a heartbeat; a third of it is the time between two. 15 s by default. */
  readonly leaseMs?: number
}

/** The worker's side of the queue: takes jobs of its kinds, runs their handlers, and writes what came of them. */
export function openJobRunner(options: JobRunnerOptions): Service {
  return new JobRunner(options)
}

/** How often a runner looks by itself: for jobs whose time has come, and for announcements that were lost. */
const pollMs = 1000

class JobRunner implements Service {
  readonly name = 'job-runner'
  readonly #options: JobRunnerOptions
  readonly #kinds: ReadonlyMap<string, JobKind>
  readonly #leaseMs: number
  /** By lease token. */
  readonly #running = new Map<number, { readonly attempt: RunningAttempt; readonly done: Promise<void> }>()
  readonly #ready: Doorbell
  readonly #heartbeat: Doorbell
  /** Aborted when no more jobs are to be acquired. */
  readonly #draining = new AbortController()
  readonly #stopping = new AbortController()
  #loops: { readonly acquiring: Promise<void>; readonly beating: Promise<void> } | undefined
  #stopListening: (() => Promise<void>)[] = []
  /** Kills that came while jobs were being acquired, and may be meant for these. */
  #earlyKills = new Set<number>()
  /** What did not work the last time. */
  readonly #failing = new Set<string>()
  /** Until then, other workers have the chance to come back after the database was away. */
  #expireFromMs = 0

  constructor(options: JobRunnerOptions) {
    this.#options = options
    this.#kinds = new Map(options.kinds.map((kind) => [kind.kind, kind]))
    assert(this.#kinds.size === options.kinds.length, 'each kind of job has one handler')
    this.#leaseMs = options.leaseMs ?? 15_000
    this.#ready = new Doorbell(options.clock)
    this.#heartbeat = new Doorbell(options.clock)
  }

  async start(): Promise<void> {
    const { postgres } = this.#options
    const onReady = (kind: string) => this.#kinds.has(kind) && this.#ready.ring()
    this.#stopListening.push(await postgres.listen(readyChannel, onReady, () => this.#ready.ring()))
    const onKill = (id: string) => this.#kill(Number(id))
    this.#stopListening.push(await postgres.listen(killChannel, onKill, () => this.#heartbeat.ring()))
    this.#loops = { acquiring: this.#acquireUntilDrained(), beating: this.#beatUntilStopped() }
  }

  async drain(): Promise<void> {
    this.#draining.abort()
    await this.#loops?.acquiring
    await Promise.all([...this.#running.values()].map(({ done }) => done))
  }

  async stop(): Promise<void> {
    this.#draining.abort()
    this.#stopping.abort()
    await this.#loops?.acquiring
    for (const { attempt } of this.#running.values()) attempt.end(shuttingDown())
    await Promise.all([...this.#running.values()].map(({ done }) => done))
    await this.#loops?.beating
    const listeners = this.#stopListening
    this.#stopListening = []
    await Promise.all(listeners.map((stopListening) => stopListening()))
  }

  async #acquireUntilDrained(): Promise<void> {
    const { signal } = this.#draining
    while (!signal.aborted) {
      await this.#attemptTo('acquire jobs', () => this.#acquire())
      await this.#ready.wait(pollMs, signal)
    }
  }

  async #acquire(): Promise<void> {
    const { postgres, owner } = this.#options
    this.#earlyKills = new Set()
    const wanted = this.#freePlaces()
    if (wanted.length === 0) return
    const rows = await acquireJobs(postgres, wanted, { owner, ms: this.#leaseMs })
    for (const row of rows) {
      const attempt = new RunningAttempt(jobOf(row), row.lease_token)
      if (this.#earlyKills.has(row.id)) attempt.end(AppError.fromRecord(killedError(row.id)))
      this.#running.set(attempt.leaseToken, { attempt, done: this.#run(attempt) })
    }
  }

  #freePlaces(): { kind: string; free: number }[] {
    const taken = new Map<string, number>()
    for (const { attempt } of this.#running.values()) {
      taken.set(attempt.job.kind, (taken.get(attempt.job.kind) ?? 0) + 1)
    }
    return [...this.#kinds.values()]
      .map(({ kind, concurrency }) => ({ kind, free: concurrency - (taken.get(kind) ?? 0) }))
      .filter(({ free }) => free > 0)
  }

  async #run(attempt: RunningAttempt): Promise<void> {
    const kind = this.#kinds.get(attempt.job.kind)
    assert(kind !== undefined, 'only jobs of known kinds are acquired')
    const outcome = await runHandler(kind.handler, attempt, this.#options)
    if (outcome !== undefined) await this.#settle(attempt, outcome)
    this.#running.delete(attempt.leaseToken)
    this.#ready.ring()
  }

  /** Tries for as long as the database is away: the work is done, and should not be done again. */
  async #settle(attempt: RunningAttempt, outcome: Outcome): Promise<void> {
    const { clock, log } = this.#options
    const job = { job: attempt.job.id, kind: attempt.job.kind, attempt: attempt.job.attempt }
    while (true) {
      try {
        const lease = { jobId: attempt.job.id, leaseToken: attempt.leaseToken }
        const state = await settleAttempt(this.#options, { ...lease, outcome, progress: attempt.latestProgress })
        if (state === undefined) log.warn(job, 'the lease was lost: what came of this attempt does not count')
        else log.debug({ ...job, state }, 'an attempt has ended')
        return
      } catch (error) {
        log.warn({ err: error, ...job }, 'what came of an attempt could not be written')
        const again = isAppError(error, 'database_unavailable') || outcome.event === 'succeed'
        // The lease runs out, and tells the others.
        if (!again || this.#stopping.signal.aborted) return
        if (!isAppError(error, 'database_unavailable')) outcome = failedByBug(attempt.job.id)
        await clock.sleep(pollMs, this.#stopping.signal)
      }
    }
  }

  #kill(jobId: number): void {
    this.#earlyKills.add(jobId)
    for (const { attempt } of this.#running.values()) {
      if (attempt.job.id === jobId) attempt.end(AppError.fromRecord(killedError(jobId)))
    }
  }

  async #beatUntilStopped(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const done = await this.#attemptTo('extend leases', () => this.#beat())
      if (!done) this.#expireFromMs = this.#options.clock.monotonicMs() + this.#leaseMs / 2
      await this.#heartbeat.wait(this.#leaseMs / 3, signal)
    }
  }

  /** Prolongs the leases of this process, learns what became of them, and looks for those of processes that are gone. */
  async #beat(): Promise<void> {
    const { postgres, clock, log } = this.#options
    const attempts = [...this.#running.values()].map(({ attempt }) => attempt)
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
    const expired = await settleExpired(this.#options)
    if (expired.length > 0) log.warn({ jobs: expired }, 'the workers of these jobs were lost')
  }

  /** A runner outlives what it cannot do now: the next time will come. Says whether it worked. */
  async #attemptTo(what: string, task: () => Promise<void>): Promise<boolean> {
    try {
      await task()
      this.#failing.delete(what)
      return true
    } catch (error) {
      // Said once, and not again each second for as long as the database is away.
      const level = this.#failing.has(what) ? 'debug' : 'warn'
      this.#options.log[level]({ err: error }, `cannot ${what} now`)
      this.#failing.add(what)
      return false
    }
  }
}

function shuttingDown(): AppError {
  return new AppError('shutting_down', 'The worker stops, and another one takes the job over.')
}

function leaseLost(jobId: number): AppError {
  return new AppError('lease_lost', `Another worker runs job ${jobId} now, or it has ended.`)
}
