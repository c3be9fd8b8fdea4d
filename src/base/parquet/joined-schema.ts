import type { PartColumn, PartFooter, PartLeaf } from './part-footer.ts'

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
  /** By their names in small letters, as SQL tells columns apart. */
  readonly #columns: Map<string, PartColumn>
  readonly #fieldIds: Set<number>

  constructor(first: PartFooter) {
    this.#frame = first.frame
    this.#columns = byName(first)
    this.#fieldIds = new Set(first.columns.flatMap(({ fieldId }) => fieldId ?? []))
  }

  static of(parts: readonly [PartFooter, ...PartFooter[]]): JoinedSchema | undefined {
    const schema = new JoinedSchema(parts[0])
    return parts.every((part) => schema.take(part)) ? schema : undefined
  }

  get columns(): readonly PartColumn[] {
    return [...this.#columns.values()]
  }

  /** Takes in the columns of a part, and returns whether it did: not where one of them contradicts, or cannot be null. */
  take(part: PartFooter): boolean {
    if (part.frame !== this.#frame) return false
    const given = byName(part)
    if (given.size !== part.columns.length) return false
    for (const [name, column] of this.#columns) if (column.isRequired && !given.has(name)) return false
    const added: [string, PartColumn][] = []
    for (const [name, column] of given) {
      const known = this.#columns.get(name)
      if (known === undefined) {
        if (column.isRequired || (column.fieldId !== undefined && this.#fieldIds.has(column.fieldId))) return false
        added.push([name, column])
      } else if (!known.elements.equals(column.elements)) return false
    }
    for (const [name, column] of added) {
      this.#columns.set(name, column)
      if (column.fieldId !== undefined) this.#fieldIds.add(column.fieldId)
    }
    return true
  }

  /** The leaves in the order of the joined file. */
  leavesIn(part: PartFooter): PlacedLeaf[] {
    const starts = new Map<string, number>()
    let count = 0
    for (const { name, leaves } of part.columns) {
      starts.set(name.toLowerCase(), count)
      count += leaves.length
    }
    return [...this.#columns].flatMap(([name, { leaves }]) => {
      const start = starts.get(name)
      return leaves.map((leaf, index) => ({ leaf, index: start === undefined ? undefined : start + index }))
    })
  }
}

function byName({ columns }: PartFooter): Map<string, PartColumn> {
  return new Map(columns.map((column) => [column.name.toLowerCase(), column]))
}
