import { usage } from './failure.ts'

const pattern = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?( ?Z| ?[+-]\d\d:\d\d)?)?$/

/** A time in an option or argument, as the API takes it. Without an offset it is UTC, and a day alone is its midnight. */
export function readMoment(name: string, text: string): string {
  const match = pattern.exec(text)
  const hasOffset = match?.[1] !== undefined
  const spelled = text.replace(' ', 'T').replace(' ', '')
  const time = new Date(text.length > 10 && !hasOffset ? `${spelled}Z` : spelled)
  if (match !== null && !Number.isNaN(time.getTime()) && isDay(text.slice(0, 10))) return time.toISOString()
  throw usage(
    `${name} is “${text}”, and not a time.`,
    'Write 2026-01-31, "2026-01-31 12:00:00" (both UTC), or 2026-01-31T12:00:00+09:00.',
  )
}

/** The 30th of February would be read as the 2nd of March. */
function isDay(text: string): boolean {
  return new Date(text).toISOString().startsWith(text)
}

/** A time as clocks in the zone show it, with their offset: `2026-03-29 03:00:00 GMT+2`. */
export function localTime(moment: string, timezone: string): string {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: timezone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'shortOffset',
  })
  return format.format(new Date(moment))
}
