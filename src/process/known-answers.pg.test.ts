import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { sql } from '../base/postgres/postgres.ts'
import { parseType } from '../store/types.ts'
import { inProcessEngines } from './testing/in-process-engines.ts'
import type { QueryBench } from './testing/query-bench.ts'
import { openQueryBench } from './testing/query-bench.ts'

const hour = 3600
const columns = [
  { name: 'n', type: parseType('bigint') },
  { name: 'd', type: parseType('double') },
  { name: 'x', type: parseType('decimal(12,3)') },
  { name: 's', type: parseType('varchar') },
  { name: 'b', type: parseType('boolean') },
  { name: 'dt', type: parseType('date') },
  { name: 'ts', type: parseType('timestamp') },
  { name: 'tags', type: parseType('array(bigint)') },
]
const names = ['time', ...columns.map(({ name }) => name)]

/** Rows of the hour `h`. */
const plain = (h: number) => `
  select ${h * hour} + i * 60 as time, case when i % 7 = 3 then null else ${h} * 100 - i end as n,
         ${h} + i / 8.0 + 0.125 as d, i - ${h} / 8.0 as x, 'text ' || i as s, i % 2 = 0 as b,
         date '1970-01-01' + ${h} * 10 + i::int as dt, make_timestamp(${h * hour * 1_000_000} + i * 250000) as ts,
         case when i % 3 > 0 then [i, null] end as tags
    from range(20) r(i)`
const odd = (h: number) => `
  select ${h * hour} + i * 60 as time, null::bigint as n, case when i = 3 then 'nan'::double else -0.0 end as d,
         -0.001 as x, repeat('x', 300) as s, null::boolean as b, 'infinity'::date as dt,
         timestamp '0044-03-15 (BC) 12:00:00' as ts, null as tags
    from range(5) r(i)`

let bench: QueryBench

beforeAll(async () => {
  bench = await openQueryBench(inProcessEngines())
  const hours = Array.from({ length: 10 }, (_, h) => h)
  const tables = { plain: hours.map(plain), odd: [...hours.slice(1).map(plain), odd(0)], none: [] }
  for (const [name, selects] of Object.entries(tables)) {
    await bench.load(name, columns, selects)
    // The same rows where filters on them keep the catalog from knowing the answer.
    await bench.load(`files_of_${name}`, columns, selects)
  }
})
afterAll(() => bench.close())

const aggregate = fc.oneof(
  fc.constant('count(*)'),
  fc.tuple(fc.constantFrom('count', 'min', 'max'), fc.constantFrom(...names)).map(([kind, name]) => `${kind}(${name})`),
)

const bound = fc
  .tuple(fc.integer({ min: -1, max: 11 }), fc.constantFrom(0, 0, 0, 60, -1))
  .map(([h, seconds]) => h * hour + seconds)

const filter = fc.oneof(
  fc.constant(''),
  fc.tuple(bound, bound).map(([from, to]) => ` where time >= ${from} and time < ${to}`),
  fc.tuple(bound, bound).map(([from, to]) => ` where td_time_range(time, ${from}, ${to})`),
  bound.map((at) => ` where time <= ${at}`),
  bound.map((at) => ` where time = ${at}`),
  bound.map((at) => ` where time <> ${at}`),
)

const isFromMetadata = async (text: string) => (await bench.query(text)).statistics.fromMetadata

describe('counts and bounds', () => {
  test('are those of a run over the files', async () => {
    let known = 0
    const runs = Number(process.env['BIWA_TEST_RUNS'] ?? 60)
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('plain', 'plain', 'odd', 'none'),
        fc.array(aggregate, { minLength: 1, maxLength: 4 }),
        filter,
        async (table, items, where) => {
          const text = `select ${items.join(', ')} from ${table}${where}`
          const answer = await bench.query(text)
          const run = await bench.query(
            `select ${items.join(', ')} from files_of_${table}${where === '' ? ' where' : `${where} and`} hash(time) >= 0`,
          )
          expect(run.statistics.fromMetadata).toBe(false)
          expect(answer.values, text).toEqual(run.values)
          expect(answer.columns.map(({ type }) => type)).toEqual(run.columns.map(({ type }) => type))
          if (answer.statistics.fromMetadata === true) known += 1
        },
      ),
      { numRuns: runs },
    )
    expect(known / runs).toBeGreaterThan(0.1)
  })

  test.each([
    'select count(*) from plain',
    'select count(*) as rows, count(n) as known, min(n), max(n) as top from plain',
    'select max(time), min(time), min(d), max(d), min(x), max(x) from plain',
    'select min(b), max(b), min(dt), max(dt), min(ts), max(ts) from plain',
    'select count(s) from plain',
    'select max(n) from (select * from plain) where time >= 7200',
    'with p as (select n as m from plain) select max(m) from p',
    `select count(*) from plain where td_time_range(time, 0, 36000)`,
    'select count(*), min(n) from none',
    'select count(*) from none where time < 5',
  ])('%s opens nothing', async (text) => {
    const { statistics } = await bench.query(text)
    expect(statistics).toMatchObject({ fromMetadata: true, bytesScanned: 0, scans: [{ chunksOpened: 0 }] })
  })

  test.each([
    ['a chunk lies across the end', 'select count(*) from plain where time < 3700'],
    ['text may be cut', 'select min(s) from plain'],
    ['there is a filter', 'select count(*) from plain where n > 5'],
    ['there is a filter on some of the rows', 'select count(*) filter (where n > 5) from plain'],
    ['values are distinct', 'select count(distinct n) from plain'],
    ['there are groups', 'select n, count(*) from plain group by n'],
    ['it is an expression', 'select min(n + 1) from plain'],
    ['there are expressions of it', 'select min(n) + 1 from plain'],
    ['the column is nested', 'select count(tags) from plain'],
    ['there are two tables', 'select count(*) from plain, odd'],
    ['a time is left out', 'select count(*) from plain where time <> 60'],
    ['there is NaN', 'select max(d) from odd'],
    ['zero has two signs', `select max(d) from odd where time < 3600`],
    ['the year has more than four digits', 'select max(dt) from odd'],
  ])('are counted by a run where %s', async (_, text) => {
    expect(await isFromMetadata(text)).toBe(false)
  })

  test('of chunks from before a column was restored are counted by a run', async () => {
    const { id } = await bench.store.table(bench.owner.accountId, 'web', 'files_of_plain')
    expect(await isFromMetadata('select max(n) from files_of_plain')).toBe(true)
    await bench.postgres.query(
      sql`update columns set restores = true, added_version = 9 where table_id = ${id} and name = 'n'`,
    )
    await bench.postgres.query(sql`update tables set schema_version = 9 where id = ${id}`)
    expect(await isFromMetadata('select max(n) from files_of_plain')).toBe(false)
    expect(await isFromMetadata('select count(*), max(x) from files_of_plain')).toBe(true)
  })

  test('EXPLAIN and statements that write say so, too', async () => {
    const { values } = await bench.query('explain select count(*) from plain')
    expect(values[0]).toEqual(['Answered from metadata: reads nothing'])
    await bench.query('create table counted as select 1 as time, count(*) as rows from plain')
    expect(await bench.query('create table known as select count(*) as rows, max(n) as n from plain')).toMatchObject({
      rows: 1,
      statistics: { fromMetadata: true },
    })
    expect((await bench.query('select rows, n from known')).values).toEqual([['200', '900']])
  })
})

describe('LIMIT without an order', () => {
  test.each([
    ['select * from plain limit 5', 1, 5],
    ['select n from plain limit 20', 1, 20],
    ['select n + 1 from plain limit 15 offset 10', 2, 15],
    ['select * from plain limit 1000', 10, 200],
    ['select * from plain where time >= 1800 limit 30', 2, 30],
    ['select * from plain where time >= 33000 limit 15', 1, 10],
    ['select * from plain where time between 7200 and 7400 limit 3', 1, 3],
  ])('%s opens as many chunks as have enough rows', async (text, opened, rows) => {
    const answer = await bench.query(text)
    expect(answer.statistics.scans[0]?.chunksOpened).toBe(opened)
    expect(answer.rows).toBe(rows)
  })

  test.each([
    'select * from plain order by n limit 5',
    'select * from plain where n % 2 = 0 limit 5',
    'select distinct b from plain limit 5',
    'select * from plain, none limit 5',
    'select unnest(tags) from plain limit 5',
  ])('%s needs all', async (text) => {
    expect((await bench.query(text)).statistics.scans[0]?.chunksOpened).toBe(10)
  })
})
