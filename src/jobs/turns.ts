import type { Clock } from '../base/clock.ts'
import { AppError, isAppError, must } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import type { AcquiredRow, LeaseTerms } from './acquire.sql.ts'
import { finishAndAcquire } from './acquire.sql.ts'
import { acquiredJob } from './acquired-job.ts'
import { acquireLimited } from './admit.ts'
import type { Admission } from './admit.ts'
import type { Announcer } from './announcer.ts'
import { finishedChannel, finishedItems } from './channels.ts'
import { Doorbell } from './doorbell.ts'
import { Hand, turnsAtOnce } from './hand.ts'
import type { JobKind } from './jobs.ts'
import { killedError } from './kill.ts'
import type { LanePicker, Picked } from './lane-picker.ts'
import type { Outcome } from './outcome.ts'
import { RunningAttempt } from './running-attempt.ts'

/** An attempt whose handler resolved, under a lease that holds no slots: the frequent end, which is written in bulk. */
export interface EndedSuccess {
  readonly attempt: RunningAttempt
  readonly outcome: Outcome
}

export interface TurnsParts {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly log: Logger
  readonly announcer: Announcer
  readonly kinds: readonly JobKind[]
  readonly lease: LeaseTerms
  readonly picker: LanePicker
  /** Called with each attempt whose lease was taken; its handler begins now or soon. */
  leased(attempt: RunningAttempt): void
  begin(attempt: RunningAttempt): void
  /** Called with attempts that will not begin here. */
  giveBack(attempt: RunningAttempt): void
  /** Called when ends are written; `lost` has the tokens of leases that did not hold any more. */
  settled(ended: readonly EndedSuccess[], lost: ReadonlySet<number>): void
  /** Called with an end that could not be written together with others. */
  settleAlone(ended: EndedSuccess): void
}

/** How many ends one statement writes. */
const endsMax = 500

const pollMs = 1000

/** What the database could not do is tried again after so long, the first time; a server that was killed is back in a tenth of a second. */
const firstPauseMs = 50

/** How often in a row the database could not do what one of the loops asked for. */
interface Trouble {
  failures: number
}

/**
 * The worker's hot path: each turn writes the ends of attempts and takes new jobs, in one statement and one commit. What
 * ends while a turn is on its way goes with the next one, so that the busier a worker is, the less each job costs.
 */
export class Turns {
  readonly #parts: TurnsParts
  readonly #bells: readonly Doorbell[]
  readonly #hands: ReadonlyMap<string, Hand>
  #ended: EndedSuccess[] = []
  #loops: Promise<unknown> = Promise.resolve()
  /** Aborted when there is nothing left to settle. */
  readonly #over = new AbortController()
  readonly #hurry = new AbortController()
  #draining: AbortSignal | undefined
  /** Turns that may be acquiring now. */
  #acquiring = 0
  #whenAcquired: (() => void)[] = []
  /** Kills that came while jobs were being acquired, and may be meant for these. */
  readonly #earlyKills = new Set<number>()

  constructor(parts: TurnsParts) {
    this.#parts = parts
    this.#bells = Array.from({ length: turnsAtOnce }, () => new Doorbell(parts.clock))
    const calls = {
      begin: (attempt: RunningAttempt) => parts.begin(attempt),
      giveBack: (attempt: RunningAttempt) => {
        parts.picker.noteEnded(attempt.job.kind, attempt.job.accountId)
        parts.giveBack(attempt)
      },
    }
    this.#hands = new Map(parts.kinds.map((kind) => [kind.kind, new Hand(kind, parts.clock, calls)]))
  }

  start(draining: AbortSignal): void {
    this.#draining = draining
    this.#loops = Promise.all(this.#bells.map((bell) => this.#turnUntilOver(bell)))
  }

  ring(): void {
    for (const bell of this.#bells) bell.ring()
  }

  /** The attempt's handler does not run any more. */
  freePlace(attempt: RunningAttempt): void {
    const { kind, accountId } = attempt.job
    this.#parts.picker.noteEnded(kind, accountId)
    this.#hands.get(kind)?.ended(attempt)
  }

  /** Gives back what was taken ahead of free places. */
  giveBackAhead(): void {
    for (const hand of this.#hands.values()) hand.giveBack()
  }

  /** Has the end written soon. */
  settle(ended: EndedSuccess): void {
    this.#ended.push(ended)
    if (this.#ended.length === 1) this.ring()
  }

  noteKill(jobId: number): void {
    if (this.#acquiring > 0) this.#earlyKills.add(jobId)
  }

  /** Resolves when no more jobs are acquired: the signal of `start` is aborted. */
  async drained(): Promise<void> {
    if (this.#acquiring > 0) await new Promise<void>((resolve) => this.#whenAcquired.push(resolve))
  }

  /** From now on, ends that cannot be written are left to the leases, which run out. */
  hurry(): void {
    this.#hurry.abort()
  }

  async ended(): Promise<void> {
    this.#over.abort()
    await this.#loops
  }

  async #turnUntilOver(bell: Doorbell): Promise<void> {
    const { signal } = this.#over
    const trouble = { failures: 0 }
    while (!signal.aborted) {
      if (!(await this.#turn(trouble))) await bell.wait(pollMs, signal)
    }
  }

  /** Says whether there was anything to do. */
  async #turn(trouble: Trouble): Promise<boolean> {
    const picked = this.#draining?.aborted === true ? nothingPicked : this.#pick()
    const ended = this.#ended.splice(0, endsMax)
    if (ended.length === 0 && picked.lanes.length === 0) return false
    for (const [kind, places] of picked.places) this.#hands.get(kind)?.ask(places)
    this.#acquiring++
    try {
      const rows = await this.#exchange(ended, picked)
      const { admission, failure } = await this.#acquireLimited(picked)
      // What the first statement took is under leases, whatever became of the second.
      this.#beginAll(picked, rows, admission)
      if (failure === undefined) trouble.failures = 0
      else await this.#pauseAfter(failure, trouble)
    } catch (error) {
      this.#parts.picker.unanswered(picked)
      for (const [kind, places] of picked.places) this.#hands.get(kind)?.answer(places, [])
      await this.#pauseAfter(error, trouble)
    } finally {
      this.#noteAcquired()
    }
    return true
  }

  #pick(): Picked {
    const free = [...this.#hands.values()].map((hand) => hand.free())
    return this.#parts.picker.pick(free.filter(({ places, ahead }) => places + ahead > 0))
  }

  async #exchange(ended: readonly EndedSuccess[], { free }: Picked): Promise<AcquiredRow[]> {
    if (ended.length === 0 && free.length === 0) return []
    const { postgres, lease, announcer } = this.#parts
    const acquired: AcquiredRow[] = []
    const lost = new Set<number>()
    try {
      const successes = ended.map(({ attempt, outcome }) => ({
        jobId: attempt.job.id,
        leaseToken: attempt.leaseToken,
        output: outcome.output,
        progress: attempt.latestProgress,
      }))
      for (const row of await finishAndAcquire(postgres, successes, free, lease)) {
        if (row.id === null) lost.add(row.lease_token)
        else acquired.push(row)
      }
    } catch (error) {
      this.#keep(ended, error)
      throw error
    }
    this.#parts.settled(ended, lost)
    const held = lost.size === 0 ? ended : ended.filter(({ attempt }) => !lost.has(attempt.leaseToken))
    announcer.announce(finishedChannel, finishedItems(held.map(({ attempt }) => attempt.job.id)))
    return acquired
  }

  /** Ends that were not written: their work is done, and should not be done again. */
  #keep(ended: readonly EndedSuccess[], error: unknown): void {
    if (this.#hurry.signal.aborted) this.#parts.settled(ended, new Set())
    else if (isAppError(error, 'database_unavailable')) this.#ended.unshift(...ended)
    else for (const one of ended) this.#parts.settleAlone(one)
  }

  async #acquireLimited({ limited }: Picked): Promise<{ admission: Admission; failure?: unknown }> {
    if (limited.length === 0) return { admission: nobodyAdmitted }
    try {
      return { admission: await acquireLimited(this.#parts.postgres, limited, this.#parts.lease) }
    } catch (failure) {
      return { admission: nobodyAdmitted, failure }
    }
  }

  #beginAll(picked: Picked, rows: readonly AcquiredRow[], admission: Admission): void {
    const { picker, clock } = this.#parts
    const got = new Map<number, { count: number; last: number }>()
    const lanes = new Map(picked.lanes.map(({ lane }) => [lane.id, lane]))
    const startedAt = new Date(clock.nowMs())
    const attempts = new Map<string, RunningAttempt[]>()
    const lease = (row: AcquiredRow, holdsSlots: boolean) => {
      const lane = must(lanes.get(row.lane_id), 'only jobs of lanes that were picked are acquired')
      const { count = 0, last = row.position } = got.get(lane.id) ?? {}
      got.set(lane.id, { count: count + 1, last: Math.max(last, row.position) })
      const attempt = new RunningAttempt(acquiredJob(row, lane, startedAt), { leaseToken: row.lease_token, holdsSlots })
      const ofKind = attempts.get(lane.kind)
      if (ofKind === undefined) attempts.set(lane.kind, [attempt])
      else ofKind.push(attempt)
      picker.noteBegun(lane.kind, lane.accountId)
      this.#parts.leased(attempt)
      if (this.#earlyKills.has(row.id)) attempt.end(AppError.fromRecord(killedError(row.id)))
    }
    // The database answers them as they lie in its table.
    for (const row of rows.toSorted((a, b) => a.position - b.position || a.id - b.id)) lease(row, false)
    for (const row of admission.rows) lease(row, row.limitIds.length > 0)
    picker.answered(picked, got, admission)
    for (const [kind, places] of picked.places) this.#hands.get(kind)?.answer(places, attempts.get(kind) ?? [])
    if (attempts.size > 0) this.ring()
  }

  #noteAcquired(): void {
    this.#acquiring--
    if (this.#acquiring > 0) return
    this.#earlyKills.clear()
    for (const tell of this.#whenAcquired.splice(0)) tell()
  }

  async #pauseAfter(error: unknown, trouble: Trouble): Promise<void> {
    // Said once, and not again each second for as long as the database is away.
    this.#parts.log[trouble.failures > 0 ? 'debug' : 'warn']({ err: error }, 'cannot acquire and finish jobs now')
    const pauseMs = Math.min(pollMs, firstPauseMs * 2 ** trouble.failures)
    trouble.failures += 1
    await this.#parts.clock.sleep(pauseMs, this.#hurry.signal)
  }
}

const nothingPicked: Picked = { free: [], limited: [], lanes: [], places: new Map(), grants: [] }

const nobodyAdmitted: Admission = { rows: [], full: new Set(), empty: new Set() }
