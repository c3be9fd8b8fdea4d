import { must } from '../base/errors.ts'
import type { AppliedId, AppliedRange, Store } from '../store/store.ts'
import type { Body } from './body.ts'

/** What came of a body when it was applied. */
export type AppliedCounts = Pick<AppliedId, 'rows' | 'quarantined'>

/** Which bodies of a table were applied before: those of senders' ids by these, the others by their places. */
export class AppliedBodies {
  readonly #ids: ReadonlyMap<string, AppliedId>
  readonly #ranges: readonly AppliedRange[]

  private constructor(ids: readonly AppliedId[], ranges: readonly AppliedRange[]) {
    this.#ids = new Map(ids.map((id) => [id.uniqueId, id]))
    this.#ranges = ranges
  }

  /** The bodies are in order, and those without an id of one segment. */
  static async find(
    store: Pick<Store, 'appliedIds' | 'appliedPlaces'>,
    table: { readonly accountId: number; readonly id: number },
    bodies: readonly Body[],
  ): Promise<AppliedBodies> {
    const uniqueIds = bodies.flatMap(({ frame }) => frame.header.uniqueId ?? [])
    const placed = bodies.filter(({ frame }) => frame.header.uniqueId === null)
    const ids = uniqueIds.length === 0 ? [] : await store.appliedIds(table.accountId, table.id, uniqueIds)
    const [first, last] = [placed[0], placed.at(-1)]
    if (first === undefined || last === undefined) return new AppliedBodies(ids, [])
    const within = { segment: first.segment.id, from: first.frame.from, to: last.frame.to }
    return new AppliedBodies(ids, await store.appliedPlaces(table.accountId, table.id, within))
  }

  get isEmpty(): boolean {
    return this.#ids.size + this.#ranges.length === 0
  }

  has({ frame }: Body): boolean {
    const { uniqueId } = frame.header
    return uniqueId === null ? this.#rangeAt(frame.from) !== undefined : this.#ids.has(uniqueId)
  }

  /** What came of a body that was applied; undefined where that is known of it together with others only. */
  countsOf({ frame }: Body): AppliedCounts | undefined {
    const { uniqueId } = frame.header
    if (uniqueId !== null) return this.#ids.get(uniqueId)
    const range = must(this.#rangeAt(frame.from), 'a body whose counts are asked for was applied')
    return range.from === frame.from && range.to <= frame.to ? range : undefined
  }

  /** The range in which a body begins. Ranges are in order, and few of many can be looked at. */
  #rangeAt(from: number): AppliedRange | undefined {
    let [low, high] = [0, this.#ranges.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#ranges[middle] as AppliedRange).to <= from) low = middle + 1
      else high = middle
    }
    const range = this.#ranges[low]
    return range !== undefined && range.from <= from ? range : undefined
  }
}
