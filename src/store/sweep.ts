import type { Clock } from '../base/clock.ts'
import type { ObjectStore } from '../base/objects/objects.ts'
import { orphanAgeMs } from '../base/objects/orphan-age.ts'
import { OrphanWalk, removeObjects } from '../base/objects/orphan-walk.ts'
import type { Postgres } from '../base/postgres/postgres.ts'
import { chunkRule, quarantineRule } from './orphans.ts'
import { deleteDropped, deleteRemovals, deleteRowsOfDropped, expireHistory, selectDueRemovals } from './removal.sql.ts'

/** How much one call does, of each kind: calls are short, and there is always another one. */
const removalsMax = 500
const rowsMax = 20_000

/** Removes what nobody needs any more: planned removals, old history, rows of dropped tables, and uploads without a commit. */
export class Sweep {
  readonly #postgres: Postgres
  readonly #objects: ObjectStore
  readonly #clock: Clock
  readonly #graceMs: number
  readonly #walks: readonly OrphanWalk[]

  constructor(postgres: Postgres, objects: ObjectStore, clock: Clock, graceMs: number) {
    this.#postgres = postgres
    this.#objects = objects
    this.#clock = clock
    this.#graceMs = graceMs
    const options = { objects, clock, ageMs: orphanAgeMs }
    this.#walks = [chunkRule(postgres), quarantineRule(postgres)].map((rule) => new OrphanWalk(rule, options))
  }

  /** Returns how many objects were removed, and how many chunks were forgotten. */
  async run(): Promise<number> {
    const planned = await this.#removePlanned()
    const now = new Date(this.#clock.nowMs())
    const droppedBefore = new Date(now.getTime() - this.#graceMs)
    const forgotten = await expireHistory(this.#postgres, { now, removedBefore: droppedBefore }, rowsMax)
    await deleteRowsOfDropped(this.#postgres, { now, droppedBefore }, rowsMax)
    await deleteDropped(this.#postgres, { now, droppedBefore })
    let orphans = 0
    for (const walk of this.#walks) orphans += await walk.step()
    return planned + forgotten + orphans
  }

  async stop(): Promise<void> {
    for (const walk of this.#walks) await walk.stop()
  }

  /** First the objects, then the plan: a crash in between repeats removals, which has no effect. */
  async #removePlanned(): Promise<number> {
    const keys = await selectDueRemovals(this.#postgres, new Date(this.#clock.nowMs()), removalsMax)
    await removeObjects(this.#objects, keys)
    if (keys.length > 0) await deleteRemovals(this.#postgres, keys)
    return keys.length
  }
}
