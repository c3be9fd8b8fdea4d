import type { CatchUp } from '../schedules.ts'
import { skippedAfterSeconds } from '../schedules.ts'
import type { CronTimes } from './cron.ts'

export interface Plan {
  /** The times to fire now, in order. */
  readonly timesMs: readonly number[]
  /** Where the schedule goes on; null where there is no time any more. Not after now where `timesMax` was reached. */
  readonly nextMs: number | null
}

/** What a schedule fires that is due since `dueMs`, and where it goes on. */
export function planFiring(
  cron: CronTimes,
  { catchUp, dueMs, nowMs, timesMax }: { catchUp: CatchUp; dueMs: number; nowMs: number; timesMax: number },
): Plan {
  const timesMs: number[] = []
  let nextMs: number | null = beginning(cron, catchUp, dueMs, nowMs)
  while (nextMs !== null && nextMs <= nowMs && timesMs.length < timesMax) {
    timesMs.push(nextMs)
    nextMs = cron.next(nextMs)
  }
  return { timesMs, nextMs }
}

/** The first time that is not passed over. */
function beginning(cron: CronTimes, catchUp: CatchUp, dueMs: number, nowMs: number): number | null {
  if (catchUp === 'last') return lastUntil(cron, dueMs, nowMs)
  const skippedBeforeMs = nowMs - skippedAfterSeconds * 1000
  if (catchUp === 'skip' && dueMs < skippedBeforeMs) return cron.next(Math.ceil(skippedBeforeMs / 1000) * 1000 - 1000)
  return dueMs
}

/**
 * The last time that is not after `nowMs`, where `knownMs` is one. Found by halving: a cron of each second that slept for
 * a year would otherwise be asked for thirty million times.
 */
function lastUntil(cron: CronTimes, knownMs: number, nowMs: number): number {
  let lastMs = knownMs
  let noneAfterMs = nowMs
  while (lastMs < noneAfterMs) {
    const middleMs = lastMs + Math.floor((noneAfterMs - lastMs) / 2)
    const nextMs = cron.next(middleMs)
    if (nextMs !== null && nextMs <= nowMs) lastMs = nextMs
    else noneAfterMs = middleMs
  }
  return lastMs
}
