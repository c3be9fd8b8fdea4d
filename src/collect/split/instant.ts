/** A moment: whole seconds since the epoch, rounded down, and the nanoseconds behind them. */
export interface Instant {
  readonly seconds: number
  readonly nanoseconds: number
  /** Whether the source said more digits than nanoseconds have. */
  readonly hasMore: boolean
}

export function instantOfMicros(micros: number): Instant {
  const seconds = Math.floor(micros / 1e6)
  return { seconds, nanoseconds: (micros - seconds * 1e6) * 1000, hasMore: false }
}

/** Whether microseconds say all that the source said. */
export function isWholeInMicros(instant: Instant): boolean {
  return instant.nanoseconds % 1000 === 0 && !instant.hasMore
}

const secondsPerDay = 86_400

/** Days since the epoch of a date of the proleptic Gregorian calendar; undefined where there is no such date. */
export function daysOfDate(year: number, month: number, day: number): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined
  // Years that begin in March have their leap day last, so that the days before a month follow one formula.
  const shiftedYear = month > 2 ? year : year - 1
  const shiftedMonth = month > 2 ? month - 3 : month + 9
  const leapDays = Math.floor(shiftedYear / 4) - Math.floor(shiftedYear / 100) + Math.floor(shiftedYear / 400)
  const daysBeforeMonth = Math.floor((153 * shiftedMonth + 2) / 5)
  return shiftedYear * 365 + leapDays + daysBeforeMonth + day - 1 - 719_468
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

const mark = { dash: 0x2d, slash: 0x2f, colon: 0x3a, space: 0x20, dot: 0x2e, comma: 0x2c, plus: 0x2b } as const
const letter = { t: 0x74, z: 0x7a } as const
const lower = 0x20

/** Days since the epoch of `YYYY-MM-DD`. */
export function parseDate(bytes: Uint8Array, start: number, end: number): number | undefined {
  return end - start === 10 && bytes[start + 4] === mark.dash ? dateAt(bytes, start, end) : undefined
}

function dateAt(bytes: Uint8Array, start: number, end: number): number | undefined {
  const separator = bytes[start + 4]
  if (separator !== bytes[start + 7] || (separator !== mark.dash && separator !== mark.slash)) return undefined
  const year = digitsAt(bytes, start, 4, end)
  const month = digitsAt(bytes, start + 5, 2, end)
  const day = digitsAt(bytes, start + 8, 2, end)
  return year < 0 || month < 0 || day < 0 ? undefined : daysOfDate(year, month, day)
}

/**
 * Reads a moment as people and programs write it, after ISO 8601: a date with dashes or slashes, then after `T` or a space
 * hours and minutes, seconds, a fraction, and a zone as `Z`, `UTC` or `±hh`, `±hhmm`, `±hh:mm`. Without a zone it is UTC.
 */
export function parseInstant(bytes: Uint8Array, start: number, end: number): Instant | undefined {
  if (end - start < 10) return undefined
  const days = dateAt(bytes, start, end)
  if (days === undefined) return undefined
  if (end - start === 10) return { seconds: days * secondsPerDay, nanoseconds: 0, hasMore: false }
  const clock = start + 11
  const hour = digitsAt(bytes, clock, 2, end)
  const minute = digitsAt(bytes, clock + 3, 2, end)
  if (!isDateEnd(bytes[start + 10]) || bytes[clock + 2] !== mark.colon || !isBelow(hour, 24) || !isBelow(minute, 60)) {
    return undefined
  }
  let at = clock + 5
  let second = 0
  let fraction = noFraction
  if (at < end && bytes[at] === mark.colon) {
    second = digitsAt(bytes, at + 1, 2, end)
    if (!isBelow(second, 60)) return undefined
    at += 3
    if (at < end && (bytes[at] === mark.dot || bytes[at] === mark.comma)) {
      fraction = fractionAt(bytes, at + 1, end)
      if (fraction.end === at + 1) return undefined
      at = fraction.end
    }
  }
  const offset = zoneOffset(bytes, at, end)
  if (offset === undefined) return undefined
  const seconds = days * secondsPerDay + hour * 3600 + minute * 60 + second - offset
  return { seconds, nanoseconds: fraction.nanoseconds, hasMore: fraction.hasMore }
}

const isBelow = (value: number, limit: number): boolean => value >= 0 && value < limit
const isDateEnd = (byte: number | undefined): boolean =>
  byte === mark.space || (byte !== undefined && (byte | lower) === letter.t)

/** -1 where there are not so many digits. */
function digitsAt(bytes: Uint8Array, start: number, count: number, end: number): number {
  if (start + count > end) return -1
  let value = 0
  for (let at = start; at < start + count; at += 1) {
    const digit = (bytes[at] as number) - 0x30
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

interface Fraction {
  readonly nanoseconds: number
  readonly hasMore: boolean
  readonly end: number
}

const noFraction: Fraction = { nanoseconds: 0, hasMore: false, end: 0 }

function fractionAt(bytes: Uint8Array, start: number, end: number): Fraction {
  let nanoseconds = 0
  let unit = 100_000_000
  let hasMore = false
  let at = start
  for (; at < end; at += 1) {
    const digit = (bytes[at] as number) - 0x30
    if (digit < 0 || digit > 9) break
    if (unit >= 1) nanoseconds += digit * unit
    else if (digit > 0) hasMore = true
    unit = unit >= 10 ? unit / 10 : 0
  }
  return { nanoseconds, hasMore, end: at }
}

/** Seconds east of UTC; undefined where the rest of the text is no zone. */
function zoneOffset(bytes: Uint8Array, start: number, end: number): number | undefined {
  let at = start
  while (at < end && bytes[at] === mark.space) at += 1
  const first = bytes[at]
  if (at === end) return at === start ? 0 : undefined
  if (end - at === 1) return ((first as number) | lower) === letter.z ? 0 : undefined
  if (end - at === 3 && first === 0x55) return bytes[at + 1] === 0x54 && bytes[at + 2] === 0x43 ? 0 : undefined
  if (first !== mark.plus && first !== mark.dash) return undefined
  const minutesAt = bytes[at + 3] === mark.colon ? at + 4 : at + 3
  const hours = digitsAt(bytes, at + 1, 2, end)
  const minutes = end - at === 3 ? 0 : digitsAt(bytes, minutesAt, 2, end)
  if (!isBelow(hours, 24) || !isBelow(minutes, 60) || (end - at !== 3 && end !== minutesAt + 2)) return undefined
  return (first === mark.dash ? -1 : 1) * (hours * 3600 + minutes * 60)
}

/** `2023-11-14T22:13:20.25Z`. */
export function instantText({ seconds, nanoseconds }: Instant): string {
  const whole = new Date(seconds * 1000).toISOString().slice(0, -5)
  const digits = String(nanoseconds).padStart(9, '0').replace(/0+$/, '')
  return `${whole}${digits === '' ? '' : `.${digits}`}Z`
}
