import type { Clock } from '../../base/clock.ts'
import { AppError } from '../../base/errors.ts'
import { backfillTimesMax } from '../schedules.ts'
import type { CronTimes } from './cron.ts'
import { requireScheduledTime } from './scheduled-time.ts'
import { timesAfter } from './times-after.ts'

export interface TimeRange {
  readonly from: Date
  /** Not in the range. */
  readonly to: Date
}

/** The scheduled times of the range; fails with `invalid_request` where there are more than `backfillTimesMax`. */
export async function timesOf(clock: Clock, cron: CronTimes, { from, to }: TimeRange): Promise<Date[]> {
  const fromMs = requireScheduledTime('from which to fill', from)
  const toMs = requireScheduledTime('until which to fill', to)
  if (fromMs >= toMs) throw emptyRange()
  const times: Date[] = []
  // A time at the very beginning counts.
  for await (const time of timesAfter(clock, cron, Math.ceil(fromMs / 1000) * 1000 - 1000)) {
    if (time.getTime() >= toMs) break
    if (times.length === backfillTimesMax) throw tooLong()
    times.push(time)
  }
  return times
}

function emptyRange(): AppError {
  return new AppError('invalid_request', 'The range of the backfill is empty.', {
    hint: 'Give a time from which and a later one until which, such as 2026-01-01T00:00:00Z.',
  })
}

function tooLong(): AppError {
  return new AppError('invalid_request', `The range has more than ${backfillTimesMax} scheduled times.`, {
    hint: 'Backfill it in shorter ranges, one after the other.',
  })
}
