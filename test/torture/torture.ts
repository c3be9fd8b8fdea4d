import { setTimeout as sleep } from 'node:timers/promises'

import { queryRows } from '../support/query.ts'
import { strike } from './faults.ts'
import { violationsOf } from './ledger.ts'
import { Load } from './load.ts'
import { faultText, scheduleOf } from './schedule.ts'
import type { Fault, FaultKind } from './schedule.ts'
import { World } from './world.ts'
import type { StoreKind } from './world.ts'

export interface TortureOptions {
  readonly seed: number
  readonly minutes: number
  readonly store?: StoreKind
  readonly faults?: readonly FaultKind[]
  readonly program?: string
  /** How long what was acknowledged may take to be seen, when nothing goes wrong any more. */
  readonly arrivalMsMax?: number
  /** Whether the next fault may strike as soon as imports are answered again; queries may take longer. */
  readonly isHasty?: boolean
  /** Told of everything as it happens. */
  readonly say?: (line: string) => void
}

/** Milliseconds from a fault until each was answered again. */
export interface Recovery {
  readonly importMs: number
  readonly queryMs: number
}

export interface TortureReport {
  readonly seed: number
  readonly store: StoreKind
  /** How often each fault struck; of kills, by what was killed. */
  readonly struck: Readonly<Record<string, number>>
  readonly kills: number
  readonly recoveries: readonly Recovery[]
  /** Batches that were acknowledged, by table. */
  readonly acknowledged: Readonly<Record<string, number>>
  readonly queries: number
  readonly failedQueries: number
  /** Statements of which PostgreSQL knew the end and nobody else. */
  readonly lostAnswers: number
  readonly storeFaults: number
  /** What must never be. */
  readonly violations: readonly string[]
}

export const allFaults: readonly FaultKind[] = [
  'kill',
  'pause',
  'cut',
  'lost_answers',
  'bad_store',
  'full_disk',
  'clock_step',
]

const pauseMsMax = 15_000

/** Whoever is not answered for so long has a server that does not come back. */
const recoveryMsMax = 180_000

const arrivalMsDefault = 300_000

/** Runs the real product under load by all doors, breaks what it stands on, and compares what was acknowledged with what is stored. */
export async function torture(options: TortureOptions): Promise<TortureReport> {
  const { seed, arrivalMsMax = arrivalMsDefault, say = () => {} } = options
  const store = options.store ?? (seed % 2 === 0 ? 'directory' : 's3')
  const { program } = options
  const world = await World.open({ seed, store, ...(program !== undefined && { program }) })
  const load = new Load(world)
  const run = new Run(world, options)
  try {
    await load.start()
    await run.breakThings()
    say('nothing goes wrong any more')
    await run.recovered()
    await load.stop()
    for (const [refusal, count] of load.refusals) say(`refused for good, ${count} times: ${refusal}`)
    const violations = [...load.seen, ...run.violations, ...(await reconciled(load, arrivalMsMax))]
    const acknowledged = [...load.ledgers].map(([table, ledger]) => [table, ledger.acknowledged.size] as const)
    const { struck, recoveries } = run
    const kills = Object.entries(struck).reduce((sum, [name, count]) => sum + (name.startsWith('kill ') ? count : 0), 0)
    return {
      seed,
      store,
      struck,
      kills,
      recoveries,
      acknowledged: Object.fromEntries(acknowledged),
      queries: load.queries,
      failedQueries: load.failedQueries,
      lostAnswers: world.proxy.lost,
      storeFaults: world.storeFaults,
      violations,
    }
  } finally {
    await world.close()
  }
}

class Run {
  readonly struck: Record<string, number> = {}
  readonly recoveries: Recovery[] = []
  readonly violations: string[] = []
  readonly #world: World
  readonly #options: TortureOptions

  constructor(world: World, options: TortureOptions) {
    this.#world = world
    this.#options = options
  }

  async breakThings(): Promise<void> {
    const { seed, minutes, faults = allFaults, say = () => {} } = this.#options
    const totalMs = minutes * 60_000
    const startMs = performance.now()
    const schedule = scheduleOf({ seed, faults, pauseMsMax: Math.min(pauseMsMax, totalMs / 10) })
    for (const step of schedule) {
      await sleep(step.gapMs)
      if (performance.now() - startMs > totalMs) break
      if (!(await strike(this.#world, step))) continue
      const { fault } = step
      this.#count(fault)
      if (!step.isPatient) {
        say(faultText(fault))
        continue
      }
      if (this.#options.isHasty === true) {
        await this.#answered(() => this.#importOne())
        continue
      }
      const recovery = await this.recovered()
      this.recoveries.push(recovery)
      const { importMs, queryMs } = recovery
      say(`${faultText(fault)}; an import after ${Math.round(importMs)} ms, a query after ${Math.round(queryMs)} ms`)
    }
    await this.#world.stepClock(0)
  }

  /** Milliseconds until an import and until a query are answered. */
  async recovered(): Promise<Recovery> {
    const [importMs, queryMs] = await Promise.all([
      this.#answered(() => this.#importOne()),
      this.#answered(() => this.#queryOne()),
    ])
    return { importMs, queryMs }
  }

  #count(fault: Fault): void {
    const name = fault.kind === 'kill' ? `kill ${fault.what}` : fault.kind
    this.struck[name] = (this.struck[name] ?? 0) + 1
  }

  async #answered(ask: () => Promise<void>): Promise<number> {
    const startMs = performance.now()
    for (;;) {
      try {
        await ask()
        return performance.now() - startMs
      } catch (error) {
        if (performance.now() - startMs > recoveryMsMax) {
          this.violations.push(`the server does not come back: ${String(error)}`)
          return recoveryMsMax
        }
        await sleep(20)
      }
    }
  }

  #request(path: string, init: RequestInit = {}): Promise<Response> {
    return this.#world.biwa.request(path, { ...init, signal: AbortSignal.timeout(20_000) })
  }

  async #importOne(): Promise<void> {
    const response = await this.#request('/api/v1/databases/test/tables/probe/events', {
      method: 'POST',
      body: '{"a":1}',
    })
    await response.arrayBuffer()
    if (response.status !== 202) throw new Error(`an import was answered with ${response.status}`)
  }

  async #queryOne(): Promise<void> {
    await queryRows({ request: (path, init) => this.#request(path, init) }, 'select 1')
  }
}

/** Waits until all is there that was acknowledged, or long enough, and says what is wrong. */
async function reconciled(load: Load, arrivalMsMax: number): Promise<string[]> {
  const patience = performance.now() + arrivalMsMax
  const wrong = await Promise.all(
    [...load.ledgers].map(async ([table, ledger]) => {
      for (;;) {
        const found = await load.found(table).catch((error: unknown) => String(error))
        const isLate = performance.now() > patience
        if (typeof found !== 'string') {
          const there = new Set(found.map(({ batch }) => batch))
          const isThere = [...ledger.acknowledged].every((batch) => there.has(batch))
          if (isThere || isLate) return violationsOf(table, ledger, found)
        } else if (isLate) return [`${table} cannot be read: ${found}`]
        await sleep(500)
      }
    }),
  )
  return wrong.flat()
}
