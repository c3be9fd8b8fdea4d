import { setTimeout as sleep } from 'node:timers/promises'

import { finishQuery } from '../support/query.ts'
import { strike } from './faults.ts'
import { violationsOf } from './ledger.ts'
import { Load } from './load.ts'
import { faultText, scheduleOf } from './schedule.ts'
import type { FaultKind } from './schedule.ts'
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
  /** As in `struck`. */
  readonly fault: string
  readonly importMs: number
  readonly queryMs: number
  /** Of that, so long the query that was answered had waited for a worker, and so long it ran. */
  readonly waitedMs: number
  readonly ranMs: number
}

export interface TortureReport {
  readonly seed: number
  readonly store: StoreKind
  /** How often each fault struck; where it is a process, by its kind. */
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
  'hang',
  'pause',
  'cut',
  'lost_answers',
  'lost_commits',
  'bad_store',
  'full_disk',
  'clock_step',
]

const pauseMsMax = 15_000

/** A fault that was to follow an acknowledgement strikes anyway when there is none for so long. */
const acknowledgementMsMax = 1500

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
  const run = new Run(world, load, options)
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
    const kills = Object.entries(struck).reduce(
      (sum, [name, count]) => sum + (/^(kill|hang) /.test(name) ? count : 0),
      0,
    )
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
  readonly #load: Load
  readonly #options: TortureOptions

  constructor(world: World, load: Load, options: TortureOptions) {
    this.#world = world
    this.#load = load
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
      if (step.afterAckMs !== undefined) {
        await this.#load.nextAcknowledgement(acknowledgementMsMax)
        await sleep(step.afterAckMs)
      }
      if (!(await strike(this.#world, step))) continue
      const { fault } = step
      const name = 'what' in fault ? `${fault.kind} ${fault.what}` : fault.kind
      this.struck[name] = (this.struck[name] ?? 0) + 1
      if (!step.isPatient) {
        say(faultText(fault))
        continue
      }
      if (this.#options.isHasty === true) {
        await this.#answered(() => this.#importOne())
        continue
      }
      const recovery = await this.recovered()
      this.recoveries.push({ fault: name, ...recovery })
      const { importMs, queryMs, waitedMs, ranMs } = recovery
      const ofIt = `it waited ${waitedMs} ms and ran ${ranMs}`
      say(
        `${faultText(fault)}; import after ${Math.round(importMs)} ms, query after ${Math.round(queryMs)} ms, ${ofIt}`,
      )
    }
    await this.#world.stepClock(0)
  }

  /** Milliseconds until an import and until a query are answered. */
  async recovered(): Promise<Omit<Recovery, 'fault'>> {
    let times = { waitedMs: 0, ranMs: 0 }
    const [importMs, queryMs] = await Promise.all([
      this.#answered(() => this.#importOne()),
      this.#answered(async () => {
        times = await this.#queryOne()
      }),
    ])
    return { importMs, queryMs, ...times }
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

  async #queryOne(): Promise<Pick<Recovery, 'waitedMs' | 'ranMs'>> {
    const asking = { request: (path: string, init?: RequestInit) => this.#request(path, init) }
    const { state, error, ...job } = await finishQuery(asking, 'select 1')
    if (state !== 'success') throw new Error(`select 1: ${state} ${JSON.stringify(error)}`)
    const [created, started, finished] = [job.created_at, job.started_at, job.finished_at].map((at) =>
      Date.parse(at ?? ''),
    )
    return { waitedMs: (started ?? 0) - (created ?? 0), ranMs: (finished ?? 0) - (started ?? 0) }
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
