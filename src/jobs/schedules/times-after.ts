import type { Clock } from '../../base/clock.ts'
import type { CronTimes } from './cron.ts'

/** A time takes a tenth of a millisecond to find; so many may keep others waiting. */
const timesBetweenPauses = 100

/** The times of a cron after `afterMs`, in order; lets others have their turn while there are many. */
export async function* timesAfter(clock: Clock, cron: CronTimes, afterMs: number): AsyncGenerator<Date> {
  let nextMs = cron.next(afterMs)
  for (let count = 1; nextMs !== null; count++) {
    yield new Date(nextMs)
    if (count % timesBetweenPauses === 0) await clock.sleep(0)
    nextMs = cron.next(nextMs)
  }
}
