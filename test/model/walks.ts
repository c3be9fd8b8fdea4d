import { isDeepStrictEqual } from 'node:util'

import { expect, test } from 'vitest'

import { isAppError } from '../../src/base/errors.ts'
import { parseType } from '../../src/store/types.ts'
import { Died, Life } from './lives.ts'
import type { End } from './lives.ts'
import { ModelTable } from './model.ts'
import { Rig, expireDays } from './rig.ts'
import type { Scanned } from './rig.ts'
import type { Step, Tables } from './steps.ts'
import { Choices, Steps, tableNames } from './steps.ts'

/** In all. `BIWA_MODEL_STEPS=100000 BIWA_MODEL_SEED=7 BIWA_MODEL_WALK=2000` for more, for others, and for longer walks. */
const stepsTotal = Number(process.env['BIWA_MODEL_STEPS'] ?? 10_000)
const firstSeed = Number(process.env['BIWA_MODEL_SEED'] ?? 1)

/** Of one walk: a step takes longer as the history of the tables grows. */
const walkSteps = Number(process.env['BIWA_MODEL_WALK'] ?? 250)
const seeds = Array.from({ length: Math.ceil(stepsTotal / walkSteps) }, (_, index) => firstSeed + index)

/** Tests every so many of the walks, so that several files share them, and several processes. */
export function testWalks({ part, parts }: { readonly part: number; readonly parts: number }): void {
  test.concurrent.each(seeds.filter((_, index) => index % parts === part))(
    'seed %i: after each of many steps, whatever died in them, a scan shows what the model says',
    async (seed) => {
      const rig = await Rig.open()
      try {
        await new Walk(rig, seed).run(Math.min(walkSteps, stepsTotal))
      } finally {
        await rig.close()
      }
    },
    30 * 60_000,
  )
}

/** How long a step may take. */
const slackSeconds = 600

/** One table's state that can be asked for later. */
interface Past {
  readonly tableId: number
  readonly snapshot: number
  readonly shown: unknown
}

class Walk {
  readonly #rig: Rig
  readonly #choices: Choices
  readonly #steps: Steps
  readonly #log: string[] = []
  readonly #past: Past[] = []
  #tables: Tables = new Map(tableNames.map((name) => [name, new ModelTable()]))

  constructor(rig: Rig, seed: number) {
    this.#rig = rig
    this.#choices = new Choices(seed)
    this.#steps = new Steps(this.#choices, rig)
  }

  async run(count: number): Promise<void> {
    for (const name of tableNames) {
      const columns = [{ name: 'id', type: parseType('bigint') }]
      await this.#rig.store.createTable(this.#rig.accountId, 'web', name, { columns })
    }
    for (let number = 0; number < count; number += 1) {
      const step = this.#steps.next(this.#tables)
      this.#log.push(`${number}: ${JSON.stringify(step.work)}`)
      try {
        await this.#take(step)
        if (this.#choices.below(20) === 0) await this.#rig.store.sweep()
        await this.#lookBack()
      } catch (error) {
        throw new Error(`after these steps:\n${this.#log.slice(-12).join('\n')}`, { cause: error })
      }
    }
  }

  /** Half of the steps go without harm. Of the others most are tried again until they are done; some are left as they are. */
  async #take(step: Step): Promise<void> {
    const draw = this.#choices.below(10)
    if (draw === 0) return await this.#leave(step)
    const deaths = draw < 5 ? 1 + this.#choices.below(2) : 0
    const ends = Array.from({ length: deaths }, (): End => this.#end())
    this.#log.push(`  ${ends.map(({ call, when }) => `${when} call ${call}`).join(', ')}`)
    const startedAt = this.#rig.nowSeconds
    await this.#rig.run(step.work, [...ends.map((end) => new Life(end)), new Life()])
    this.#done(step)
    if (step.work.kind === 'expire') await this.#letExpire(startedAt, step.work.table)
    // The other table is looked at now and then.
    await this.#compare('table' in step.work && this.#choices.below(12) > 0 ? [step.work.table] : tableNames)
  }

  #done(step: Step): void {
    this.#tables = step.after
    this.#steps.note(step)
  }

  #end(): End {
    const when = this.#choices.of(['before', 'after', 'lost answer'] as const)
    return { call: 1 + this.#choices.below(16), when }
  }

  /** Either everything of it has happened, or nothing. */
  async #leave(step: Step): Promise<void> {
    const end = this.#end()
    this.#log.push(`  left after ${end.when} call ${end.call}`)
    try {
      await this.#rig.run(step.work, [new Life(end)])
      this.#done(step)
    } catch (error) {
      if (!(error instanceof Died) && !isAppError(error, 'database_unavailable')) throw error
      const found = await this.#shown(tableNames)
      if (isDeepStrictEqual(found, expected(step.after))) this.#done(step)
      else if (step.work.kind !== 'expire') return this.#expect(found)
    }
    if (step.work.kind === 'expire') await this.#letExpire(this.#rig.nowSeconds)
    await this.#compare(tableNames)
  }

  /**
   * Chunks expire as a whole: old rows go if they lie beside old ones only. So the model asks which are left, of the old; and no
   * chunk of nothing else may be, in a table of which that is known to be done.
   */
  async #letExpire(startedAt: number, table?: string): Promise<void> {
    const cutoff = startedAt - expireDays * 86_400
    for (const [name, { rows, columns }] of this.#tables) {
      const left = new Set((await this.#rig.scan(name))?.rows.map((row) => Number(row['id'])))
      const kept = [...rows].filter(([id, { time }]) => time >= cutoff + slackSeconds || left.has(id))
      this.#tables = new Map([...this.#tables, [name, new ModelTable(columns, new Map(kept))]])
    }
    if (table !== undefined) expect(await this.#rig.countChunksBefore(table, cutoff)).toBe(0)
  }

  async #compare(names: readonly string[]): Promise<void> {
    this.#expect(await this.#shown(names))
  }

  /** That the tables that were found are as the model has them. */
  #expect(found: Readonly<Record<string, unknown>>): void {
    expect(found).toEqual(expected(new Map([...this.#tables].filter(([name]) => name in found))))
  }

  async #shown(names: readonly string[]): Promise<Record<string, unknown>> {
    const shown: Record<string, unknown> = {}
    for (const name of names) {
      const scanned = await this.#rig.scan(name)
      shown[name] = scanned === undefined ? undefined : plain(scanned)
      if (this.#choices.below(10) > 0) continue
      const { id, snapshot } = await this.#rig.store.table(this.#rig.accountId, 'web', name)
      this.#past.push({ tableId: id, snapshot, shown: shown[name] })
    }
    return shown
  }

  /** What a table was at some time, it still is at that time. */
  async #lookBack(): Promise<void> {
    const past = this.#choices.of(this.#past)
    if (past === undefined || this.#choices.below(5) > 0) return
    for (const name of tableNames) {
      const { id } = await this.#rig.store.table(this.#rig.accountId, 'web', name)
      if (id !== past.tableId) continue
      try {
        const scanned = await this.#rig.scan(name, { snapshot: past.snapshot })
        expect(scanned === undefined ? undefined : plain(scanned)).toEqual(past.shown)
      } catch (error) {
        if (!isAppError(error, 'snapshot_expired') && !isAppError(error, 'snapshot_not_found')) throw error
        this.#past.splice(this.#past.indexOf(past), 1)
      }
    }
  }
}

function expected(tables: Tables): Record<string, unknown> {
  return Object.fromEntries([...tables].map(([name, table]) => [name, table.scanned()]))
}

/** Without the nulls, and maps as objects. */
function plain({ columns, rows }: Scanned): unknown {
  return {
    columns: columns.toSorted(),
    rows: rows.map((row) => {
      const entries = Object.entries(row).filter(([, value]) => value !== null)
      return Object.fromEntries(entries.map(([name, value]) => [name, name === '_rescued' ? rescuedOf(value) : value]))
    }),
  }
}

function rescuedOf(value: unknown): unknown {
  const entries = value as readonly { readonly key: string; readonly value: string }[]
  return Object.fromEntries(entries.map(({ key, value: text }) => [key, text]))
}
