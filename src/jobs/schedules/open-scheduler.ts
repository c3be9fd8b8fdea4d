import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import type { Service } from '../../base/service.ts'
import { Announcer } from '../announcer.ts'
import { readyChannel, schedulesChannel } from '../channels.ts'
import { Doorbell } from '../doorbell.ts'
import { CronCache } from './cron.ts'
import { fireDue, FiringPass, schedulesMax } from './fire.ts'
import { selectNextDue } from './firing.sql.ts'

export interface SchedulerOptions {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly log: Logger
}

/** How long it sleeps at most, should the news of a change have been lost. */
const sleepMsMax = 1000

/** How many transactions it has at once while there is more due than fits into one: the database and this process take turns. */
const transactionsMax = 3

/** How long it leaves alone what is due and locked: somebody else fires or changes it. */
const lockedMs = 20

/**
 * Fires schedules when their times come, and catches up with what passed while nobody did. Any number may run, in any number
 * of processes: each scheduled time gets one job. Times are read off this machine's clock.
 */
export function openScheduler(options: SchedulerOptions): Service {
  return new Scheduler(options)
}

class Scheduler implements Service {
  readonly name = 'scheduler'
  readonly #options: SchedulerOptions
  readonly #announcer: Announcer
  readonly #crons = new CronCache()
  readonly #bell: Doorbell
  readonly #ending = new AbortController()
  #stopListening: (() => Promise<void>) | undefined
  #loop: Promise<void> = Promise.resolve()
  #isFailing = false

  constructor(options: SchedulerOptions) {
    this.#options = options
    this.#announcer = new Announcer(options.postgres, options.clock)
    this.#bell = new Doorbell(options.clock)
  }

  async start(): Promise<void> {
    const ring = () => this.#bell.ring()
    this.#stopListening = await this.#options.postgres.listen(schedulesChannel, ring, ring)
    this.#loop = this.#run()
  }

  drain = (): Promise<void> => this.stop()

  async stop(): Promise<void> {
    this.#ending.abort()
    await this.#loop
    await this.#stopListening?.()
    this.#stopListening = undefined
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending
    while (!signal.aborted) {
      const waitMs = await this.#round()
      if (waitMs > 0) await this.#bell.wait(waitMs, signal)
    }
  }

  /** Fires what is due; answers how long to sleep then. */
  async #round(): Promise<number> {
    const { postgres, clock, log } = this.#options
    try {
      const due = await this.#fire()
      this.#isFailing = false
      if (due > 0) return 0
      const next = await selectNextDue(postgres)
      const untilMs = next === null ? sleepMsMax : next.getTime() - clock.nowMs()
      return untilMs <= 0 ? lockedMs : Math.min(sleepMsMax, Math.ceil(untilMs))
    } catch (error) {
      // Said once, and not again each second for as long as the database is away.
      log[this.#isFailing ? 'debug' : 'warn']({ err: error }, 'schedules cannot be fired now')
      this.#isFailing = true
      return sleepMsMax
    }
  }

  /** Answers how many schedules were due. Where there is more than fits into one transaction, several go on side by side. */
  async #fire(): Promise<number> {
    const pass = new FiringPass()
    const due = await this.#fireOnce(pass)
    if (due < schedulesMax) return due
    // All are awaited, also where one fails: nothing goes on behind the end of the service.
    const settled = await Promise.allSettled(Array.from({ length: transactionsMax }, () => this.#fireRest(pass)))
    const failed = settled.find((one) => one.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    return due
  }

  async #fireRest(pass: FiringPass): Promise<void> {
    while (!this.#ending.signal.aborted) if ((await this.#fireOnce(pass)) < schedulesMax) return
  }

  async #fireOnce(pass: FiringPass): Promise<number> {
    const { postgres, clock, log } = this.#options
    const { due, jobs, ready } = await fireDue({ postgres, crons: this.#crons, log }, pass, clock.nowMs())
    this.#announcer.announce(readyChannel, ready)
    if (jobs > 0) log.debug({ schedules: due, jobs }, 'schedules fired')
    return due
  }
}
