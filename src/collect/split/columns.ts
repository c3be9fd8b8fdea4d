import { must } from '../../base/errors.ts'
import type { Memory } from '../../base/kept-memory.ts'
import { columnNameProblem, foldedName } from '../../base/names.ts'
import type { LogicalType } from '../../store/types.ts'
import type { ColumnWriter, TypedWriter } from './column-writers.ts'
import { rescueOnly } from './column-writers.ts'
import type { Key, KeyTable } from './key-table.ts'
import { undecided } from './key-table.ts'
import type { LaneField } from './lane.ts'
import { columnField, emptyField } from './lane.ts'
import { NestedValues } from './nested-values.ts'
import { createWriter } from './nested-writers.ts'
import { NewColumn } from './new-column.ts'
import type { RecordTape } from './record-tape.ts'
import { valueKind } from './value-tape.ts'
import { SparseWriter } from './sparse-writer.ts'
import type { SplitColumn, SplitLimits } from './splitter.ts'

/** The target of keys whose values are rescued, whatever they are. */
export const rescueTarget = 0

/** A column whose type is settled. */
export interface SettledColumn {
  readonly name: string
  readonly type: LogicalType
}

interface ColumnsOptions {
  readonly limits: SplitLimits
  /** Where the table may not grow, the values of keys without a column are rescued. */
  readonly mayGrow: boolean
  /** Where the values of settled columns lie. */
  readonly memory: Memory
}

/** The columns of a table and those that the bodies add, and which key goes to which of them. */
export class Columns {
  readonly #settled: (SettledColumn & { readonly writer: SparseWriter })[] = []
  readonly #added: { readonly name: string; readonly writer: NewColumn }[] = []
  /** In lower case, because SQL does not tell `Code` from `code`. */
  readonly #foldedNames = new Set<string>()
  readonly #limits: SplitLimits
  /** What the targets of keys count. */
  readonly #writers: ColumnWriter[] = [rescueOnly]
  readonly #mayGrow: boolean

  constructor(settled: readonly SettledColumn[], keys: KeyTable, { limits, mayGrow, memory }: ColumnsOptions) {
    this.#limits = limits
    this.#mayGrow = mayGrow
    const values = new NestedValues(limits.nestedValuesMax, limits.depthMax)
    for (const column of settled) {
      const writer = new SparseWriter(createWriter(column.type, values, memory))
      this.#settled.push({ ...column, writer })
      this.#foldedNames.add(foldedName(column.name))
      const key = must(keys.find(column.name), 'there is room for the keys of all columns')
      key.target = this.addWriter(writer)
    }
  }

  /** Makes the writer a target for keys. */
  addWriter(writer: ColumnWriter): number {
    return this.#writers.push(writer) - 1
  }

  /** As the `take` of the writer that the key was given. */
  take(key: Key, tape: RecordTape, field: number, row: number): boolean {
    return (this.#writers[key.target] as ColumnWriter).take(tape, field, row)
  }

  /** The field of the key in the lane; undefined where its values have to go over the tape. */
  laneField(key: Key): LaneField | undefined {
    if (key.target === undecided) return emptyField(key)
    const writer = this.#writers[key.target]
    const column = this.#settled.find((settled) => settled.writer === writer)
    return column && columnField(key, column.type.kind, column.writer.builder)
  }

  /**
   * Gives the record's new keys their columns, or lets their values be rescued where they cannot name one. False where there
   * would be too many columns, and then none is given. A key that was always null has nothing to give a column for.
   */
  admit(tape: RecordTape): boolean {
    const fresh: Key[] = []
    for (let field = 0; field < tape.count; field += 1) {
      const key = tape.fieldKeys[field] as Key
      if (key.target === undecided && tape.kinds[field] !== valueKind.null) fresh.push(key)
    }
    if (fresh.length === 0) return true
    const wanted = new Set(fresh.filter((key) => this.#isFreeName(key)).map((key) => foldedName(key.name)))
    if (this.#settled.length + this.#added.length + wanted.size > this.#limits.columnsMax) return false
    for (const key of fresh) key.target = this.#isFreeName(key) ? this.#add(key.name) : rescueTarget
    return true
  }

  #isFreeName({ name, bytes }: Key): boolean {
    if (!this.#mayGrow || bytes.length > this.#limits.nameBytesMax || columnNameProblem(name) !== undefined)
      return false
    return !this.#foldedNames.has(foldedName(name))
  }

  #add(name: string): number {
    const writer = new NewColumn()
    this.#added.push({ name, writer })
    this.#foldedNames.add(foldedName(name))
    return this.addWriter(writer)
  }

  /** Whether every new column was built with the type that its values turned out to have. */
  get areSettled(): boolean {
    return this.#added.every(({ writer }) => !writer.isStale)
  }

  /** The columns with the types they have turned out to have. */
  settle(): SettledColumn[] {
    const settled = this.#settled.map(({ name, type }) => ({ name, type }))
    const added = this.#added.flatMap(({ name, writer }) =>
      writer.type === undefined ? [] : [{ name, type: writer.type }],
    )
    return [...settled, ...added]
  }

  /** The columns that have a value, the table's own before the new ones. */
  finish(rows: number): SplitColumn[] {
    const settled = this.#settled.map(({ name, type, writer }) => finished(name, type, writer, rows))
    const added = this.#added.map(({ name, writer }) => finished(name, writer.type, writer.target, rows))
    return [...settled, ...added].filter((column) => column !== undefined)
  }
}

function finished(
  name: string,
  type: LogicalType | undefined,
  writer: TypedWriter | undefined,
  rows: number,
): SplitColumn | undefined {
  if (type === undefined || writer === undefined || !writer.builder.hasValues) return undefined
  return { name, type, vector: writer.builder.finish(rows) }
}
