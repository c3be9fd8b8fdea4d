import { AppError } from '../../base/errors.ts'

/**
 * Patterns of dates as Java, Joda and MySQL write them, made into formats of DuckDB's strftime and strptime. What strftime has no
 * letter for becomes a mark, a character that nobody writes; the macro _shown puts what is meant in its place.
 */
export const marks = {
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
  Z: [marks.offset, marks.offsetWithColon, marks.clockName],
}

/** The format of strftime for a pattern of SimpleDateFormat. */
export function javaFormat(pattern: string): string {
  return letterFormat(pattern, javaLetters)
}

/** The format of strftime for a pattern of Joda's DateTimeFormat. */
export function jodaFormat(pattern: string): string {
  return letterFormat(pattern, jodaLetters)
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
