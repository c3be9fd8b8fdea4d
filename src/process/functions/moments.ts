import { AppError } from '../../base/errors.ts'
import { knownZone, unixOf, zoneOf } from './zones.ts'

const clockPattern =
  /^\s*(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2})(?::(\d{2})(?::(\d{2})(?:[.,]\d+)?)?)?)?(?:\s*([A-Za-z][\w/+:-]*|[+-]\d{1,2}(?::?\d{2})?))?\s*$/

/**
 * Unix seconds of a text: a number of them, or a date with or without a time, on the clock of `zone` unless the text names
 * another one behind it. Undefined where it is neither.
 */
export function momentOf(text: string, zone: string): number | undefined {
  if (/^\s*[+-]?\d+(?:\.\d+)?\s*$/.test(text)) return wholeSeconds(Number(text))
  const [found, year, month, day, hour = '0', minute = '0', second = '0', own] = clockPattern.exec(text) ?? []
  if (found === undefined) return undefined
  const fields = [year, month, day, hour, minute, second].map(Number)
  const clock = clockSeconds(fields)
  const clockZone = own === undefined ? zoneOf(zone) : knownZone(own)
  return clock === undefined || clockZone === undefined ? undefined : unixOf(clock, clockZone)
}

/** As above; fails with `query_data` where the text is no moment. */
export function requireMoment(text: string, zone: string): number {
  const moment = momentOf(text, zone)
  if (moment !== undefined) return moment
  throw new AppError('query_data', `${JSON.stringify(text.slice(0, 60))} is not a time.`, {
    hint: "Times are unix seconds, or texts such as '2026-01-31', '2026-01-31 09:00:00' and '2026-01-31 09:00:00 JST'.",
  })
}

function wholeSeconds(value: number): number | undefined {
  const seconds = Math.floor(value)
  return Number.isSafeInteger(seconds) ? seconds : undefined
}

function clockSeconds([year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0]: readonly number[]):
  | number
  | undefined {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  const isDay = date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  if (!isDay || hour > 23 || minute > 59 || second > 59) return undefined
  return date.getTime() / 1000 + hour * 3600 + minute * 60 + second
}
