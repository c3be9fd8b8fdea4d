import type { Postgres } from '../base/postgres/postgres.ts'
import type { AcquiredRow, Admitted, Candidate, LeaseTerms, WantedOfLane } from './acquire.sql.ts'
import { acquireAdmitted, lockCandidates } from './acquire.sql.ts'
import type { LimitRow } from './slots.sql.ts'
import { addUsedSlots, lockLimits, readLimits } from './slots.sql.ts'

/** A lane as admission sees it. `count` candidates are looked at. */
export interface LimitedLane extends WantedOfLane {
  readonly limitKeys: readonly string[]
  readonly weights: readonly number[]
  readonly turn: Turn
}

/** What an account may have of a worker's free places for a kind; its lanes share it. */
export interface Turn {
  readonly order: number
  readonly places: number
}

type LimitedRow = AcquiredRow & { readonly limitIds: readonly number[]; readonly weights: readonly number[] }

export interface Admission {
  readonly rows: readonly LimitedRow[]
  /** Lanes for which there is no room now: whoever frees slots says so. */
  readonly full: ReadonlySet<number>
  /** Lanes that have no jobs but those that were acquired. */
  readonly empty: ReadonlySet<number>
}

/**
 * Acquires jobs of lanes that limits count, never beyond a limit: the limits are locked first, and the lock ends with the
 * commit of what was counted. Accounts come in the order of their turns; within an account, the order is that of
 * positions over all of its lanes. A job that does not fit keeps the later ones of its lane from passing it.
 */
export async function acquireLimited(
  postgres: Postgres,
  lanes: readonly LimitedLane[],
  lease: LeaseTerms,
): Promise<Admission> {
  const keys = [...new Set(lanes.flatMap(({ limitKeys }) => limitKeys))]
  // Without the lock first: when a slot comes back, all workers look, and few of them need to queue for it.
  const glance = new Gate(await readLimits(postgres, keys), lanes)
  if (!lanes.some(({ laneId }) => glance.fits(laneId))) return { rows: [], full: glance.full, empty: new Set() }
  return await postgres.transaction(async (tx) => {
    const limits = await lockLimits(tx, keys)
    const gate = new Gate(limits, lanes)
    const open = lanes.filter(({ laneId }) => gate.fits(laneId))
    if (open.length === 0) return { rows: [], full: gate.full, empty: new Set() }
    const candidates = await lockCandidates(tx, open)
    candidates.sort((a, b) => gate.turnOf(a) - gate.turnOf(b) || a.position - b.position || a.job_id - b.job_id)
    const admitted = candidates.map((candidate) => gate.admit(candidate)).filter((one) => one !== undefined)
    const empty = emptied(open, candidates, new Set(admitted.map(({ jobId }) => jobId)))
    if (admitted.length === 0) return { rows: [], full: gate.full, empty }
    const rows = await acquireAdmitted(tx, admitted, lease)
    await addUsedSlots(tx, gate.taken)
    const slots = new Map(admitted.map((one) => [one.jobId, one]))
    return {
      rows: rows.map((row) => ({ limitIds: [], weights: [], ...slots.get(row.id), ...row })),
      full: gate.full,
      empty,
    }
  })
}

/** The lanes whose candidates were all there were, and were all admitted. */
function emptied(
  lanes: readonly LimitedLane[],
  candidates: readonly Candidate[],
  admitted: ReadonlySet<number>,
): ReadonlySet<number> {
  const found = new Map<number, number>()
  const left = new Set<number>()
  for (const { job_id: jobId, lane_id: laneId } of candidates) {
    found.set(laneId, (found.get(laneId) ?? 0) + 1)
    if (!admitted.has(jobId)) left.add(laneId)
  }
  const ids = lanes.filter(({ laneId, count }) => (found.get(laneId) ?? 0) < count && !left.has(laneId))
  return new Set(ids.map(({ laneId }) => laneId))
}

/** Counts the slots of locked limits while candidates pass, one after the other. */
class Gate {
  readonly full = new Set<number>()
  /** By limit id. */
  readonly taken = new Map<number, number>()
  readonly #limits: ReadonlyMap<string, LimitRow>
  readonly #lanes: ReadonlyMap<number, LimitedLane>

  readonly #places = new Map<Turn, number>()

  constructor(limits: readonly LimitRow[], lanes: readonly LimitedLane[]) {
    this.#limits = new Map(limits.map((limit) => [limit.key, limit]))
    this.#lanes = new Map(lanes.map((lane) => [lane.laneId, lane]))
  }

  turnOf({ lane_id: laneId }: Candidate): number {
    return this.#lanes.get(laneId)?.turn.order ?? 0
  }

  /** Says whether another job of the lane fits, and remembers those that are full. */
  fits(laneId: number): boolean {
    const fits = this.#slotsOf(laneId).every(
      ({ limit, weight }) => !limit.paused && limit.used + (this.taken.get(limit.id) ?? 0) + weight <= limit.slots,
    )
    if (!fits) this.full.add(laneId)
    return fits
  }

  admit({ job_id: jobId, lane_id: laneId }: Candidate): Admitted | undefined {
    const turn = this.#lanes.get(laneId)?.turn
    const places = turn === undefined ? 0 : (this.#places.get(turn) ?? turn.places)
    if (turn === undefined || places === 0 || this.full.has(laneId) || !this.fits(laneId)) return undefined
    this.#places.set(turn, places - 1)
    const slots = this.#slotsOf(laneId)
    for (const { limit, weight } of slots) this.taken.set(limit.id, (this.taken.get(limit.id) ?? 0) + weight)
    return { jobId, limitIds: slots.map(({ limit }) => limit.id), weights: slots.map(({ weight }) => weight) }
  }

  #slotsOf(laneId: number): { limit: LimitRow; weight: number }[] {
    const { limitKeys = [], weights = [] } = this.#lanes.get(laneId) ?? {}
    return limitKeys.flatMap((key, index) => {
      const limit = this.#limits.get(key)
      return limit === undefined ? [] : [{ limit, weight: weights[index] ?? 1 }]
    })
  }
}
