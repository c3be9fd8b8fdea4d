import { setTimeout as sleep } from 'node:timers/promises'

import { finishQuery } from '../support/query.ts'
import { strike } from './faults.ts'
import { otherViolation, violationsOf } from './ledger.ts'
import type { Violation } from './ledger.ts'
import { Load } from './load.ts'
import { faultText, isKill, isLong, nameOf, scheduleOf, strands } from './schedule.ts'
import type { Fault, Step, Strand } from './schedule.ts'
import { World } from './world.ts'
import type { StoreKind } from './world.ts'

export interface TortureOptions {
  readonly seed: number
  readonly minutes: number
  readonly store?: StoreKind
  readonly program?: string
  /** How long what was acknowledged may take to be seen, when nothing goes wrong any more. */
  readonly arrivalMsMax?: number
  /** Whether nobody looks how soon queries are answered again: the next fault may strike as soon as imports are. */
  readonly isHasty?: boolean
  /** Told of everything as it happens. */
  readonly say?: (line: string) => void
  readonly follow?: (underWay: UnderWay) => void
}

/** A run before its end. */
export interface UnderWay {
  /** How far it is: nothing was compared yet. */
  soFar(): TortureReport
  /** Ends all that it stands on. */
  close(): Promise<void>
}

/** The longest that an answer took to a request sent after a kill, in milliseconds: to the first one, and to those until what was killed is there again. */
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
  /** Whether what was acknowledged was compared with what is stored. */
  readonly isCompared: boolean
  readonly violations: readonly Violation[]
}

const pauseMsMax = 15_000

/** A fault that was to follow an acknowledgement strikes anyway when there is none for so long. */
const acknowledgementMsMax = 400

/** Whoever is not answered for so long, or as long as anything may take, has a server that does not come back. */
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
  const reportOf = (compared?: readonly Violation[]): TortureReport => ({
    seed,
    store,
    struck: run.struck,
    kills: run.kills,
    recoveries: run.recoveries,
    acknowledged: load.acknowledged,
    queries: load.queries,
    failedQueries: load.failedQueries,
    lostAnswers: world.proxy.lost,
    storeFaults: world.storeFaults,
    isCompared: compared !== undefined,
    violations: [...load.seen.map(otherViolation), ...run.violations, ...(compared ?? [])],
  })
  options.follow?.({ soFar: () => reportOf(), close: () => world.close() })
  try {
    await load.start()
    await run.breakThings()
    say('nothing goes wrong any more')
    for (const [reason, count] of load.failures) say(`queries that failed, ${count} times: ${reason}`)
    await run.recovered()
    await load.hasSomethingOfAll(Math.min(recoveryMsMax, arrivalMsMax))
    await load.stop(arrivalMsMax)
    for (const [refusal, count] of load.refusals) say(`refused for good, ${count} times: ${refusal}`)
    return reportOf(await reconciled(load, arrivalMsMax))
  } finally {
    await world.close()
  }
}

class Run {
  readonly struck: Record<string, number> = {}
  readonly recoveries: Recovery[] = []
  readonly violations: Violation[] = []
  readonly #world: World
  readonly #load: Load
  readonly #options: TortureOptions
  /** Faults that go on at this moment, with when they are over. */
  readonly #underWay = new Map<Fault, Promise<unknown>>()
  /** While it is seen how long something takes, nothing else may go wrong. */
  #looking: Promise<void> = Promise.resolve()
  /** Patient faults whose time came while something went wrong for long: the next ones are patient in their place. */
  #owed = 0

  constructor(world: World, load: Load, options: TortureOptions) {
    this.#world = world
    this.#load = load
    this.#options = options
  }

  get kills(): number {
    return Object.entries(this.struck).reduce((sum, [name, count]) => sum + (isKill(name) ? count : 0), 0)
  }

  /** Until its time is over; resolves when all that was begun has an end. */
  async breakThings(): Promise<void> {
    await Promise.all(strands.map((strand, index) => this.#breakThings(strand, index)))
    await this.#world.stepClock(0)
  }

  async #breakThings(strand: Strand, index: number): Promise<void> {
    const { seed, minutes } = this.#options
    const totalMs = minutes * 60_000
    const startMs = performance.now()
    const pauseMs = Math.min(pauseMsMax, totalMs / 10)
    const schedule = scheduleOf({ seed: seed * strands.length + index, strand, pauseMsMax: pauseMs })
    for (const step of schedule) {
      await sleep(step.gapMs)
      const { killsPerMinuteMax = Infinity } = strand
      while ((this.kills * 60_000) / killsPerMinuteMax > performance.now() - startMs) await sleep(50)
      await this.#looking
      if (performance.now() - startMs > totalMs) return
      if (step.isPatient) this.#owed += 1
      if (strand.patience > 0 && this.#owed > 0 && ![...this.#underWay.keys()].some(isLong)) {
        this.#owed -= 1
        this.#looking = this.#quiet().then(() => this.#strikeAndLook(step))
        await this.#looking
      } else await this.#strike(step)
    }
  }

  /** What is under way comes to its end. */
  async #quiet(): Promise<void> {
    this.#world.proxy.loseAnswers(0, false)
    await Promise.all(this.#underWay.values())
  }

  async #strike(step: Step, onKill: () => void = () => {}): Promise<boolean> {
    const { fault } = step
    const over = this.#strikeAtItsTime(step, onKill).finally(() => this.#underWay.delete(fault))
    this.#underWay.set(fault, over)
    const isStruck = await over
    if (isStruck) {
      const name = nameOf(fault)
      this.struck[name] = (this.struck[name] ?? 0) + 1
      this.#options.say?.(faultText(fault))
    }
    return isStruck
  }

  async #strikeAtItsTime(step: Step, onKill: () => void): Promise<boolean> {
    if (step.afterAckMs !== undefined) {
      await this.#load.nextAcknowledgement(acknowledgementMsMax)
      await sleep(step.afterAckMs)
    }
    return await strike(this.#world, step, onKill)
  }

  /** Strikes when all is well, and sees how long it then takes. The other strands wait for it. */
  async #strikeAndLook(step: Step): Promise<void> {
    if (this.#options.isHasty !== true) {
      await this.#world.settled()
      await this.recovered()
    }
    if (this.#options.isHasty === true) {
      if (await this.#strike(step)) await this.#answered(() => this.#importOne())
      return
    }
    let recovered: ReturnType<Run['recovered']> | undefined
    let isOver = false
    await this.#strike(step, () => (recovered ??= this.#slowestUntil(() => isOver))).finally(() => (isOver = true))
    if (recovered === undefined) return
    const recovery = { fault: nameOf(step.fault), ...(await recovered) }
    this.recoveries.push(recovery)
    const { importMs, queryMs, waitedMs, ranMs } = recovery
    const ofIt = `it waited ${waitedMs} ms and ran ${ranMs}`
    this.#options.say?.(`  import after ${Math.round(importMs)} ms, query after ${Math.round(queryMs)} ms, ${ofIt}`)
  }

  /**
   * What is asked at once, and then again and again until what was killed is started again: whoever serves on meanwhile is replaced before that, and
   * the longest wait counts.
   */
  async #slowestUntil(isOver: () => boolean): ReturnType<Run['recovered']> {
    let slowest = await this.recovered()
    while (!isOver()) {
      const next = await this.recovered()
      const importMs = Math.max(slowest.importMs, next.importMs)
      slowest = { ...(next.queryMs > slowest.queryMs ? next : slowest), importMs }
    }
    return slowest
  }

  /** Milliseconds from now until an import and until a query are answered. */
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
    const patienceMs = Math.min(recoveryMsMax, this.#options.arrivalMsMax ?? recoveryMsMax)
    for (;;) {
      try {
        await ask()
        return performance.now() - startMs
      } catch (error) {
        if (performance.now() - startMs > patienceMs) {
          this.violations.push(otherViolation(`the server does not come back: ${String(error)}`))
          return patienceMs
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
async function reconciled(load: Load, arrivalMsMax: number): Promise<Violation[]> {
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
        } else if (isLate) return [otherViolation(`${table} cannot be read: ${found}`)]
        await sleep(500)
      }
    }),
  )
  return wrong.flat()
}
