import { foldedName } from '../names.ts'
import type { PartColumn, PartFooter, PartLeaf } from './part-footer.ts'
import { leafCount } from './part-footer.ts'

/** A leaf of a joined file, and which of a part's own leaves it is; undefined where the part has not its column. */
export interface PlacedLeaf {
  readonly leaf: PartLeaf
  readonly index: number | undefined
}

/**
 * The columns of parts that are joined: those of the first one, then those that others have besides, which are null in the rows of the first.
 * Events of one table seldom have all the same fields, and a flood of them makes files with now these and now those columns.
 */
export class JoinedSchema {
  readonly #frame: string
  /** By their names as SQL tells columns apart. */
  readonly #columns = new Map<string, PartColumn>()
  readonly #fieldIds = new Set<number>()

  private constructor(frame: string) {
    this.#frame = frame
  }

  /** Undefined where the part's own columns contradict each other. */
  static begin(part: PartFooter): JoinedSchema | undefined {
    const schema = new JoinedSchema(part.frame)
    return schema.#add(part.columns) ? schema : undefined
  }

  static of([first, ...others]: readonly [PartFooter, ...PartFooter[]]): JoinedSchema | undefined {
    const schema = JoinedSchema.begin(first)
    return others.every((part) => schema?.take(part) === true) ? schema : undefined
  }

  get columns(): readonly PartColumn[] {
    return [...this.#columns.values()]
  }

  /**
   * Takes in the columns of a part, and returns whether it did: not where one of them contradicts or cannot be null, or where there would be more
   * leaves than `leavesMax`. All parts begin with the same column: Spark finds the row groups of its share of a file by
   * where their first column lies, and pages of nulls lie at the end.
   */
  take(part: PartFooter, leavesMax = Infinity): boolean {
    const [own, first] = [this.columns[0], part.columns[0]]
    if (part.frame !== this.#frame || own === undefined || first?.name !== own.name) return false
    const given = new Set(part.columns.map(({ name }) => foldedName(name)))
    if (this.columns.some(({ name, isRequired }) => isRequired && !given.has(foldedName(name)))) return false
    const known = part.columns.filter(({ name }) => this.#columns.has(foldedName(name)))
    if (!known.every(({ name, elements }) => this.#columns.get(foldedName(name))?.elements.equals(elements)))
      return false
    const added = part.columns.filter((column) => !known.includes(column))
    if (known.length + added.length !== given.size || added.some(({ isRequired }) => isRequired)) return false
    return leafCount(this.columns) + leafCount(added) <= leavesMax && this.#add(added)
  }

  /** All of them, or none where two have one name or one field id. */
  #add(columns: readonly PartColumn[]): boolean {
    const names = [...this.#columns.keys(), ...columns.map(({ name }) => foldedName(name))]
    const fieldIds = [...this.#fieldIds, ...columns.flatMap(({ fieldId }) => fieldId ?? [])]
    if (new Set(names).size < names.length || new Set(fieldIds).size < fieldIds.length) return false
    for (const column of columns) this.#columns.set(foldedName(column.name), column)
    for (const { fieldId } of columns) if (fieldId !== undefined) this.#fieldIds.add(fieldId)
    return true
  }

  /** The leaves in the order of the joined file. */
  leavesIn(part: PartFooter): PlacedLeaf[] {
    const starts = new Map<string, number>()
    let count = 0
    for (const { name, leaves } of part.columns) {
      starts.set(foldedName(name), count)
      count += leaves.length
    }
    return [...this.#columns].flatMap(([name, { leaves }]) => {
      const start = starts.get(name)
      return leaves.map((leaf, index) => ({ leaf, index: start === undefined ? undefined : start + index }))
    })
  }
}
