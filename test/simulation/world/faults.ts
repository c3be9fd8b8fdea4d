import type { Randomness } from '../../../src/base/randomness.ts'
import type { Fate, Wire } from '../database/connection.ts'
import type { Timeline } from '../timeline.ts'
import { Chance } from './chance.ts'
import type { Plan, Rates } from './plan.ts'

/** Decides, call by call, what goes wrong, until the world is calm. */
export class Faults {
  readonly #timeline: Timeline
  readonly #rates: Rates
  readonly #database: Chance
  readonly #objects: Chance
  readonly #engines: Chance
  readonly #disk: Chance
  readonly #kills: Chance
  readonly #notices: Chance
  /** What the product draws. */
  readonly randomness: Randomness
  isCalm = false
  databaseDownUntilMs = 0
  readonly #cuts: ReadonlySet<number>
  readonly #killing: ReadonlySet<number>
  readonly #cutPower: () => void
  /** How often a process was killed at its statement. */
  kills = 0
  #diskCalls = 0
  #statements = 0

  constructor(plan: Plan, timeline: Timeline, cutPower: () => void) {
    this.#timeline = timeline
    this.#cuts = new Set(plan.cutAtDiskCalls)
    this.#killing = new Set(plan.killAtStatements)
    this.#cutPower = cutPower
    this.#rates = plan.rates
    this.#database = new Chance(plan.seed, 'database')
    this.#objects = new Chance(plan.seed, 'objects')
    this.#engines = new Chance(plan.seed, 'engines')
    this.#disk = new Chance(plan.seed, 'disk calls')
    this.#kills = new Chance(plan.seed, 'kills')
    this.#notices = new Chance(plan.seed, 'notices')
    this.randomness = new Chance(plan.seed, 'product').randomness
  }

  readonly databaseWire: Wire = {
    delayMs: () => {
      const chance = this.#database
      return !this.isCalm && chance.is(this.#rates.databaseSlow) ? chance.between(10, 5000) : chance.between(0.1, 1.5)
    },
    fate: () => {
      if (this.#timeline.nowMs < this.databaseDownUntilMs) return 'refused'
      return this.#fate(this.#database, this.#rates.databaseRefused, this.#rates.databaseUnheard)
    },
  }

  readonly objectsWire: Wire & { isSilent(): boolean } = {
    delayMs: () => this.#objects.between(1, 60),
    fate: () => this.#fate(this.#objects, this.#rates.objectsRefused, this.#rates.objectsUnheard),
    isSilent: () => !this.isCalm && this.#objects.is(this.#rates.objectsSilent),
  }

  /** How long a call of the disk takes; the power may go while it does. */
  diskMs(): number {
    const ms = this.#disk.between(0.05, 4)
    this.#diskCalls += 1
    if (!this.isCalm && this.#cuts.has(this.#diskCalls)) this.#timeline.after(ms * 1.5, undefined, this.#cutPower)
    return ms
  }

  /** Whether the process that sends a statement now is killed while it waits for the answer. */
  killsAsker(): boolean {
    this.#statements += 1
    if (this.isCalm || !this.#killing.has(this.#statements)) return false
    this.kills += 1
    return true
  }

  taskMs(): number {
    const chance = this.#engines
    return !this.isCalm && chance.is(this.#rates.enginesSlow) ? chance.between(100, 6000) : chance.between(2, 60)
  }

  engineDies(): boolean {
    return !this.isCalm && this.#engines.is(this.#rates.enginesDie)
  }

  noticeDelayMs(): number | undefined {
    if (!this.isCalm && this.#notices.is(this.#rates.noticesLost)) return undefined
    return this.#notices.between(0.1, 2)
  }

  /** Whether a request that a dead process had sent still comes to its end. */
  mayArrive(): boolean {
    return this.#kills.is(0.5)
  }

  #fate(chance: Chance, refused: number, unheard: number): Fate {
    if (this.isCalm) return 'answered'
    const drawn = chance.fraction()
    if (drawn < refused) return 'refused'
    return drawn < refused + unheard ? 'unheard' : 'answered'
  }
}
