import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Session } from '../../base/duckdb/session.ts'
import { openSession } from '../../base/duckdb/session.ts'
import { makeFunctions } from '../engines/duckdb/make-functions.ts'
import { momentOf } from './moments.ts'
import { intervalOf } from './time-units.ts'
import { clockName, knownZone, offsetAt, unixOf, zoneOf } from './zones.ts'

const names = [
  'Asia/Tokyo',
  'America/Los_Angeles',
  'Europe/London',
  'Australia/Lord_Howe',
  'Asia/Kolkata',
  'UTC',
] as const
const zone = fc.constantFrom(...names)
/** 1975 to 2035: before and after, the years are not the same to every edition of the data. */
const unix = fc.integer({ min: 157_766_400, max: 2_051_222_400 })
const seconds = fc.oneof(
  unix,
  unix.map((at) => at - (at % 1800)),
)

let session: Session & { close(): void }

beforeAll(async () => {
  session = await openSession({ memoryBytes: 300e6, threads: 1, temporaryBytes: 0, spillDirectory: null })
  const sql = 'td_date_trunc td_time_string td_time_format td_interval_range'
  const moment = { nowUs: 1_700_000_000_000_000, scheduledSeconds: 1_700_000_000 }
  await makeFunctions(session, { sql, whole: sql, offset: 0, ...moment })
})
afterAll(() => session.close())

const ask = async (expression: string): Promise<unknown> => (await session.rows(`select ${expression}`))[0]?.[0]

describe('a zone', () => {
  it('has the clock that DuckDB has', async () => {
    await fc.assert(
      fc.asyncProperty(zone, seconds, async (name, at) => {
        const clock = await ask(`epoch(timezone('${name}', to_timestamp(${at})))::bigint`)
        expect(at + offsetAt(zoneOf(name), at)).toBe(Number(clock))
      }),
      { numRuns: 200 },
    )
  })

  it('reads a clock as DuckDB does, also where it shows a time twice or never', async () => {
    await fc.assert(
      fc.asyncProperty(zone, seconds, async (name, clock) => {
        const at = await ask(`epoch(timezone('${name}', make_timestamp(${clock}::bigint * 1000000)))::bigint`)
        expect(unixOf(clock, zoneOf(name))).toBe(Number(at))
      }),
      { numRuns: 200 },
    )
  })

  it.each([
    ['JST', 0, 32_400],
    ['PST', 1_593_561_600, -25_200],
    ['PDT', 1_577_836_800, -25_200],
    ['EST', 1_593_561_600, -18_000],
    ['+05:30', 0, 19_800],
    ['-0800', 0, -28_800],
    ['GMT+9', 0, 32_400],
    ['z', 0, 0],
  ])('%s at %i is %i seconds before UTC', (name, at, offset) => {
    expect(offsetAt(zoneOf(name), at)).toBe(offset)
  })

  it.each(['', 'Nowhere', '+25:00', '+1:2', 'JST!', 'x'.repeat(1_000_000), 'Asia/Tokyo\0'])('is not known', (name) => {
    expect(knownZone(name)).toBeUndefined()
    expect(() => zoneOf(name)).toThrow(/There is no time zone/)
  })

  it('has a name for its clock', () => {
    expect(clockName('America/Los_Angeles', -25_200)).toBe('PDT')
    expect(clockName('PST', -28_800)).toBe('PST')
    expect(clockName('PDT', -25_200)).toBe('PDT')
    expect(clockName('Asia/Kathmandu', 20_700)).toBe('GMT+05:45')
  })
})

describe('a moment', () => {
  it('is read back from what it is written as', () => {
    fc.assert(
      fc.property(unix, zone, (at, name) => {
        const text = new Date((at + offsetAt(zoneOf(name), at)) * 1000).toISOString().slice(0, 19)
        const read = momentOf(text, name) ?? Number.NaN
        // A clock that is set back shows a time twice.
        expect([0, 1800, 3600]).toContain(Math.abs(read - at))
        expect(momentOf(`${text.replace('T', ' ')} ${name}`, 'UTC')).toBe(read)
        expect(momentOf(String(at), name)).toBe(at)
      }),
    )
  })

  it.each([
    '',
    'soon',
    '2020-13-01',
    '2020-02-30',
    '2020-01-01 24:00',
    '2020-01-01 Nowhere',
    '20200101x',
    '1e9',
    '9'.repeat(30),
  ])('%j is none', (text) => {
    expect(momentOf(text, 'UTC')).toBeUndefined()
  })
})

const letterUnits = {
  s: 'second',
  m: 'minute',
  h: 'hour',
  d: 'day',
  w: 'week',
  M: 'month',
  q: 'quarter',
  y: 'year',
} as const
const letter = fc.constantFrom(...(Object.keys(letterUnits) as (keyof typeof letterUnits)[]))

describe('an interval', () => {
  it('ends where its unit begins, and holds so many of them', async () => {
    await fc.assert(
      fc.asyncProperty(letter, fc.integer({ min: 1, max: 40 }), zone, seconds, async (unit, count, name, now) => {
        const [start, end] = intervalOf(`-${count}${unit}`, name, now)
        const cut = `td_date_trunc('${letterUnits[unit]}', ${now}, '${name}')`
        expect(end).toBe(Number(await ask(cut)))
        const span = `interval ${unit === 'q' ? 3 * count : count} ${unit === 'q' ? 'month' : letterUnits[unit]}`
        const isClock = !'smh'.includes(unit)
        const reference = isClock
          ? `epoch(timezone('${name}', timezone('${name}', to_timestamp(${end})) - ${span}))::bigint`
          : `epoch(to_timestamp(${end}) - ${span})::bigint`
        expect(start).toBe(Number(await ask(reference)))
      }),
      { numRuns: 60 },
    )
  })

  it('lies before or behind its origin', () => {
    fc.assert(
      fc.property(
        letter,
        fc.integer({ min: 1, max: 9 }),
        letter,
        fc.integer({ min: -9, max: 9 }),
        zone,
        seconds,
        (a, n, b, m, name, now) => {
          const [start, end] = intervalOf(`-${n}${a}/${m}${b}`, name, now)
          const [next, after] = intervalOf(`${n}${a}/${m}${b}`, name, now)
          expect(start).toBeLessThan(end)
          expect(end).toBe(next)
          expect(after).toBeGreaterThan(next)
          expect(intervalOf(`-${n}${a}/now`, name, now)[1]).toBe(now)
        },
      ),
    )
  })

  it.each([
    '',
    '7',
    'd',
    '-7x',
    '1d2h',
    '-1d/',
    '-1d/soon',
    '- 1d',
    '-1d/1d/1d',
    '9999999d',
    '-999999y',
    '-1d/-999999y',
    `-1d/${'x'.repeat(1e6)}`,
  ])('%.20s is none', (spec) => {
    expect(() => intervalOf(spec, 'UTC', 1_700_000_000)).toThrow(/is not/)
  })
})
