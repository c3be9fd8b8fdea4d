import type { Clock } from '../clock.ts'
import type { ObjectEntry, ObjectStore } from './objects.ts'

export interface OrphanRule {
  /** Where the objects lie that the rule is about. */
  readonly prefix: string
  /** Since when an object has been where it is, in milliseconds since the epoch; undefined for one that is none of ours. */
  readonly madeMs: (entry: ObjectEntry) => number | undefined
  /** Those of the keys that something refers to. */
  readonly known: (keys: readonly string[]) => Promise<readonly string[]>
}

export interface OrphanWalkOptions {
  readonly objects: ObjectStore
  readonly clock: Clock
  /** Before this age, whoever wrote an object may still be about to refer to it. */
  readonly ageMs: number
}

/** How many objects one step looks at: steps are short, and there is always another one. */
const entriesMax = 1000
const concurrency = 16

/**
 * Walks over all objects below a prefix, again and again, and removes those that were left behind by a crash between the
 * writing of an object and the commit that refers to it. Two walks at once do no harm: a removal may be repeated.
 */
export class OrphanWalk {
  readonly #rule: OrphanRule
  readonly #options: OrphanWalkOptions
  /** Where the walk stands; it begins anew when it is through. */
  #walk: AsyncIterator<ObjectEntry> | undefined

  constructor(rule: OrphanRule, options: OrphanWalkOptions) {
    this.#rule = rule
    this.#options = options
  }

  /** Looks at some objects, and returns how many were removed. */
  async step(): Promise<number> {
    const { objects, clock, ageMs } = this.#options
    const oldestMs = clock.nowMs() - ageMs
    const aged = new Set<string>()
    for (const entry of await this.#nextEntries()) {
      const madeMs = this.#rule.madeMs(entry)
      if (madeMs !== undefined && madeMs < oldestMs) aged.add(entry.key)
    }
    if (aged.size === 0) return 0
    for (const known of await this.#rule.known([...aged])) aged.delete(known)
    await removeObjects(objects, [...aged])
    return aged.size
  }

  async stop(): Promise<void> {
    const walk = this.#walk
    this.#walk = undefined
    await walk?.return?.()
  }

  async #nextEntries(): Promise<ObjectEntry[]> {
    const walk = (this.#walk ??= this.#options.objects.list(this.#rule.prefix)[Symbol.asyncIterator]())
    const entries: ObjectEntry[] = []
    try {
      while (entries.length < entriesMax) {
        const next = await walk.next()
        if (next.done === true) {
          this.#walk = undefined
          break
        }
        entries.push(next.value)
      }
    } catch (error) {
      // A walk that failed is over; the next step begins a new one.
      this.#walk = undefined
      throw error
    }
    return entries
  }
}

/** Removes objects, some at a time. */
export async function removeObjects(objects: ObjectStore, keys: readonly string[]): Promise<void> {
  for (let at = 0; at < keys.length; at += concurrency) {
    await Promise.all(keys.slice(at, at + concurrency).map((key) => objects.remove(key)))
  }
}
