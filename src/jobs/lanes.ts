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

  /** The id of each lane, in the order of the argument. */
  async ensure(db: Queryable, identities: readonly LaneIdentity[]): Promise<number[]> {
    const missing = new Map<string, LaneIdentity>()
    for (const identity of identities) {
      const key = JSON.stringify(identity)
      if (!this.#ids.has(key)) missing.set(key, identity)
    }
    if (missing.size > 0) await this.#make(db, missing)
    return identities.map((identity) => this.#ids.get(JSON.stringify(identity)) ?? 0)
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
