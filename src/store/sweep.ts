import type { Clock } from '../base/clock.ts'
import type { ObjectEntry, ObjectStore } from '../base/objects/objects.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import { chunkPrefix, orphanAgeMs, parseChunkKey } from './chunk-keys.ts'
import {
  deleteDropped,
  deleteRemovals,
  deleteRowsOfDropped,
  expireHistory,
  selectDueRemovals,
  selectKnownChunks,
} from './removal.sql.ts'

/** How much one call does, of each kind: calls are short, and there is always another one. */
const removalsMax = 500
const rowsMax = 20_000
const entriesMax = 1000
const concurrency = 16

/** Removes what nobody needs any more: planned removals, old history, rows of dropped tables, and uploads without a commit. */
export class Sweep {
  readonly #postgres: Postgres
  readonly #objects: ObjectStore
  readonly #clock: Clock
  readonly #graceMs: number
  /** Where the walk over all uploads stands; each call goes on from there, and from the start when it is through. */
  #walk: AsyncIterator<ObjectEntry> | undefined

  constructor(postgres: Postgres, objects: ObjectStore, clock: Clock, graceMs: number) {
    this.#postgres = postgres
    this.#objects = objects
    this.#clock = clock
    this.#graceMs = graceMs
  }

  /** Returns how many objects were removed, and how many chunks were forgotten. */
  async run(): Promise<number> {
    const planned = await this.#removePlanned()
    const now = new Date(this.#clock.nowMs())
    const droppedBefore = new Date(now.getTime() - this.#graceMs)
    const forgotten = await expireHistory(this.#postgres, { now, removedBefore: droppedBefore }, rowsMax)
    await deleteRowsOfDropped(this.#postgres, { now, droppedBefore }, rowsMax)
    await deleteDropped(this.#postgres, { now, droppedBefore })
    return planned + forgotten + (await this.#removeOrphans())
  }

  async stop(): Promise<void> {
    const walk = this.#walk
    this.#walk = undefined
    await walk?.return?.()
  }

  /** First the objects, then the plan: a crash in between repeats removals, which has no effect. */
  async #removePlanned(): Promise<number> {
    const keys = await selectDueRemovals(this.#postgres, new Date(this.#clock.nowMs()), removalsMax)
    await this.#removeObjects(keys)
    if (keys.length > 0) await deleteRemovals(this.#postgres, keys)
    return keys.length
  }

  async #removeOrphans(): Promise<number> {
    const aged = new Map<string, string>()
    for (const entry of await this.#nextEntries()) {
      const chunk = parseChunkKey(entry.key)
      const madeMs = Math.max(entry.modifiedMs, chunk?.madeMs ?? 0)
      if (chunk !== undefined && madeMs < this.#clock.nowMs() - orphanAgeMs) aged.set(chunk.id, entry.key)
    }
    if (aged.size === 0) return 0
    for (const known of await selectKnownChunks(this.#postgres, [...aged.keys()])) aged.delete(known)
    await this.#removeObjects([...aged.values()])
    return aged.size
  }

  async #nextEntries(): Promise<ObjectEntry[]> {
    const walk = (this.#walk ??= this.#objects.list(chunkPrefix)[Symbol.asyncIterator]())
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
      // A walk that failed is over; the next call begins a new one.
      this.#walk = undefined
      throw error
    }
    return entries
  }

  async #removeObjects(keys: readonly string[]): Promise<void> {
    for (let at = 0; at < keys.length; at += concurrency) {
      await Promise.all(keys.slice(at, at + concurrency).map((key) => this.#objects.remove(key)))
    }
  }
}
