import type { Clock } from '../base/clock.ts'
import { AppError, isAppError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import type { AcquiredRow, LeaseTerms } from './acquire.sql.ts'
import { finishAndAcquire } from './acquire.sql.ts'
import { acquireLimited } from './admit.ts'
import type { Admission } from './admit.ts'
import type { Announcer } from './announcer.ts'
import { finishedChannel } from './channels.ts'
import { Doorbell } from './doorbell.ts'
import type { Job, JobKind } from './jobs.ts'
import { killedError } from './kill.ts'
import type { FreePlaces, LanePicker, Picked } from './lane-picker.ts'
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
  /** Called with each attempt that begins. */
  begin(attempt: RunningAttempt): void
  /** Called when ends are written; `lost` has the tokens of leases that did not hold any more. */
  settled(ended: readonly EndedSuccess[], lost: ReadonlySet<number>): void
  /** Called with an end that could not be written together with others. */
  settleAlone(ended: EndedSuccess): void
}

/** So many statements are on their way at once: while the database works on one, the answer to the other is worked on. */
const turnsAtOnce = 2

/** How many ends one statement writes. */
const endsMax = 500

const pollMs = 1000

/**
 * The worker's hot path: each turn writes the ends of attempts and takes new jobs, in one statement and one commit. What
 * ends while a turn is on its way goes with the next one, so that the busier a worker is, the less each job costs.
 */
export class Turns {
  readonly #parts: TurnsParts
  readonly #bells: readonly Doorbell[]
  readonly #free = new Map<string, number>()
  #ended: EndedSuccess[] = []
  #loops: Promise<unknown> = Promise.resolve()
  /** Aborted when there is nothing left to settle. */
  readonly #over = new AbortController()
  readonly #hurry = new AbortController()
  #draining: AbortSignal = new AbortController().signal
  /** Turns that may be acquiring now. */
  #acquiring = 0
  #whenAcquired: (() => void)[] = []
  /** Kills that came while jobs were being acquired, and may be meant for these. */
  readonly #earlyKills = new Set<number>()
  #failing = false

  constructor(parts: TurnsParts) {
    this.#parts = parts
    this.#bells = Array.from({ length: turnsAtOnce }, () => new Doorbell(parts.clock))
    for (const { kind, concurrency } of parts.kinds) this.#free.set(kind, concurrency)
  }

  start(draining: AbortSignal): void {
    this.#draining = draining
    this.#loops = Promise.all(this.#bells.map((bell) => this.#turnUntilOver(bell)))
  }

  ring(): void {
    for (const bell of this.#bells) bell.ring()
  }

  /** The attempt's handler does not run any more. */
  freePlace({ job: { kind, accountId } }: RunningAttempt): void {
    this.#free.set(kind, (this.#free.get(kind) ?? 0) + 1)
    this.#parts.picker.noteEnded(kind, accountId)
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
    while (!signal.aborted) {
      if (!(await this.#turn())) await bell.wait(pollMs, signal)
    }
  }

  /** Says whether there was anything to do. */
  async #turn(): Promise<boolean> {
    const picked = this.#draining.aborted ? nothingPicked : this.#parts.picker.pick(this.#places())
    const ended = this.#ended.splice(0, endsMax)
    if (ended.length === 0 && picked.lanes.length === 0) return false
    for (const [kind, places] of picked.places) this.#addPlaces(kind, -places)
    this.#acquiring++
    try {
      const rows = await this.#exchange(ended, picked)
      const limited = picked.limited.length === 0 ? nobodyAdmitted : await this.#acquireLimited(picked)
      this.#beginAll(picked, rows, limited)
    } catch (error) {
      this.#parts.picker.unanswered(picked)
      for (const [kind, places] of picked.places) this.#addPlaces(kind, places)
      this.#warn(error)
      await this.#parts.clock.sleep(pollMs, this.#hurry.signal)
    } finally {
      this.#noteAcquired()
    }
    return true
  }

  /** Half of a kind's places at most: the other half is busy while this turn is on its way. */
  #places(): FreePlaces[] {
    const free: FreePlaces[] = []
    for (const { kind, concurrency } of this.#parts.kinds) {
      const places = Math.min(this.#free.get(kind) ?? 0, Math.ceil(concurrency / turnsAtOnce))
      if (places > 0) free.push({ kind, places })
    }
    return free
  }

  #addPlaces(kind: string, places: number): void {
    this.#free.set(kind, (this.#free.get(kind) ?? 0) + places)
  }

  async #exchange(ended: readonly EndedSuccess[], { free }: Picked): Promise<AcquiredRow[]> {
    if (ended.length === 0 && free.length === 0) return []
    const { postgres, lease, announcer } = this.#parts
    const acquired: AcquiredRow[] = []
    const lost = new Set<number>()
    try {
      const successes = ended.map(({ attempt, outcome }) => ({
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
    this.#failing = false
    this.#parts.settled(ended, lost)
    announcer.announce(
      finishedChannel,
      ended.filter(({ attempt }) => !lost.has(attempt.leaseToken)).map(({ attempt }) => String(attempt.job.id)),
    )
    return acquired
  }

  /** Ends that were not written: their work is done, and should not be done again. */
  #keep(ended: readonly EndedSuccess[], error: unknown): void {
    if (this.#hurry.signal.aborted) this.#parts.settled(ended, new Set())
    else if (isAppError(error, 'database_unavailable')) this.#ended.unshift(...ended)
    else for (const one of ended) this.#parts.settleAlone(one)
  }

  async #acquireLimited(picked: Picked): Promise<Admission> {
    return await acquireLimited(this.#parts.postgres, picked.limited, this.#parts.lease)
  }

  #beginAll(picked: Picked, rows: readonly AcquiredRow[], admission: Admission): void {
    const { picker } = this.#parts
    const got = new Map<number, { count: number; last: number }>()
    const left = new Map(picked.places)
    const attempts = [...rows.map(withoutSlots), ...admission.rows].map((row) => {
      const { count = 0, last = row.position } = got.get(row.lane_id) ?? {}
      got.set(row.lane_id, { count: count + 1, last: Math.max(last, row.position) })
      left.set(row.kind, (left.get(row.kind) ?? 0) - 1)
      picker.noteBegun(row.kind, row.account_id)
      const holdsSlots = row.limitIds.length > 0
      return new RunningAttempt(jobOf(row), { leaseToken: row.lease_token, holdsSlots })
    })
    for (const [kind, places] of left) this.#addPlaces(kind, places)
    picker.answered(picked, got, admission)
    for (const attempt of attempts) {
      if (this.#earlyKills.has(attempt.job.id)) attempt.end(AppError.fromRecord(killedError(attempt.job.id)))
      this.#parts.begin(attempt)
    }
    if (attempts.length > 0) this.ring()
  }

  #noteAcquired(): void {
    this.#acquiring--
    if (this.#acquiring > 0) return
    this.#earlyKills.clear()
    for (const tell of this.#whenAcquired.splice(0)) tell()
  }

  #warn(error: unknown): void {
    // Said once, and not again each second for as long as the database is away.
    this.#parts.log[this.#failing ? 'debug' : 'warn']({ err: error }, 'cannot acquire and finish jobs now')
    this.#failing = true
  }
}

const nothingPicked: Picked = { free: [], limited: [], lanes: [], places: new Map() }

const nobodyAdmitted: Admission = { rows: [], full: new Set(), empty: new Set() }

const withoutSlots = (row: AcquiredRow) => ({ ...row, limitIds: [] as readonly number[] })

function jobOf(row: AcquiredRow): Job {
  return {
    id: row.id,
    accountId: row.account_id,
    userId: row.user_id,
    kind: row.kind,
    state: 'running',
    priority: row.priority,
    uniqueKey: row.unique_key,
    input: row.input,
    progress: null,
    output: null,
    error: null,
    runAt: row.run_at,
    attempt: row.attempt,
    attemptsMax: row.attempts_max,
    timeoutMs: row.timeout_ms,
    killRequestedAt: null,
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: null,
  }
}
