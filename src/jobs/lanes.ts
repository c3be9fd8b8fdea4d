import type { Queryable } from '../base/postgres/postgres.ts'
import type { LaneIdentity } from './lane-identity.ts'
import { insertLanes, selectLaneIds } from './lanes.sql.ts'
import type { NewJob } from './jobs.ts'

export type LaneFacts = Pick<NewJob, 'kind' | 'accountId' | 'workgroup' | 'resources'>

export function laneOf({ kind, accountId, workgroup, resources = {} }: LaneFacts): LaneIdentity {
  const slots: [key: string, weight: number][] = [[`kind:${kind}`, 1]]
  if (accountId !== null) {
    slots.push([`account:${accountId}`, 1], [`account:${accountId}/kind:${kind}`, 1])
    if (workgroup !== undefined) slots.push([`workgroup:${accountId}/${workgroup}`, 1])
  }
  for (const name of Object.keys(resources).toSorted()) {
    slots.push([`resource:${accountId ?? 0}/${name}`, resources[name] ?? 1])
  }
  return { kind, accountId, limitKeys: slots.map(([key]) => key), weights: slots.map(([, weight]) => weight) }
}

/** Enough for all accounts times kinds that one process meets; beyond, it starts again. */
const cachedMax = 100_000

/** The ids of lanes, made when they are first asked for. Lanes are never deleted while their account lives. */
export class Lanes {
  readonly #ids = new Map<string, number>()

  /** The id of the lane of each job, in the order of the argument. */
  async ensure(db: Queryable, jobs: readonly LaneFacts[]): Promise<number[]> {
    const keys = jobs.map(keyOf)
    const missing = new Map<string, LaneIdentity>()
    jobs.forEach((job, index) => {
      const key = keys[index] ?? ''
      if (!this.#ids.has(key) && !missing.has(key)) missing.set(key, laneOf(job))
    })
    if (missing.size > 0) await this.#make(db, missing)
    return keys.map((key) => this.#ids.get(key) ?? 0)
  }

  async #make(db: Queryable, missing: ReadonlyMap<string, LaneIdentity>): Promise<void> {
    if (this.#ids.size + missing.size > cachedMax) this.#ids.clear()
    const lanes = [...missing.values()]
    await insertLanes(db, lanes)
    // Read by a statement of its own, which sees what others have made meanwhile.
    const ids = await selectLaneIds(db, lanes)
    let place = 0
    for (const key of missing.keys()) this.#ids.set(key, ids[place++] ?? 0)
  }
}

/** Cheap for the plain jobs that most are: it is made for each. */
function keyOf(job: LaneFacts): string {
  const { kind, accountId, workgroup, resources } = job
  return workgroup === undefined && resources === undefined ? `${accountId} ${kind}` : JSON.stringify(laneOf(job))
}
