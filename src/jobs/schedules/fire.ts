import { AppError, must } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Postgres, Queryable } from '../../base/postgres/postgres.ts'
import { readyItem } from '../channels.ts'
import type { Plan } from './catch-up.ts'
import { planFiring } from './catch-up.ts'
import type { CronCache } from './cron.ts'
import type { CronRow, DueRow, FiredRow, RunValues } from './firing.sql.ts'
import { advance, insertRuns, lockDue, pauseLocked, planByIndex, selectCrons } from './firing.sql.ts'

export interface FiringParts {
  readonly postgres: Postgres
  readonly crons: CronCache
  readonly log: Logger
}

/** How many schedules are fired in one transaction: more hardly save any time, and hold their locks for longer. */
export const schedulesMax = 5000

/** How many times of one schedule, and of all, are caught up with in one transaction. */
const timesOfOneMax = 1000
const timesMax = 10_000

export interface Firing {
  /** How many schedules were due; as many as `schedulesMax` ask for another round. */
  readonly due: number
  readonly jobs: number
  /** What workers are to hear. */
  readonly ready: ReadonlySet<string>
}

/**
 * Fires some of the schedules that are due, in one transaction with where they go on: whoever dies in the middle has done
 * nothing, and whoever comes next does it. Any number of processes may do so at once.
 */
export async function fireDue({ postgres, crons, log }: FiringParts, nowMs: number): Promise<Firing> {
  return await postgres.transaction(async (tx) => {
    const now = new Date(nowMs)
    await planByIndex(tx)
    const due = await lockDue(tx, now, schedulesMax)
    if (due.length === 0) return { due: 0, jobs: 0, ready: new Set<string>() }
    const plans = await planAll({ tx, crons, log }, due, nowMs)
    const runs: RunValues[] = []
    const steps: { id: number; nextSeconds: number | null }[] = []
    for (const [id, { timesMs, nextMs }] of plans) {
      for (const timeMs of timesMs) runs.push({ scheduleId: id, timeSeconds: timeMs / 1000 })
      steps.push({ id, nextSeconds: nextMs === null ? null : nextMs / 1000 })
    }
    const fired = await insertRuns(tx, runs, { cause: 'schedule', now })
    await advance(tx, steps)
    return { due: due.length, jobs: fired.reduce((sum, { count }) => sum + count, 0), ready: readyItems(fired) }
  })
}

/** What each schedule fires. Those that cannot be read any more are set aside, so that they do not hold up the others. */
async function planAll(
  { tx, crons, log }: { tx: Queryable; crons: CronCache; log: Logger },
  due: readonly DueRow[],
  nowMs: number,
): Promise<Map<number, Plan>> {
  const rows = new Map(
    (
      await selectCrons(
        tx,
        due.map(({ id }) => id),
      )
    ).map((row) => [row.id, row]),
  )
  const plans = new Map<number, Plan>()
  const broken: number[] = []
  let timesLeft = timesMax
  for (const { id, next_seconds: dueSeconds } of due) {
    const row = must(rows.get(id), 'a schedule that has times is there')
    const allowed = Math.min(timesOfOneMax, timesLeft)
    if (allowed === 0) break
    const plan = planOne(row, { crons, log }, { dueMs: dueSeconds * 1000, nowMs, timesMax: allowed })
    if (plan === undefined) {
      broken.push(id)
      continue
    }
    plans.set(id, plan)
    timesLeft -= plan.timesMs.length
  }
  if (broken.length > 0) await pauseLocked(tx, broken, new Date(nowMs))
  return plans
}

function planOne(
  { id, name, cron, timezone, catch_up: catchUp }: CronRow,
  { crons, log }: { crons: CronCache; log: Logger },
  moment: { dueMs: number; nowMs: number; timesMax: number },
): Plan | undefined {
  try {
    return planFiring(crons.get(cron, timezone), { catchUp, ...moment })
  } catch (error) {
    // It was read when it was made: only rules of time zones that changed since can bring this about.
    if (!(error instanceof AppError)) throw error
    log.error({ err: error, schedule: id, name }, 'a schedule cannot be read any more, and is paused')
    return undefined
  }
}

export function readyItems(fired: readonly FiredRow[]): Set<string> {
  return new Set(
    fired.map((row) => (row.state === 'queued' ? readyItem.lane(row.lane_id) : readyItem.due(row.due_at.getTime()))),
  )
}
