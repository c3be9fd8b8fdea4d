import { AppError } from '../../base/errors.ts'

/** Crons end there, and a delay of years after it can still be written as a date of four digits. */
const earliestMs = 0
const latestMs = Date.UTC(3000)

/** Fails with `invalid_request` unless `time` can be read and lies between 1970 and 3000. Returns its milliseconds. */
export function requireScheduledTime(what: string, time: Date): number {
  const ms = time.getTime()
  if (ms >= earliestMs && ms <= latestMs) return ms
  const shown = Number.isNaN(ms) ? 'cannot be read' : 'is not between 1970 and 3000'
  throw new AppError('invalid_request', `The time ${what} ${shown}.`, {
    hint: 'Give a time such as 2026-01-31T12:00:00Z.',
  })
}
