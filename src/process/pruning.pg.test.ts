import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { parseType } from '../store/types.ts'
import { inProcessEngines } from './testing/in-process-engines.ts'
import type { QueryBench } from './testing/query-bench.ts'
import { openQueryBench } from './testing/query-bench.ts'

const hours = 1000
const hour = 3600
/** The hour in which the first chunk lies. */
const start = 500_000 * hour

let bench: QueryBench

beforeAll(async () => {
  bench = await openQueryBench(inProcessEngines())
  const columns = [{ name: 'n', type: parseType('bigint') }]
  const ofHour = (index: number) =>
    `select ${start + index * hour} + i * 1200 as time, ${index} * 10 + i as n from range(3) r(i)`
  await bench.load(
    'hourly',
    columns,
    Array.from({ length: hours }, (_, index) => ofHour(index)),
  )
  await bench.load('few', columns, [
    `select ${start + 7 * hour} as time, 7 as n`,
    `select ${start + 900 * hour} as time, 900 as n`,
  ])
})
afterAll(() => bench.close())

async function opened(text: string): Promise<Record<string, number>> {
  const { statistics } = await bench.query(text)
  return Object.fromEntries(statistics.scans.map((scan) => [scan.table, scan.chunksOpened]))
}

const at = (index: number) => start + index * hour

describe('of 1,000 chunks over 1,000 hours', () => {
  test.each([
    ['TD_TIME_RANGE over an hour', `select sum(n) from hourly where td_time_range(time, ${at(7)}, ${at(8)})`, 1],
    [
      'TD_TIME_RANGE of dates',
      `select sum(n) from hourly where TD_TIME_RANGE(time, '2027-01-15 08:00:00', '2027-01-15 10:00:00')`,
      2,
    ],
    [
      'TD_TIME_RANGE with a zone',
      `select sum(n) from hourly where TD_TIME_RANGE(time, '2027-01-15 17:00:00', '2027-01-15 19:00:00', 'Asia/Tokyo')`,
      2,
    ],
    ['TD_TIME_RANGE that is open', `select sum(n) from hourly where TD_TIME_RANGE(time, ${at(997)})`, 3],
    [
      'TD_TIME_RANGE of a text that names its zone',
      `select sum(n) from hourly where TD_TIME_RANGE(time, '2027-01-15 17:00 JST', '2027-01-15T12:00:00+02:00', 'PST')`,
      2,
    ],
    ['TD_INTERVAL over an hour', `select sum(n) from hourly where TD_INTERVAL(time, '-1h/2027-01-15 10:00:00')`, 1],
    ['TD_INTERVAL over days', `select sum(n) from hourly where TD_INTERVAL(time, '-2d/2027-01-20', 'JST')`, 48],
    [
      'TD_TIME_RANGE of computed bounds',
      `select sum(n) from hourly where TD_TIME_RANGE(time, TD_TIME_ADD('2027-01-15 08:00:00', '1h'), TD_TIME_PARSE('2027-01-15 11:00:00'))`,
      2,
    ],
    [
      'TD_TIME_RANGE beside a computed function of a column',
      `select sum(n) from hourly where TD_TIME_RANGE(time, ${at(7)}, ${at(9)}) and td_time_parse(n::varchar) >= 0`,
      2,
    ],
    ['BETWEEN', `select count(*) from hourly where time between ${at(7)} and ${at(8)}`, 2],
    [
      'two hours with OR',
      `select count(*) from hourly where time = ${at(7)} or time between ${at(900)} and ${at(901)}`,
      3,
    ],
    ['IN', `select count(*) from hourly where time in (${at(1)}, ${at(500)}, ${at(999)})`, 3],
    ['arithmetic', `select sum(n) from hourly where time - 3600 >= ${at(997)}`, 2],
    ['a decimal', `select count(*) from hourly where time < ${at(1)}.5`, 2],
    ['a double', `select count(*) from hourly where time < epoch(timestamp '2027-01-15 16:00:00')`, 8],
    [
      'a common table expression',
      `with h as (select * from hourly) select * from h where time = ${at(3)} union all select * from h where time = ${at(5)}`,
      2,
    ],
    ['the present', `select sum(n) from hourly where time < ${at(2)} + 0 * epoch(now())::bigint`, 2],
    ['a contradiction', `select count(*) from hourly where time < ${at(2)} and time > ${at(3)}`, 0],
    [
      'ORDER BY and LIMIT',
      `select * from hourly where time in (${at(1)}, ${at(4)}) and n > 2 order by time limit 1`,
      2,
    ],
    ['to_timestamp', `select count(*) from hourly where to_timestamp(time) < '2027-01-15 10:00:00'::timestamptz`, 2],
    ['td_date_trunc', `select count(*) from hourly where td_date_trunc('day', time) = 1800000000`, hours],
    ['another column', `select count(*) from hourly where n = 51`, 1],
    ['another column, or time', `select count(*) from hourly where n = 51 or time = ${at(7)}`, 2],
    ['a function of another column', `select count(*) from hourly where n % 7 = 5`, hours],
  ])('%s opens what it needs', async (_, text, chunks) => {
    expect(await opened(text)).toEqual({ hourly: chunks })
  })

  test('a join hands the bounds of one side to the other', async () => {
    const text = `select count(*) from hourly h join few f on h.time = f.time where f.time between ${at(0)} and ${at(10)}`
    expect(await opened(text)).toEqual({ hourly: 11, few: 1 })
    expect((await bench.query(text)).values).toEqual([['1']])
  })

  test('EXPLAIN shows it', async () => {
    const { values } = await bench.query(`explain select n from hourly where td_time_range(time, ${at(7)}, ${at(8)})`)
    expect(values.map(([line]) => line)).toContain('  chunks: 1 of 1000 (999 left out by time)')
  })

  test('EXPLAIN tells what statistics leave out, and which filters leave out nothing', async () => {
    const { values, statistics } = await bench.query(
      `explain select n from hourly where time < ${at(10)} and n > 51 and time % 7200 = 0 and (n + time) % 2 = 0`,
    )
    const lines = values.map(([line]) => line)
    expect(lines).toContain('  chunks: 5 of 1000 (990 left out by time, 5 left out by statistics)')
    expect(lines).toContain(
      '  no chunk is left out by: (time % 7200) = 0 (compare time itself with constants, beside it)',
    )
    expect(lines).toContain(
      '  no chunk is left out by: ((n + time) % 2) = 0 (compare time itself with constants, beside it)',
    )
    expect(statistics.scans[0]).toMatchObject({ chunksOpened: 5, chunksInTime: 10, chunksTotal: 1000 })
  })
})

/** Conditions on time of every kind that the planner reads, and of kinds that it does not. */
const { condition } = fc.letrec<{ condition: string; leaf: string }>((tie) => {
  // On the hour, between rows, and outside of the data.
  const second = fc
    .tuple(fc.integer({ min: -2, max: 42 }), fc.constantFrom(0, 0, 1, 1200, 1201, -1))
    .map(([h, s]) => at(h) + s)
  const value = fc.oneof(
    second.map(String),
    second.map((at_) => `${at_}.5`),
    second.map((at_) => `${at_}::double`),
    second.map((at_) => `epoch(to_timestamp(${at_}))`),
  )
  const comparison = fc.constantFrom('<', '<=', '=', '>=', '>', '<>')
  return {
    leaf: fc.oneof(
      fc.tuple(comparison, value).map(([op, v]) => `time ${op} ${v}`),
      fc.tuple(comparison, value).map(([op, v]) => `${v} ${op} time`),
      fc.tuple(comparison, second).map(([op, v]) => `time + 60 ${op} ${v}`),
      fc.tuple(value, value).map(([a, b]) => `time between ${a} and ${b}`),
      fc.tuple(second, second).map(([a, b]) => `td_time_range(time, ${a}, ${b})`),
      fc.array(second, { minLength: 1, maxLength: 5 }).map((all) => `time in (${all.join(', ')})`),
      fc.constantFrom(
        'n % 2 = 0',
        'n > 200',
        'time is null',
        'time % 7200 = 0',
        'coalesce(time, 0) > 0',
        'n between time and time',
      ),
    ),
    condition: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      tie('leaf'),
      fc.tuple(tie('condition'), tie('condition')).map(([a, b]) => `(${a} and ${b})`),
      fc.tuple(tie('condition'), tie('condition')).map(([a, b]) => `(${a} or ${b})`),
      tie('condition').map((a) => `not (${a})`),
    ),
  }
})

/** The condition over the columns of one of several tables. */
function qualified(text: string, table: string): string {
  return text.replaceAll(/\b(time|n)\b/g, `${table}.$1`)
}

/** Ways in which a condition reaches a table. */
const query = fc.oneof(
  condition.map((c) => `select count(*), sum(n), min(time) from near where ${c}`),
  condition.map((c) => `select * from near where ${c} order by time, n limit 5`),
  fc
    .tuple(condition, condition)
    .map(
      ([a, b]) =>
        `with x as (select * from near where ${a}) select count(*) from x a, x b where a.n = b.n and ${qualified(b, 'a')}`,
    ),
  condition.map((c) => `select count(*) from near where ${c} union all select sum(n) from near where not (${c})`),
  condition.map((c) => `select count(*), sum(o.n) from near join (select * from near where ${c}) o using (time)`),
  condition.map((c) => `select count(o.n) from near left join (select * from near where ${c}) o on o.time = near.time`),
  condition.map((c) => `select count(*) from near where time in (select time from near where ${c})`),
  condition.map(
    (c) =>
      `select count(*) from near where exists (select 1 from near o where o.time = near.time and ${qualified(c, 'o')})`,
  ),
  condition.map((c) => `select max(time) - min(time), count(*) filter (where ${c}) from near`),
)

describe('an answer over the chosen chunks', () => {
  test('is the answer over all of them', async () => {
    const columns = [{ name: 'n', type: parseType('bigint') }]
    const ofHour = (index: number) =>
      `select ${at(index)} + i * 1200 as time, ${index} * 10 + i as n from range(3) r(i)`
    await bench.load(
      'near',
      columns,
      Array.from({ length: 40 }, (_, index) => ofHour(index)),
    )
    // The same rows in a single chunk, of which nothing can be left out.
    await bench.query('create table whole as select * from near')
    await fc.assert(
      fc.asyncProperty(query, async (text) => {
        const pruned = await bench.query(text)
        const full = await bench.query(text.replaceAll(/\bnear\b/g, 'whole'))
        expect(pruned.values, text).toEqual(full.values)
      }),
      { numRuns: Number(process.env['BIWA_TEST_RUNS'] ?? 40) },
    )
  })
})
