import type { LimitedLane, Turn } from './admit.ts'
import type { WantedOfLane } from './acquire.sql.ts'
import type { LaneRow } from './active-lanes.sql.ts'
import { positionMin } from './position.sql.ts'

/** Of so many accounts and kinds it is remembered when they were granted places last. */
const grantedMax = 10_000

/** How many jobs of a kind a worker can take now. */
export interface FreePlaces {
  readonly kind: string
  /** For jobs that begin at once. */
  readonly places: number
  /** For jobs that wait in the worker until others end. */
  readonly ahead: number
}

export interface Picked {
  /** Of lanes that no limit counts. */
  readonly free: readonly WantedOfLane[]
  readonly limited: readonly LimitedLane[]
  readonly lanes: readonly PickedLane[]
  /** How many of a kind's places the answer may fill. */
  readonly places: ReadonlyMap<string, number>
  readonly grants: readonly Grant[]
}

/** What an account was granted of the places of a kind. */
interface Grant {
  readonly key: string
  readonly places: number
}

interface PickedLane {
  readonly lane: LaneState
  readonly count: number
  readonly mark: number
}

/** What a worker believes of a lane. Beliefs may be wrong for a moment; the database decides. */
interface LaneState {
  readonly id: number
  readonly kind: string
  readonly accountId: number | null
  readonly limitKeys: readonly string[]
  readonly weights: readonly number[]
  limitIds: readonly number[]
  /** There may be jobs. */
  active: boolean
  /** Its limits have no room. */
  full: boolean
  /** Gave all that was wanted the last time: there are probably more. */
  deep: boolean
  /** No job is before this position: rows that were taken need not be read again. */
  from: number
  /** Grows when the lane is said to have jobs: an answer to an older question does not make it inactive. */
  mark: number
  /** Questions on their way. */
  asked: number
}

/**
 * Decides which lanes a worker asks for jobs, and for how many: accounts share the places of a kind evenly, whatever they
 * have queued, by what runs of theirs in all workers, and where as much does, the one that was asked for longer ago; within an account the
 * lane whose first job is first.
 */
export class LanePicker {
  readonly #lanes = new Map<number, LaneState>()
  /** By kind and account: how many jobs run, in all workers as last counted, and since then in this one. */
  readonly #running = new Map<string, number>()
  /** By the same: places that questions on their way may fill. */
  readonly #asked = new Map<string, number>()
  /** By the same: when an account was granted places last. An odd place would always be the first one's otherwise. */
  readonly #granted = new Map<string, number>()
  #grants = 0

  /** What the database says of all lanes that have jobs, and of what runs. */
  refresh(
    lanes: readonly LaneRow[],
    running: readonly { kind: string; account_id: number | null; count: number }[],
  ): void {
    for (const lane of lanes) this.add(lane, lane.position)
    this.#running.clear()
    for (const { kind, account_id: accountId, count } of running) this.#running.set(`${kind} ${accountId}`, count)
  }

  add(row: Omit<LaneRow, 'position'>, position = positionMin): void {
    const lane = this.#lanes.get(row.id) ?? newLane(row)
    this.#lanes.set(row.id, lane)
    lane.limitIds = row.limit_ids
    lane.active = true
    lane.full = false
    lane.from = position
    lane.mark++
  }

  /** Says whether the lane is known; if so, it has jobs from that position on. */
  noteReady(laneId: number, position: number): boolean {
    const lane = this.#lanes.get(laneId)
    if (lane === undefined) return false
    lane.active = true
    lane.mark++
    lane.from = Math.min(lane.from, position)
    return true
  }

  noteSlots(limitId: number): void {
    for (const lane of this.#lanes.values()) if (lane.full && lane.limitIds.includes(limitId)) lane.full = false
  }

  /** Limits have changed: lanes must be looked up again. */
  forget(): void {
    this.#lanes.clear()
  }

  noteBegun(kind: string, accountId: number | null): void {
    count(this.#running, `${kind} ${accountId}`, 1)
  }

  noteEnded(kind: string, accountId: number | null): void {
    count(this.#running, `${kind} ${accountId}`, -1)
  }

  pick(free: readonly FreePlaces[]): Picked {
    const lanes: PickedLane[] = []
    const limited: LimitedLane[] = []
    const places = new Map<string, number>()
    const grants: Grant[] = []
    for (const { kind, places: now, ahead } of free) {
      // A job that waits in a worker must not hold slots that others could use.
      const accounts = this.#share(kind, this.#isLimited(kind) ? now : now + ahead)
      const granted = accounts.reduce((sum, account) => sum + account.places, 0)
      if (granted > 0) places.set(kind, granted)
      accounts.forEach((account, order) => {
        grants.push(account)
        const turn: Turn = { order, places: account.places }
        for (const lane of lanesToAsk(account.lanes)) {
          lanes.push({ lane, count: turn.places, mark: lane.mark })
          const { id: laneId, limitKeys, weights, from: fromPosition, limitIds } = lane
          if (limitIds.length > 0) limited.push({ laneId, limitKeys, weights, fromPosition, count: turn.places, turn })
        }
      })
    }
    for (const { lane } of lanes) lane.asked++
    for (const grant of grants) this.#grant(grant)
    const unlimited = lanes.filter(({ lane }) => lane.limitIds.length === 0)
    const ask = ({ lane, count }: PickedLane): WantedOfLane => ({ laneId: lane.id, fromPosition: lane.from, count })
    return { free: unlimited.map(ask), limited, lanes, places, grants }
  }

  /** What came of a question: how many jobs of each lane, and the position of the last. */
  answered(
    { lanes, grants }: Picked,
    got: ReadonlyMap<number, { readonly count: number; readonly last: number }>,
    verdict: { readonly full: ReadonlySet<number>; readonly empty: ReadonlySet<number> },
  ): void {
    for (const { key, places } of grants) count(this.#asked, key, -places)
    for (const { lane, count, mark } of lanes) {
      lane.asked--
      const answer = got.get(lane.id) ?? { count: 0, last: lane.from }
      lane.deep = answer.count >= count
      lane.full = verdict.full.has(lane.id)
      const isEmpty = lane.limitIds.length === 0 ? answer.count < count : verdict.empty.has(lane.id)
      if (lane.mark !== mark) continue
      if (lane.limitIds.length === 0) lane.from = Math.max(lane.from, answer.last)
      if (isEmpty) lane.active = false
    }
  }

  /** A question that was not answered says nothing. */
  unanswered({ lanes, grants }: Picked): void {
    for (const { key, places } of grants) count(this.#asked, key, -places)
    for (const { lane } of lanes) lane.asked--
  }

  #isLimited(kind: string): boolean {
    for (const lane of this.#lanes.values())
      if (lane.kind === kind && lane.active && lane.limitIds.length > 0) return true
    return false
  }

  /** Shares places among the accounts that have jobs of the kind: those of which least runs come first. */
  #share(kind: string, places: number): Sharing[] {
    if (places <= 0) return []
    const accounts = new Map<string, Sharing>()
    for (const lane of this.#lanes.values()) {
      if (lane.kind !== kind || !lane.active || lane.full || (lane.asked > 0 && !lane.deep)) continue
      const key = `${kind} ${lane.accountId}`
      const account = accounts.get(key)
      if (account === undefined) accounts.set(key, this.#sharing(key, lane))
      else account.lanes.push(lane)
    }
    const sharing = [...accounts.values()].toSorted((a, b) => a.running - b.running || a.granted - b.granted)
    fill(sharing, places)
    for (const { lanes } of sharing) lanes.sort((a, b) => a.from - b.from)
    return sharing.filter((account) => account.places > 0)
  }

  #sharing(key: string, lane: LaneState): Sharing {
    const running = (this.#running.get(key) ?? 0) + (this.#asked.get(key) ?? 0)
    return { key, lanes: [lane], running, granted: this.#granted.get(key) ?? 0, places: 0 }
  }

  #grant({ key, places }: Grant): void {
    count(this.#asked, key, places)
    // The oldest first: who is forgotten was granted nothing for so long that it comes before all others, as it would have.
    this.#granted.delete(key)
    this.#granted.set(key, (this.#grants += 1))
    const [oldest] = this.#granted.keys()
    if (this.#granted.size > grantedMax && oldest !== undefined) this.#granted.delete(oldest)
  }
}

/** An account that has jobs of a kind. */
interface Sharing {
  readonly key: string
  readonly lanes: LaneState[]
  readonly running: number
  readonly granted: number
  places: number
}

function count(counts: Map<string, number>, key: string, change: number): void {
  const total = Math.max(0, (counts.get(key) ?? 0) + change)
  if (total === 0) counts.delete(key)
  else counts.set(key, total)
}

/** Gives the places away one by one, each to one that has least; the argument is in the order of `running`. */
function fill(accounts: readonly { readonly running: number; places: number }[], places: number): void {
  let left = places
  for (let level = accounts[0]?.running ?? 0; left > 0 && accounts.length > 0; level++) {
    for (const account of accounts) {
      if (left === 0 || account.running > level) break
      account.places++
      left--
    }
  }
}

/** The first lane; where limits count it, all of its sort, for limits may keep the first of them waiting. */
function lanesToAsk(lanes: readonly LaneState[]): readonly LaneState[] {
  const [first] = lanes
  if (first === undefined) return []
  return first.limitIds.length === 0 ? [first] : lanes.filter(({ limitIds }) => limitIds.length > 0)
}

function newLane(row: Omit<LaneRow, 'position'>): LaneState {
  return {
    id: row.id,
    kind: row.kind,
    accountId: row.account_id,
    limitKeys: row.limit_keys,
    weights: row.weights,
    limitIds: row.limit_ids,
    active: true,
    full: false,
    deep: false,
    from: positionMin,
    mark: 0,
    asked: 0,
  }
}
