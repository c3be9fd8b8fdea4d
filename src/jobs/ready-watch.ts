import type { Clock } from '../base/clock.ts'
import { isAppError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import { countRunning, selectActiveLanes, selectLanes } from './active-lanes.sql.ts'
import type { Announcer } from './announcer.ts'
import { parseReady, readyChannel, readyItem } from './channels.ts'
import { Doorbell } from './doorbell.ts'
import { LanePicker } from './lane-picker.ts'
import { promoteDue } from './promote.sql.ts'

export interface ReadyWatchParts {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly log: Logger
  readonly announcer: Announcer
  readonly owner: string
  readonly kinds: readonly string[]
}

/** How often a worker looks by itself, should an announcement have been lost. */
const lookEveryMs = 1000

/** Looking takes at most this part of a worker's time … */
const lookShare = 1 / 20

/** … unless it takes very long: a database that stood still for once does not make workers blind for minutes. */
const lookEveryMsMax = 5000

/** What could not be seen is looked for again after so long the first time, doubling: a database that is back has jobs that nobody heard of. */
const againMs = 50

/** How many jobs whose time has come are queued in one transaction. */
const promotedMax = 1000

/** Knows which lanes have jobs: it listens, looks now and then, and queues the jobs whose time has come. */
export class ReadyWatch {
  readonly picker = new LanePicker()
  readonly #parts: ReadyWatchParts
  readonly #ring: () => void
  readonly #lookBell: Doorbell
  readonly #dueBell: Doorbell
  /** Lanes of other kinds. */
  readonly #foreign = new Set<number>()
  readonly #unknown = new Map<number, number>()
  #lookAtAll = true
  #nextDueMs = 0
  #loops: Promise<unknown> = Promise.resolve()
  readonly #failing = new Set<string>()

  /** `ring` is called when there may be jobs to acquire. */
  constructor(parts: ReadyWatchParts, ring: () => void) {
    this.#parts = parts
    this.#ring = ring
    this.#lookBell = new Doorbell(parts.clock)
    this.#dueBell = new Doorbell(parts.clock)
  }

  start(draining: AbortSignal): void {
    this.#loops = Promise.all([this.#lookUntil(draining), this.#promoteUntil(draining)])
  }

  async ended(): Promise<void> {
    await this.#loops
  }

  /** Looks at all lanes soon. */
  look(): void {
    this.#lookAtAll = true
    this.#lookBell.ring()
    this.#dueBell.ring()
  }

  hear(payload: string): void {
    let mayAcquire = false
    for (const ready of parseReady(payload)) {
      if (ready.what === 'lane') mayAcquire = this.#hearOfLane(ready.id, ready.position) || mayAcquire
      if (ready.what === 'due' && ready.atMs < this.#nextDueMs) this.#dueBell.ring()
      if (ready.what === 'limit') {
        this.picker.noteSlots(ready.id)
        mayAcquire = true
      }
      if (ready.what === 'limits') {
        this.picker.forget()
        this.look()
      }
    }
    if (mayAcquire) this.#ring()
  }

  #hearOfLane(id: number, position: number): boolean {
    if (this.#foreign.has(id)) return false
    if (this.picker.noteReady(id, position)) return true
    this.#unknown.set(id, position)
    this.#lookBell.ring()
    return false
  }

  async #lookUntil(draining: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    let nextMs = 0
    let failures = 0
    while (!draining.aborted) {
      const startedMs = clock.monotonicMs()
      if (this.#lookAtAll || startedMs >= nextMs) {
        this.#lookAtAll = false
        const outcome = await this.#attemptTo('look for jobs', () => this.#lookAtAllLanes())
        failures = outcome === 'database away' ? failures + 1 : 0
        const endedMs = clock.monotonicMs()
        const restMs = Math.min(lookEveryMsMax, Math.max(lookEveryMs, (endedMs - startedMs) / lookShare))
        nextMs = endedMs + (failures === 0 ? restMs : Math.min(lookEveryMs, againMs * 2 ** (failures - 1)))
      }
      if (this.#unknown.size > 0) await this.#attemptTo('look for lanes', () => this.#lookAtUnknownLanes())
      await this.#lookBell.wait(Math.max(1, nextMs - clock.monotonicMs()), draining)
    }
  }

  async #lookAtAllLanes(): Promise<void> {
    const { postgres, kinds } = this.#parts
    const [lanes, running] = await Promise.all([selectActiveLanes(postgres, kinds), countRunning(postgres, kinds)])
    this.picker.refresh(lanes, running)
    if (lanes.length > 0) this.#ring()
  }

  async #lookAtUnknownLanes(): Promise<void> {
    const asked = [...this.#unknown.keys()]
    const lanes = await selectLanes(this.#parts.postgres, asked)
    for (const id of asked) {
      this.#unknown.delete(id)
      const lane = lanes.find((row) => row.id === id)
      if (lane !== undefined && this.#parts.kinds.includes(lane.kind)) this.picker.add(lane)
      else this.#foreign.add(id)
    }
    this.#ring()
  }

  async #promoteUntil(draining: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    while (!draining.aborted) {
      let waitMs = lookEveryMs
      await this.#attemptTo('queue what is due', async () => (waitMs = await this.#promote()))
      this.#nextDueMs = clock.nowMs() + waitMs
      await this.#dueBell.wait(waitMs, draining)
    }
  }

  async #promote(): Promise<number> {
    const { postgres, announcer, owner } = this.#parts
    const how = { actor: owner, limit: promotedMax, horizonMs: lookEveryMs }
    const { promoted, laneIds, nextMs } = await promoteDue(postgres, how)
    announcer.announce(
      readyChannel,
      laneIds.map((id) => readyItem.lane(id)),
    )
    return promoted === promotedMax ? 0 : Math.max(1, Math.ceil(nextMs))
  }

  /** What does not work now will be tried at its next time. */
  async #attemptTo(what: string, task: () => Promise<unknown>): Promise<'done' | 'database away' | 'failed'> {
    try {
      await task()
      this.#failing.delete(what)
      return 'done'
    } catch (error) {
      // Said once, and not again each second for as long as the database is away.
      this.#parts.log[this.#failing.has(what) ? 'debug' : 'warn']({ err: error }, `cannot ${what} now`)
      this.#failing.add(what)
      return isAppError(error, 'database_unavailable') ? 'database away' : 'failed'
    }
  }
}
