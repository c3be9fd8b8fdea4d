import type { Clock } from '../clock.ts'
import { ObjectWalk } from './object-walk.ts'
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
  readonly #walk: ObjectWalk

  constructor(rule: OrphanRule, options: OrphanWalkOptions) {
    this.#rule = rule
    this.#options = options
    this.#walk = new ObjectWalk(options.objects, rule.prefix)
  }

  /** Looks at some objects, and returns how many were removed. */
  async step(): Promise<number> {
    const { objects, clock, ageMs } = this.#options
    const oldestMs = clock.nowMs() - ageMs
    const aged = new Set<string>()
    for (const entry of await this.#walk.next(entriesMax)) {
      const madeMs = this.#rule.madeMs(entry)
      if (madeMs !== undefined && madeMs < oldestMs) aged.add(entry.key)
    }
    if (aged.size === 0) return 0
    for (const known of await this.#rule.known([...aged])) aged.delete(known)
    await removeObjects(objects, [...aged])
    return aged.size
  }

  stop(): Promise<void> {
    return this.#walk.stop()
  }
}

/** Removes objects, some at a time. */
export async function removeObjects(objects: ObjectStore, keys: readonly string[]): Promise<void> {
  for (let at = 0; at < keys.length; at += concurrency) {
    await Promise.all(keys.slice(at, at + concurrency).map((key) => objects.remove(key)))
  }
}
