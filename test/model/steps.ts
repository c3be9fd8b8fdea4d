import type { ColumnChange } from '../../src/store/store.ts'
import { parseType } from '../../src/store/types.ts'
import type { Raw } from './model.ts'
import { ModelTable } from './model.ts'
import type { Rig, Work } from './rig.ts'

/** A source of choices that a seed determines (mulberry32). */
export class Choices {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  below(bound: number): number {
    return Math.floor(this.fraction() * bound)
  }

  of<T>(all: readonly [T, ...T[]]): T
  of<T>(all: readonly T[]): T | undefined
  of<T>(all: readonly T[]): T | undefined {
    return all[this.below(all.length)]
  }
}

export type Tables = ReadonlyMap<string, ModelTable>

/** Some work, and what it makes of the tables. */
export interface Step {
  readonly work: Work
  readonly after: Tables
}

export const tableNames = ['logs', 'other'] as const

const columnNames = ['a', 'b', 'c', 'd', 'e'] as const

/** More rows than this are thinned out, so that a step stays quick. */
const rowsMax = 70

/** Draws the next step for the tables as they are. */
export class Steps {
  readonly #choices: Choices
  readonly #rig: Rig
  #ids = 0
  #changes = 0
  #sent: Work[] = []

  constructor(choices: Choices, rig: Rig) {
    this.#choices = choices
    this.#rig = rig
  }

  next(tables: Tables): Step {
    const name = this.#choices.of(tableNames)
    const table = tables.get(name) ?? new ModelTable()
    const become = (after: ModelTable): Tables => new Map([...tables, [name, after]])
    const query = (sql: string, after: ModelTable): Step => ({ work: { kind: 'query', sql }, after: become(after) })
    if (table.rows.size > rowsMax) {
      return query(
        `delete from ${name} where id % 4 <> 1`,
        table.where((_, id) => id % 4 === 1),
      )
    }
    // SQL is a small part, because it takes ten times as long as the rest.
    const draw = this.#choices.below(100)
    if (draw < 47) return this.#import(name, table, become)
    if (draw < 55) return this.#again(tables) ?? this.#import(name, table, become)
    if (draw < 69) return this.#merge(name, tables)
    if (draw < 81) return { work: { kind: 'restate', table: name }, after: tables }
    if (draw < 91) return this.#alter(name, table, become)
    if (draw < 97) return { work: { kind: 'expire', table: name, uniqueId: this.#nextChange() }, after: tables }
    if (draw === 97) return this.#delete(name, table, query)
    if (draw === 98) return this.#upsert(name, table, query)
    return this.#remake(name, tables, query)
  }

  #remake(name: string, tables: Tables, query: (sql: string, after: ModelTable) => Step): Step {
    const table = tables.get(name) ?? new ModelTable()
    const draw = this.#choices.below(4)
    if (draw < 2) {
      const sql = `insert overwrite table ${name} select * from ${name} where id % 3 <> 1`
      return query(
        sql,
        table.where((_, id) => id % 3 !== 1),
      )
    }
    if (draw === 2) {
      return query(
        `truncate table ${name}`,
        table.where(() => false),
      )
    }
    const [one, two] = tableNames
    return {
      work: { kind: 'query', sql: `alter table ${one} swap with ${two}` },
      after: new Map([
        [one, tables.get(two) ?? new ModelTable()],
        [two, tables.get(one) ?? new ModelTable()],
      ]),
    }
  }

  #import(name: string, table: ModelTable, become: (after: ModelTable) => Tables): Step {
    const records = Array.from({ length: 1 + this.#choices.below(6) }, () => this.#record())
    const work: Work = { kind: 'import', table: name, uniqueId: `body ${this.#ids}`, records }
    return { work, after: become(table.import(records)) }
  }

  /** A body that was applied already: nothing is to change. */
  #again(tables: Tables): Step | undefined {
    const sent = this.#choices.of(this.#sent.slice(-20))
    return sent === undefined ? undefined : { work: sent, after: tables }
  }

  /** Tells what was done. Bodies are known by table: after a swap they are new to the table of the name. */
  note({ work }: Step): void {
    if (work.kind === 'import') this.#sent.push(work)
    if (work.kind === 'query' && work.sql.includes('swap with')) this.#sent = []
  }

  #record(): Record<string, Raw> & { id: number; time: number } {
    const record: Record<string, Raw> & { id: number; time: number } = {
      id: (this.#ids += 1),
      time: this.#rig.nowSeconds - this.#choices.of([0, 10, 3000, 5000, 90_000, 10_000_000]) - this.#choices.below(60),
    }
    for (const name of columnNames) if (this.#choices.below(3) === 0) record[name] = this.#value()
    return record
  }

  #value(): Raw {
    const number = this.#choices.below(10)
    return this.#choices.of<Raw>([number, number, number, '200', `${number}`, 'abc', 'it’s "quoted"'])
  }

  #merge(name: string, tables: Tables): Step {
    if (this.#choices.below(2) === 0) this.#rig.putForward(600 + this.#choices.below(7200))
    return { work: { kind: 'merge', table: name }, after: tables }
  }

  #delete(name: string, table: ModelTable, query: (sql: string, after: ModelTable) => Step): Step {
    const column = this.#choices.of([...table.columns.keys()])
    const rest = this.#choices.below(4)
    const from = this.#rig.nowSeconds - this.#choices.below(6000)
    switch (this.#choices.below(column === undefined ? 2 : 4)) {
      case 0:
        return query(
          `delete from ${name} where id % 4 = ${rest}`,
          table.where((_, id) => id % 4 !== rest),
        )
      case 1:
        return query(
          `delete from ${name} where time >= ${from} and time < ${from + 1800}`,
          table.where(({ time }) => time < from || time >= from + 1800),
        )
      case 2:
        return query(
          `delete from ${name} where "${column}" is null and id % 2 = 0`,
          table.where((_, id, shown) => shown.has(column ?? '') || id % 2 !== 0),
        )
      default:
        return query(
          `delete from ${name} where cast("${column}" as varchar) = '${rest}'`,
          table.where((_, _id, shown) => shown.get(column ?? '') !== String(rest)),
        )
    }
  }

  #upsert(name: string, table: ModelTable, query: (sql: string, after: ModelTable) => Step): Step {
    const column = this.#choices.of([...table.columns.keys()])
    const ids = [this.#choices.of([...table.rows.keys()]), (this.#ids += 1)].filter((id) => id !== undefined)
    const number = this.#choices.below(10)
    const time = this.#rig.nowSeconds - this.#choices.below(8000)
    const records = ids.map((id) => ({ id, time, ...(column !== undefined && { [column]: number }) }))
    const value = column === undefined ? '' : `, cast(${number} as ${table.columns.get(column)}) as "${column}"`
    const selects = ids.map((id) => `select ${time} as time, ${id} as id${value}`)
    return query(`merge into ${name} key (id) ${selects.join(' union all ')}`, table.import(records))
  }

  #nextChange(): string {
    return `change ${(this.#changes += 1)}`
  }

  #alter(name: string, table: ModelTable, become: (after: ModelTable) => Tables): Step {
    const column = this.#choices.of([...table.columns.keys()])
    const free = this.#choices.of(columnNames.filter((of) => !table.columns.has(of)))
    const type = this.#choices.of(['bigint', 'varchar'] as const)
    const draw = this.#choices.below(12)
    const change = (to: ColumnChange, after: ModelTable): Step => {
      const uniqueId = this.#nextChange()
      return { work: { kind: 'alter', table: name, uniqueId, change: to }, after: become(after) }
    }
    if (column !== undefined && free !== undefined && draw < 4) {
      return change({ kind: 'rename_column', name: column, to: free }, table.rename(column, free))
    }
    if (column !== undefined && draw < 9) {
      return change({ kind: 'change_type', name: column, type: parseType(type) }, table.retype(column, type))
    }
    if (column !== undefined && (free === undefined || draw < 10)) {
      return change({ kind: 'drop_column', name: column }, table.drop(column))
    }
    const added = free ?? 'a'
    return change({ kind: 'add_column', name: added, type: parseType(type) }, table.addColumn(added, type))
  }
}
