import { AppError } from '../../base/errors.ts'
import { requireMoment } from './moments.ts'
import type { Zone } from './zones.ts'
import { offsetAt, offsetText, unixOf, zoneOf } from './zones.ts'

/** The units of TD_INTERVAL and TD_TIME_STRING by their letters. Upper and lower case are not the same: M is the month. */
const units = {
  s: 'second',
  m: 'minute',
  h: 'hour',
  d: 'day',
  w: 'week',
  M: 'month',
  q: 'quarter',
  y: 'year',
} as const

type Letter = keyof typeof units

const fixedSeconds: Readonly<Partial<Record<Letter, number>>> = { s: 1, m: 60, h: 3600 }

/** A whole number of units: -7d. */
interface Step {
  readonly count: number
  readonly letter: Letter
}

const stepPattern = /^([+-]?\d{1,6})([smhdwMqy])$/

function stepOf(text: string): Step | undefined {
  const [found, count, letter] = stepPattern.exec(text) ?? []
  return found === undefined ? undefined : { count: Number(count), letter: letter as Letter }
}

/** [start, end) of an interval such as -7d, 1M, -1h/-1d, -1d/2026-01-31 or -1h/now, counted from `now`. */
export function intervalOf(spec: string, zoneName: string, now: number): readonly [start: number, end: number] {
  const [length = '', ...rest] = spec.trim().split('/')
  const origin = rest.join('/').trim()
  const step = stepOf(length.trim())
  if (step === undefined || (rest.length > 0 && origin === '')) throw noInterval(spec)
  const zone = zoneOf(zoneName)
  const base = origin === 'now' ? now : cut(originOf(origin, zoneName, now), step.letter, zone)
  const other = plus(base, step, zone)
  // No calendar goes so far.
  if (!Number.isSafeInteger(other)) throw noInterval(spec)
  return [Math.min(base, other), Math.max(base, other)]
}

function originOf(origin: string, zoneName: string, now: number): number {
  if (origin === '') return now
  const step = stepOf(origin)
  if (step === undefined) return requireMoment(origin, zoneName)
  const zone = zoneOf(zoneName)
  return plus(cut(now, step.letter, zone), step, zone)
}

/** The beginning of the unit that the moment is in. Hours are cut from the instant: a clock that is set back shows them twice. */
function cut(unix: number, letter: Letter, zone: Zone): number {
  const clock = unix + offsetAt(zone, unix)
  const size = fixedSeconds[letter]
  if (size !== undefined) return unix - (((clock % size) + size) % size)
  const date = new Date(clock * 1000)
  date.setUTCHours(0, 0, 0, 0)
  if (letter === 'w') date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7))
  if (letter === 'M' || letter === 'q' || letter === 'y') date.setUTCDate(1)
  if (letter === 'q') date.setUTCMonth(date.getUTCMonth() - (date.getUTCMonth() % 3))
  if (letter === 'y') date.setUTCMonth(0)
  return unixOf(date.getTime() / 1000, zone)
}

/** Calendar units go by the clock, the others by seconds. The 31st of a shorter month is its last day. */
function plus(unix: number, { count, letter }: Step, zone: Zone): number {
  const size = fixedSeconds[letter]
  if (size !== undefined) return unix + count * size
  const date = new Date((unix + offsetAt(zone, unix)) * 1000)
  if (letter === 'd' || letter === 'w') date.setUTCDate(date.getUTCDate() + count * (letter === 'w' ? 7 : 1))
  else addMonths(date, count * (letter === 'M' ? 1 : letter === 'q' ? 3 : 12))
  return unixOf(date.getTime() / 1000, zone)
}

function addMonths(date: Date, months: number): void {
  const day = date.getUTCDate()
  date.setUTCDate(1)
  date.setUTCMonth(date.getUTCMonth() + months)
  const last = new Date(date)
  last.setUTCMonth(last.getUTCMonth() + 1, 0)
  date.setUTCDate(Math.min(day, last.getUTCDate()))
}

function noInterval(spec: string): AppError {
  return new AppError('query_data', `${JSON.stringify(spec.slice(0, 60))} is not an interval of TD_INTERVAL.`, {
    hint: 'Intervals are -7d, 1M, -1h/-1d, -1d/2026-01-31, -1h/now; the units are s m h d w M q y.',
  })
}

const durationSeconds: Readonly<Record<string, number>> = { w: 604_800, d: 86_400, h: 3600, m: 60, s: 1 }

/** Seconds of a duration such as 1w -2d 1h30m, of which each part has a sign of its own. */
export function durationOf(text: string): number {
  if (!/^\s*(?:[+-]?\d{1,10}[wdhms]\s*){1,100}$/.test(text)) {
    throw new AppError('query_data', `${JSON.stringify(text.slice(0, 60))} is not a duration of TD_TIME_ADD.`, {
      hint: 'Durations are 1d, -2h, 1w -2d 1h30m; the units are w d h m s.',
    })
  }
  const parts = [...text.matchAll(/([+-]?\d+)([wdhms])/g)]
  return parts.reduce((sum, [, count, letter = 's']) => sum + Number(count) * (durationSeconds[letter] ?? 0), 0)
}

/** What TD_TIME_STRING shows for a code without !: the beginning of the unit, with seconds and the offset of the zone. */
export function timeText(unix: number, code: string, zoneName: string): string | null {
  const { letter } = timeCode(code)
  const zone = zoneOf(zoneName)
  const start = cut(unix, letter, zone)
  const offset = offsetAt(zone, start)
  const clock = new Date((start + offset) * 1000)
  if (Number.isNaN(clock.getTime())) return null
  return `${clock.toISOString().replace('T', ' ').slice(0, -5)}${offsetText(offset, '')}`
}

const cutFormats: Readonly<Record<string, string>> = {
  y: '%Y',
  q: '%Y-%m',
  M: '%Y-%m',
  w: '%Y-%m-%d',
  d: '%Y-%m-%d',
  h: '%Y-%m-%d %H',
  m: '%Y-%m-%d %H:%M',
  s: '%Y-%m-%d %H:%M:%S',
}

/** What TD_TIME_STRING shows for a code such as d or d!: the unit it cuts to, strftime's format, and whether the zone follows. */
export function timeCode(code: string): { letter: Letter; unit: string; format: string; withZone: boolean } {
  const [found, letter = '', mark] = /^([smhdwMqy])(!?)$/.exec(code) ?? []
  if (found === undefined) {
    throw new AppError('query_data', `${JSON.stringify(code.slice(0, 60))} is not a code of TD_TIME_STRING.`, {
      hint: 'Codes are y q M w d h m s, with ! behind to leave out what is smaller: d!.',
    })
  }
  const withZone = mark === ''
  const format = withZone ? '%Y-%m-%d %H:%M:%S' : (cutFormats[letter] ?? '')
  return { letter: letter as Letter, unit: units[letter as Letter], format, withZone }
}
