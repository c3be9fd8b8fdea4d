import { AppError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Postgres, Queryable } from '../../base/postgres/postgres.ts'
import { readyItem } from '../channels.ts'
import type { Plan } from './catch-up.ts'
import { planFiring } from './catch-up.ts'
import type { CronCache } from './cron.ts'
import type { DueGroup, FiredRow, Locked, Place } from './firing.sql.ts'
import { advance, insertRuns, lastOf, lockDue, pauseLocked, planByIndex, selectDueGroups } from './firing.sql.ts'

export interface FiringParts {
  readonly postgres: Postgres
  readonly crons: CronCache
  readonly log: Logger
}

/** How many schedules are fired in one transaction: more hardly save any time, and hold their locks for longer. */
export const schedulesMax = 2500

/** How many times of one schedule, and of all, are caught up with in one transaction; each has at least two. */
const timesOfOneMax = 1000
const timesMax = 10_000

export interface Firing {
  /** How many schedules were due; as many as `schedulesMax` ask for another round. */
  readonly due: number
  readonly jobs: number
  /** What workers are to hear. */
  readonly ready: ReadonlySet<string>
}

/** Where firing has got to, for all transactions that share it. They lock one after the other, and do the rest side by side. */
export class FiringPass {
  #after: Place = { seconds: 0, id: 0 }
  #locking: Promise<unknown> = Promise.resolve()

  async lock(tx: Queryable, now: Date): Promise<Locked> {
    const locking = this.#locking.then(async () => {
      const locked = await lockDue(tx, { now, after: this.#after, limit: schedulesMax })
      this.#after = lastOf(locked) ?? this.#after
      return locked
    })
    this.#locking = locking.catch(() => {})
    return await locking
  }
}

/**
 * Fires some of the schedules that are due, in one transaction with where they go on: whoever dies in the middle has done
 * nothing, and whoever comes next does it. Any number of processes may do so at once.
 */
export async function fireDue({ postgres, crons, log }: FiringParts, pass: FiringPass, nowMs: number): Promise<Firing> {
  return await postgres.transaction(async (tx) => {
    const now = new Date(nowMs)
    await planByIndex(tx)
    const locked = await pass.lock(tx, now)
    if (locked.count === 0) return { due: 0, jobs: 0, ready: new Set<string>() }
    const { plans, broken } = planAll(await selectDueGroups(tx, locked), { crons, log }, nowMs)
    for (const { schedules } of broken) await pauseLocked(tx, schedules, now)
    const runs = plans.flatMap(({ schedules, timesMs }) =>
      timesMs.map((timeMs) => ({ schedules, timeSeconds: timeMs / 1000 })),
    )
    const fired = await insertRuns(tx, runs, { cause: 'schedule', now })
    const steps = plans.map(({ schedules, nextMs }) => ({
      schedules,
      nextSeconds: nextMs === null ? null : nextMs / 1000,
    }))
    await advance(tx, steps)
    return { due: locked.count, jobs: fired.reduce((sum, { count }) => sum + count, 0), ready: readyItems(fired) }
  })
}

/** What each group fires. Those that cannot be read any more are set aside, so that they do not hold up the others. */
function planAll(
  groups: readonly DueGroup[],
  parts: Omit<FiringParts, 'postgres'>,
  nowMs: number,
): { plans: (Plan & Pick<DueGroup, 'schedules'>)[]; broken: DueGroup[] } {
  const plans: (Plan & Pick<DueGroup, 'schedules'>)[] = []
  const broken: DueGroup[] = []
  let timesLeft = timesMax
  for (const group of groups) {
    const allowed = Math.min(timesOfOneMax, Math.floor(timesLeft / group.count))
    // The rest stays due.
    if (allowed === 0) break
    const plan = planOne(group, parts, { dueMs: group.due_seconds * 1000, nowMs, timesMax: allowed })
    if (plan === undefined) {
      broken.push(group)
      continue
    }
    plans.push({ ...plan, schedules: group.schedules })
    timesLeft -= plan.timesMs.length * group.count
  }
  return { plans, broken }
}

function planOne(
  { schedules, cron, timezone, catch_up: catchUp }: DueGroup,
  { crons, log }: Omit<FiringParts, 'postgres'>,
  moment: { dueMs: number; nowMs: number; timesMax: number },
): Plan | undefined {
  try {
    return planFiring(crons.get(cron, timezone), { catchUp, ...moment })
  } catch (error) {
    // It was read when it was made: only rules of time zones that changed since can bring this about.
    if (!(error instanceof AppError)) throw error
    log.error({ err: error, schedules, cron, timezone }, 'schedules cannot be read any more, and are paused')
    return undefined
  }
}

export function readyItems(fired: readonly FiredRow[]): Set<string> {
  return new Set(
    fired.map((row) => (row.state === 'queued' ? readyItem.lane(row.lane_id) : readyItem.due(row.due_at.getTime()))),
  )
}
