import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Session } from '../../base/duckdb/session.ts'
import { openSession, quotedText } from '../../base/duckdb/session.ts'
import { makeFunctions } from '../engines/duckdb/make-functions.ts'
import { javaFormat, mysqlFormat } from './date-patterns.ts'
import { offsetAt, zoneOf } from './zones.ts'

let session: Session & { close(): void }

beforeAll(async () => {
  session = await openSession({ memoryBytes: 300e6, threads: 1, temporaryBytes: 0, spillDirectory: null })
  const sql = 'td_time_format'
  await makeFunctions(session, { sql, whole: sql, offset: 0, nowUs: 0, scheduledSeconds: 0 })
})
afterAll(() => session.close())

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const months = 'January February March April May June July August September October November December'.split(' ')
const padded = (value: number, length = 1) => String(value).padStart(length, '0')

/** SimpleDateFormat letter by letter, as its manual has them; the date is that of the clock, in its UTC fields. */
const letters: Readonly<Record<string, (clock: Date, length: number, offset: number) => string>> = {
  y: (clock, length) => (length === 2 ? padded(clock.getUTCFullYear() % 100, 2) : padded(clock.getUTCFullYear(), 4)),
  M: (clock, length) => {
    const name = months[clock.getUTCMonth()] ?? ''
    return length < 3 ? padded(clock.getUTCMonth() + 1, length) : length === 3 ? name.slice(0, 3) : name
  },
  d: (clock, length) => padded(clock.getUTCDate(), length),
  H: (clock, length) => padded(clock.getUTCHours(), length),
  k: (clock, length) => padded(clock.getUTCHours() || 24, length),
  K: (clock, length) => padded(clock.getUTCHours() % 12, length),
  h: (clock, length) => padded(clock.getUTCHours() % 12 || 12, length),
  m: (clock, length) => padded(clock.getUTCMinutes(), length),
  s: (clock, length) => padded(clock.getUTCSeconds(), length),
  a: (clock) => (clock.getUTCHours() < 12 ? 'AM' : 'PM'),
  E: (clock, length) => (days[clock.getUTCDay()] ?? '').slice(0, length < 4 ? 3 : undefined),
  u: (clock) => String(clock.getUTCDay() || 7),
  F: (clock) => String(Math.ceil(clock.getUTCDate() / 7)),
  W: (clock) => {
    const first = new Date(Date.UTC(clock.getUTCFullYear(), clock.getUTCMonth(), 1)).getUTCDay()
    return String(Math.ceil((clock.getUTCDate() + first) / 7))
  },
  D: (clock, length) => {
    const day = (clock.getTime() - Date.UTC(clock.getUTCFullYear(), 0, 1)) / 86_400_000
    return padded(Math.floor(day) + 1, length < 3 ? 1 : 3)
  },
  Z: (_, _length, offset) => {
    const size = Math.abs(offset) / 60
    return `${offset < 0 ? '-' : '+'}${padded(Math.floor(size / 60), 2)}${padded(size % 60, 2)}`
  },
}

const lengths: Readonly<Record<string, number>> = { y: 4, M: 5, E: 4, d: 2, H: 2, k: 2, K: 2, h: 2, m: 2, s: 2, D: 3 }
const run = fc
  .constantFrom(...Object.keys(letters))
  .chain((letter) => fc.integer({ min: 1, max: lengths[letter] ?? 1 }).map((length) => ({ letter, length })))
const between = fc.constantFrom('-', '/', ' ', ':', '%', '.', 'é', "'T'", "''", "'o''clock'", "'%Y'")
const plain: Readonly<Record<string, string>> = { "'T'": 'T', "''": "'", "'o''clock'": "o'clock", "'%Y'": '%Y' }

describe('a pattern of SimpleDateFormat', () => {
  it('is written as Java writes it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(run, between), { minLength: 1, maxLength: 6 }),
        fc.constantFrom('UTC', 'Asia/Tokyo', 'America/Los_Angeles', 'Asia/Kolkata'),
        fc.integer({ min: 0, max: 2_000_000_000 }),
        async (parts, zone, unix) => {
          const pattern = parts.map(([{ letter, length }, mark]) => letter.repeat(length) + mark).join('')
          const offset = offsetAt(zoneOf(zone), unix)
          const clock = new Date((unix + offset) * 1000)
          const expected = parts.map(
            ([{ letter, length }, mark]) => (letters[letter]?.(clock, length, offset) ?? '') + (plain[mark] ?? mark),
          )
          // Two quotes meet where a quoted text follows a quote.
          fc.pre(!pattern.includes("'''"))
          const rows = await session.rows(`select td_time_format(${unix}, ${quotedText(pattern)}, '${zone}')`)
          expect(rows[0]?.[0], pattern).toBe(expected.join(''))
        },
      ),
      { numRuns: 80 },
    )
  })

  it.each(['j', 'yyyy-bb', 'é\u0000 T'])('%j has a letter that stands for nothing', (pattern) => {
    expect(() => javaFormat(pattern)).toThrow(/stands for nothing/)
  })

  it('has an end', () => {
    expect(() => javaFormat('y'.repeat(1e6))).toThrow(/longer than/)
    expect(() => mysqlFormat('%Y'.repeat(1e6))).toThrow(/longer than/)
  })

  it('never fails in another way', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (pattern) => {
        for (const format of [javaFormat, mysqlFormat]) {
          try {
            expect(typeof format(pattern)).toBe('string')
          } catch (error) {
            expect(error).toMatchObject({ code: 'query_data' })
          }
        }
      }),
    )
  })
})
