import { AppError } from '../../base/errors.ts'
import { clockName, offsetText } from './zones.ts'

/**
 * Patterns of dates as Java, Joda and MySQL write them, made into formats of DuckDB's strftime and strptime. What strftime has no
 * letter for becomes a mark, a character that nobody writes; `withoutMarks` puts what is meant in its place.
 */
const marks = {
  hourFrom1: '\uE001',
  hourFrom0: '\uE002',
  weekOfYear: '\uE003',
  twoDigitWeekOfYear: '\uE004',
  weekOfMonth: '\uE005',
  weekYear: '\uE006',
  dayOfWeekInMonth: '\uE007',
  clockName: '\uE008',
  offset: '\uE009',
  offsetHours: '\uE00A',
  offsetWithColon: '\uE00B',
  colonOffset: '\uE011',
  isoOffset: '\uE00C',
  tenth: '\uE00D',
  hundredth: '\uE00E',
  twoDigitHourFrom1: '\uE00F',
  twoDigitHourFrom0: '\uE010',
} as const

/** What a run of a letter stands for, by its length; the last one is for all longer runs. */
type Letters = Readonly<Record<string, readonly string[]>>

const sharedLetters: Letters = {
  G: ['AD'],
  y: ['%Y', '%y', '%Y'],
  M: ['%-m', '%m', '%b', '%B'],
  d: ['%-d', '%d'],
  D: ['%-j', '%-j', '%j'],
  E: ['%a', '%a', '%a', '%A'],
  a: ['%p'],
  H: ['%-H', '%H'],
  h: ['%-I', '%I'],
  k: [marks.hourFrom1, marks.twoDigitHourFrom1],
  K: [marks.hourFrom0, marks.twoDigitHourFrom0],
  m: ['%-M', '%M'],
  s: ['%-S', '%S'],
  S: [marks.tenth, marks.hundredth, '%g', '%g0', '%g00', '%f'],
  z: [marks.clockName],
}

const javaLetters: Letters = {
  ...sharedLetters,
  L: ['%-m', '%m', '%b', '%B'],
  S: ['%-g', '%-g', '%g'],
  Y: [marks.weekYear],
  w: [marks.weekOfYear, marks.twoDigitWeekOfYear],
  W: [marks.weekOfMonth],
  F: [marks.dayOfWeekInMonth],
  u: ['%u'],
  Z: [marks.offset],
  X: [marks.offsetHours, marks.isoOffset, marks.offsetWithColon],
}

const jodaLetters: Letters = {
  ...sharedLetters,
  Y: ['%Y', '%y', '%Y'],
  x: ['%G'],
  w: ['%V'],
  e: ['%u'],
  Z: [marks.offset, marks.colonOffset, marks.clockName],
}

/** The format of strftime for a pattern of SimpleDateFormat. */
export function javaFormat(pattern: string): string {
  return letterFormat(pattern, javaLetters)
}

/** The format of strftime for a pattern of Joda's DateTimeFormat. */
export function jodaFormat(pattern: string): string {
  return letterFormat(pattern, jodaLetters)
}

/** The format of strptime for a pattern of Joda's: it reads offsets with and without a colon. */
export function jodaParseFormat(pattern: string): string {
  return jodaFormat(pattern).replaceAll(new RegExp(`[${marks.offset}${marks.colonOffset}]`, 'g'), '%z')
}

const patternCharactersMax = 1000

function letterFormat(pattern: string, letters: Letters): string {
  requireShort(pattern)
  const pieces = pattern.match(/''|'(?:[^']|'')*'?|([A-Za-z])\1*|[^A-Za-z']+/g) ?? []
  return pieces.map((piece) => pieceFormat(piece, letters)).join('')
}

function pieceFormat(piece: string, letters: Letters): string {
  if (piece === "''") return "'"
  if (piece.startsWith("'")) return literal(piece.slice(1, piece.endsWith("'") ? -1 : undefined).replaceAll("''", "'"))
  if (!/^[A-Za-z]/.test(piece)) return literal(piece)
  const forms = letters[piece[0] ?? '']
  const form = forms?.[Math.min(piece.length, forms.length) - 1]
  if (form !== undefined) return form
  throw new AppError('query_data', `The pattern of a date has the letter ${piece[0]}, which stands for nothing.`, {
    hint: `Letters are ${Object.keys(letters).join(' ')}; other text stands in quotes: 'T'.`,
  })
}

/** MySQL's letters that strftime writes in another way; the others are the same in both. */
const mysqlLetters: Readonly<Record<string, string>> = {
  a: '%a',
  b: '%b',
  c: '%-m',
  d: '%d',
  e: '%-d',
  f: '%f',
  H: '%H',
  h: '%I',
  I: '%I',
  i: '%M',
  j: '%j',
  k: '%-H',
  l: '%-I',
  M: '%B',
  m: '%m',
  p: '%p',
  r: '%I:%M:%S %p',
  S: '%S',
  s: '%S',
  T: '%H:%M:%S',
  v: '%V',
  W: '%A',
  x: '%G',
  Y: '%Y',
  y: '%y',
  '%': '%%',
}

/** The format of strftime and strptime for a pattern of MySQL's date_format. */
export function mysqlFormat(pattern: string): string {
  requireShort(pattern)
  return pattern.replaceAll(/%([^])?/g, (_, letter: string | undefined) => {
    const format = mysqlLetters[letter ?? '']
    if (format !== undefined) return format
    if (letter === undefined || !/[A-Za-z]/.test(letter)) return literal(letter ?? '%')
    throw new AppError('query_data', `The pattern of a date has %${letter}, which stands for nothing.`, {
      hint: `The letters behind % are ${Object.keys(mysqlLetters).join(' ')}.`,
    })
  })
}

const literal = (text: string): string => text.replaceAll('%', '%%')

function requireShort(pattern: string): void {
  if (pattern.length <= patternCharactersMax) return
  throw new AppError('query_data', `The pattern of a date is longer than ${patternCharactersMax} characters.`, {
    hint: 'Put texts together with || instead.',
  })
}

const anyMark = new RegExp(`[${Object.values(marks).join('')}]`, 'g')

export function hasMarks(format: string): boolean {
  return format.search(anyMark) >= 0
}

/** A moment that strftime has written but for the marks: what the clock shows, in milliseconds as if it were UTC, and whose clock. */
interface Shown {
  readonly clock: Date
  readonly zone: string
  readonly offsetSeconds: number
}

/** The text with what the marks stand for. */
export function withoutMarks(text: string, clockMs: number, zone: string, offsetSeconds: number): string {
  const shown = { clock: new Date(clockMs), zone, offsetSeconds }
  return text.replaceAll(anyMark, (mark) => meaningOf(mark, shown))
}

function meaningOf(mark: string, { clock, zone, offsetSeconds }: Shown): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const orZ = (written: string) => (offsetSeconds === 0 ? 'Z' : written)
  switch (mark) {
    case marks.hourFrom1:
      return String(clock.getUTCHours() || 24)
    case marks.twoDigitHourFrom1:
      return two(clock.getUTCHours() || 24)
    case marks.hourFrom0:
      return String(clock.getUTCHours() % 12)
    case marks.twoDigitHourFrom0:
      return two(clock.getUTCHours() % 12)
    case marks.weekOfYear:
      return String(weekOf(clock).week)
    case marks.twoDigitWeekOfYear:
      return two(weekOf(clock).week)
    case marks.weekYear:
      return String(weekOf(clock).year)
    case marks.weekOfMonth:
      return String(Math.ceil((clock.getUTCDate() + firstDayOfMonth(clock)) / 7))
    case marks.dayOfWeekInMonth:
      return String(Math.ceil(clock.getUTCDate() / 7))
    case marks.clockName:
      return clockName(zone, offsetSeconds)
    case marks.offset:
      return offsetText(offsetSeconds, '')
    case marks.colonOffset:
      return offsetText(offsetSeconds, ':')
    case marks.offsetHours:
      return orZ(offsetText(offsetSeconds, '').slice(0, 3))
    case marks.isoOffset:
      return orZ(offsetText(offsetSeconds, ''))
    case marks.offsetWithColon:
      return orZ(offsetText(offsetSeconds, ':'))
    case marks.tenth:
      return String(Math.floor(clock.getUTCMilliseconds() / 100))
    default:
      return two(Math.floor(clock.getUTCMilliseconds() / 10))
  }
}

const dayMs = 86_400_000

/** As Americans count: weeks begin on Sunday, and the first is the one that January 1 is in. */
function weekOf(clock: Date): { year: number; week: number } {
  const saturday = new Date(clock.getTime() + (6 - clock.getUTCDay()) * dayMs)
  const year = saturday.getUTCFullYear()
  const newYear = new Date(0)
  newYear.setUTCFullYear(year, 0, 1)
  return { year, week: Math.floor((saturday.getTime() - newYear.getTime()) / (7 * dayMs)) + 1 }
}

/** The day of the week that the month begins on, counted from Sunday. */
function firstDayOfMonth(clock: Date): number {
  return (((clock.getUTCDay() - clock.getUTCDate() + 1) % 7) + 7) % 7
}
