import { pino } from 'pino'
import type { Logger } from '../../../src/base/log.ts'
import { errno } from '../../../src/base/disk.ts'
import { DiskImage } from '../../support/disk-image.ts'
import { allStatementModels, ModelServer } from '../database/server.ts'
import type { Bucket } from '../simulated-objects.ts'
import { withSimulatedSignals } from '../simulated-signals.ts'
import { Timeline } from '../timeline.ts'
import type { Sabotage } from '../planted-bugs.ts'
import { Chance } from './chance.ts'
import { emptyTable } from './empty-table.ts'
import { Faults } from './faults.ts'
import { Ledger } from './ledger.ts'
import { Machine } from './machine.ts'
import { accountIds, Observer } from './observer.ts'
import type { Calamity, Plan } from './plan.ts'
import { Senders } from './senders.ts'
import { Situations } from './situations.ts'
import type { SituationCounts } from './situations.ts'

/** What came of a world. */
export interface Report {
  readonly plan: Plan
  readonly violations: readonly string[]
  readonly steps: number
  /** By kind: what happened in it. */
  readonly bodies: number
  readonly commits: number
  readonly merges: number
  readonly calamities: Readonly<Record<string, number>>
  readonly situations: SituationCounts
}

export interface WorldOptions {
  readonly sabotage?: Sabotage
  /** Hears what happens, line by line. */
  readonly trace?: (line: string) => void
  /** Whether it is counted what the world gets into, which takes time. */
  readonly countsSituations?: boolean
}

/** A Saturday noon: what day it is matters to nobody. */
const startMs = Date.UTC(2026, 0, 3, 12, 10)

const stepsMax = 200_000
const settleMsMax = 400_000
const lookEveryMs = 700

const silentLog = pino({ level: 'silent' })
const models = allStatementModels()

/** Lives through the world of a plan. Must be called in a macrotask of its own (`inMacrotask`). */
export function runWorld(plan: Plan, options: WorldOptions = {}): Report {
  return withSimulatedSignals(() => new World(plan, options).run())
}

class World {
  readonly #plan: Plan
  readonly #timeline = new Timeline(startMs)
  readonly #image: DiskImage
  readonly #server: ModelServer
  readonly #faults: Faults
  readonly #machine: Machine
  readonly #ledger: Ledger
  readonly #senders: Senders
  readonly #observer: Observer
  readonly #situations: Situations | undefined
  readonly #trace: ((line: string) => void) | undefined
  readonly #calamities: Record<string, number> = {}
  #isOver = false

  constructor(plan: Plan, { sabotage = {}, trace, countsSituations = false }: WorldOptions) {
    const timeline = this.#timeline
    this.#plan = plan
    const told = trace === undefined ? undefined : (line: string) => trace(`${this.#time()}  ${line}`)
    this.#trace = told
    const log = told === undefined ? silentLog : tellingLog(told)
    this.#faults = new Faults(plan, timeline, () => this.#strike({ atMs: 0, what: 'power cut' }))
    this.#image = new DiskImage(new Chance(plan.seed, 'disk').fraction, () => timeline.nowMs)
    const bucket: Bucket = { objects: new Map() }
    this.#ledger = new Ledger(plan.bodies, startMs)
    const ownModels = sabotage.models === undefined ? models : sabotage.models(models)
    const situations = countsSituations ? new Situations() : undefined
    this.#situations = situations
    const server = new ModelServer({
      timeline,
      models: ownModels,
      onUnknown: (text) => this.#ledger.violate(`the model of PostgreSQL does not know the statement: ${text}`),
      onCommit: (tx) => {
        situations?.onCommit(tx, server.rows)
        this.#observer.onCommit(tx)
      },
      onAnswer:
        situations === undefined
          ? undefined
          : (statement, answer) => situations.onAnswer(statement, answer, server.rows),
      noticeDelayMs: () => this.#faults.noticeDelayMs(),
    })
    this.#server = server
    for (const id of accountIds) server.rows.tables.rows.set(id, emptyTable(id, id, new Date(startMs)))
    const shared = { plan, timeline, image: this.#image, bucket, server, log, situations }
    this.#machine = new Machine({ faults: this.#faults, sabotage, trace: told, ...shared })
    this.#senders = new Senders({ timeline, machine: this.#machine, ledger: this.#ledger, trace: told })
    this.#observer = new Observer({ ledger: this.#ledger, ...shared })
  }

  run(): Report {
    const timeline = this.#timeline
    this.#machine.bootAll()
    this.#senders.start()
    for (const calamity of this.#plan.calamities) timeline.after(calamity.atMs, undefined, () => this.#strike(calamity))
    timeline.after(this.#plan.calmFromMs, undefined, () => this.#calm())
    timeline.after(lookEveryMs, undefined, () => this.#lookNowAndThen())
    while (!this.#isOver && this.#ledger.violations.length === 0 && timeline.step()) {
      if (timeline.steps > stepsMax) this.#ledger.violate(`nothing came to its end in ${stepsMax} steps`)
    }
    const report = this.#report()
    this.#letGo()
    return report
  }

  /**
   * Takes apart what the world was made of. Scavenges find worlds alive that are over, and copy them until the next collection of all
   * objects; why they do is not known. In pieces, there is less to copy.
   */
  #letGo(): void {
    this.#timeline.clear()
    this.#image.clear()
    this.#machine.clear()
    this.#server.clear()
  }

  #report(): Report {
    const snapshots = [...this.#server.rows.snapshots.rows.values()]
    return {
      plan: this.#plan,
      violations: this.#ledger.violations,
      steps: this.#timeline.steps,
      bodies: this.#ledger.bodies.length,
      commits: snapshots.length,
      merges: snapshots.filter(({ operation }) => operation === 'merge').length,
      calamities: { 'kill at a statement': this.#faults.kills, ...this.#calamities },
      situations: this.#situations?.counts ?? {},
    }
  }

  #time(): string {
    return `${((this.#timeline.nowMs - startMs) / 1000).toFixed(4)} s`
  }

  #strike(calamity: Calamity): void {
    const timeline = this.#timeline
    this.#trace?.(`CALAMITY: ${JSON.stringify(calamity)}`)
    this.#calamities[calamity.what] = (this.#calamities[calamity.what] ?? 0) + 1
    switch (calamity.what) {
      case 'kill':
        return this.#machine.kill(calamity.role, 'kill')
      case 'freeze':
        return this.#machine.freeze(calamity.role, calamity.forMs)
      case 'power cut':
        return this.#cutPower()
      case 'database restart':
        this.#faults.databaseDownUntilMs = timeline.nowMs + calamity.forMs
        return this.#server.restart()
      case 'disk fails':
        this.#image.fail(Object.assign(new Error('EIO'), { code: 'EIO' }))
        timeline.after(calamity.forMs, undefined, () => this.#image.fail(undefined))
        return
      case 'disk full':
        this.#image.limitBytes(1)
        timeline.after(calamity.forMs, undefined, () => this.#image.limitBytes(Infinity))
        return
      case 'sleep':
        this.#observer.leaps += 1
        if (this.#server.openTransactions > 0) this.#situations?.note('sleep inside an open transaction')
        this.#machine.sleep(calamity.forMs)
        if (this.#plan.hasTwinMerges) this.#machine.askForMerges(accountIds)
        return
    }
  }

  /** PostgreSQL is on the machine, too. What its transactions had committed is there again. */
  #cutPower(cause = 'power cut'): void {
    for (const role of this.#machine.roles) this.#machine.kill(role, cause)
    this.#server.restart()
    this.#image.losePower()
  }

  #calm(): void {
    this.#trace?.('from now on nothing goes wrong')
    this.#faults.isCalm = true
    this.#faults.databaseDownUntilMs = 0
    this.#image.fail(undefined)
    this.#image.limitBytes(Infinity)
    this.#machine.thaw()
    this.#endWhenSettled(this.#timeline.nowMs)
  }

  #endWhenSettled(sinceMs: number): void {
    const timeline = this.#timeline
    if (this.#senders.areDone && this.#observer.isSettled()) return this.#end()
    if (timeline.nowMs > sinceMs + settleMsMax) {
      return this.#ledger.violate('what was acknowledged is not stored, although nothing goes wrong')
    }
    timeline.after(250, undefined, () => this.#endWhenSettled(sinceMs))
  }

  /** Once more the power goes: what is referred to has to be on the disk, not in its cache. */
  #end(): void {
    this.#cutPower('last power cut')
    this.#watch(this.#observer.judge().then(() => void (this.#isOver = true)))
  }

  #lookNowAndThen(): void {
    this.#watch(this.#observer.look())
    this.#timeline.after(lookEveryMs, undefined, () => this.#lookNowAndThen())
  }

  #watch(work: Promise<void>): void {
    work.catch((error: unknown) => this.#ledger.violate(`the observer failed: ${describe(error)}`))
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(errno(error))
}

/** The product's own log, as a part of what is told. */
function tellingLog(trace: (line: string) => void): Logger {
  const destination = {
    write(text: string) {
      const { msg, err, ...facts } = JSON.parse(text) as { msg: string; err?: { stack?: string; message?: string } }
      const more = Object.entries(facts).filter(([name]) => !['level', 'time'].includes(name))
      const told = more.length === 0 ? '' : ` ${JSON.stringify(Object.fromEntries(more))}`
      trace(`  log: ${msg}${told}${err === undefined ? '' : ` (${err.message})`}`)
    },
  }
  return pino({ level: 'debug', base: null, timestamp: false }, destination)
}
