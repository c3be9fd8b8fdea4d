import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { parseType } from '../store/types.ts'
import { inProcessEngines } from './testing/in-process-engines.ts'
import type { QueryBench } from './testing/query-bench.ts'
import { openQueryBench } from './testing/query-bench.ts'

const hour = 3600
/** 2027-01-15 08:00:00 UTC. */
const start = 500_000 * hour

let bench: QueryBench

beforeAll(async () => {
  bench = await openQueryBench(inProcessEngines())
  const columns = [
    { name: 'ip', type: parseType('varchar') },
    { name: 'code', type: parseType('bigint') },
  ]
  const ofHour = (index: number) =>
    `select ${start + index * hour} + i * 600 as time, 'h' || (i % 2) as ip, 200 + i as code from range(6) r(i)`
  await bench.load(
    'logs',
    columns,
    Array.from({ length: 10 }, (_, index) => ofHour(index)),
  )
})
afterAll(() => bench.close())

const inPresto = async (text: string) => await bench.query(text, { submittedAs: 'presto' })
const inHive = async (text: string) => await bench.query(text, { submittedAs: 'hive' })

describe('queries of Treasure Data', () => {
  test('in the dialect of Presto', async () => {
    const { values, statistics } = await inPresto(`
      SELECT TD_TIME_FORMAT(time, 'yyyy-MM-dd HH', 'JST') AS h, approx_distinct(ip) AS ips, count(*) / 4 AS quarter,
             array_join(array_agg(concat(ip, ':', CAST(code AS VARCHAR)) ORDER BY code), ' ') AS codes
        FROM "web"."logs"
       WHERE TD_INTERVAL(time, '-1h/2027-01-15 18:00:00', 'JST') AND regexp_like(ip, '^h\\d$')
       GROUP BY 1`)
    expect(values).toEqual([['2027-01-15 17', '2', '1', 'h0:200 h1:201 h0:202 h1:203 h0:204 h1:205']])
    expect(statistics.scans[0]?.chunksOpened).toBe(1)
  })

  test('in the dialect of Hive', async () => {
    const { values, statistics } = await inHive(`
      SELECT TD_TIME_FORMAT(time, "yyyy-MM-dd HH", "JST") AS h, size(collect_set(l.ip)) AS ips, count(*) / 4 AS quarter, max(w) AS w
        FROM \`web\`.\`logs\` l LATERAL VIEW explode(split(ip, '\\\\d')) v AS w
       WHERE TD_TIME_RANGE(time, '2027-01-15 17:00:00', '2027-01-15 18:00:00', "JST") AND ip RLIKE '^h\\\\d$'
       GROUP BY TD_TIME_FORMAT(time, "yyyy-MM-dd HH", "JST")
       SORT BY h`)
    expect(values).toEqual([['2027-01-15 17', '2', 3, 'h']])
    expect(statistics.scans[0]?.chunksOpened).toBe(1)
  })

  test('tell sessions, over the files of the time that is asked for', async () => {
    const sessions = `
      SELECT *, TD_SESSIONIZE_WINDOW(time, 1200) OVER (PARTITION BY ip ORDER BY time) AS session
        FROM logs WHERE TD_TIME_RANGE(time, ${start}, ${start + 2 * hour}) AND NOT (code = 202)`
    const { values, statistics } = await inPresto(
      `SELECT ip, count(*), count(DISTINCT session), min(length(session)) FROM (${sessions}) AS s GROUP BY ip ORDER BY ip`,
    )
    // 202 is of h0, so that its sessions end there: 0, 40 to 60, 100 to …; the clock of h1 never pauses.
    expect(values).toEqual([
      ['h0', '4', '3', '36'],
      ['h1', '6', '1', '36'],
    ])
    expect(statistics.scans[0]?.chunksOpened).toBe(2)
    const { columns } = await inHive(`SELECT l.*, TD_SESSIONIZE(time, 60, ip) AS s FROM logs AS l`)
    expect(columns.map(({ name }) => name)).toEqual(['time', 'ip', 'code', 'time_us', '_rescued', 's'])
  })

  test('write what they compute', async () => {
    await inHive(
      'CREATE TABLE IF NOT EXISTS days AS SELECT TD_DATE_TRUNC("day", time) AS time, count(*) AS n FROM logs GROUP BY 1',
    )
    await inHive('INSERT INTO TABLE days SELECT time + 86400 AS time, n DIV 7 AS n FROM days')
    const { values } = await inPresto("SELECT TD_TIME_STRING(time, 'd!'), n FROM days ORDER BY time")
    expect(values).toEqual([
      ['2027-01-15', '60'],
      ['2027-01-16', '8'],
    ])
    await inPresto("DELETE FROM days WHERE TD_TIME_RANGE(time, '2027-01-16') AND greatest(n, 1) > 7")
    expect((await inPresto('SELECT count(*) FROM days')).values).toEqual([['1']])
  })
})

describe('an error', () => {
  test('has its place in what was written', async () => {
    const text = 'SELECT approx_distinct(ip), concat(ip, ip),\n  nothing FROM logs'
    await expect(inPresto(text)).rejects.toMatchObject({
      code: 'query_semantic',
      position: { line: 2, column: 3, offset: text.indexOf('nothing') },
    })
    await expect(inHive('SELECT `a` FROM nowhere.`t`')).rejects.toMatchObject({
      code: 'database_not_found',
      position: { line: 1, column: 17 },
    })
  })

  test.each([
    ['td_time_formt(time)', 'td_time_format'],
    ['aprox_distinct(ip)', 'approx_distinct'],
    ['json_extract_scaler(ip)', 'json_extract_scalar'],
    ['lowwer(ip)', 'lower'],
  ])('of %s suggests %s', async (call, meant) => {
    await expect(inPresto(`select ${call} from logs`)).rejects.toMatchObject({
      code: 'query_semantic',
      hint: `Did you mean "${meant}"?`,
    })
  })

  test.each([
    ["TD_IP_TO_COUNTRY_CODE('1.2.3.4')", /MaxMind/],
    ["td_lat_long_to_country('FULL_NAME', 1, 2)", /licensed/],
    ["TD_CURRENCY_CONV('2020-01-01', 'USD', 'JPY', 1.0)", /rates/],
    ["TD_PIVOT(ip, path, 'a')", /LATERAL VIEW/],
  ])('of %s says what is missing', async (call, hint) => {
    await expect(inPresto(`select ${call} from logs`)).rejects.toMatchObject({
      code: 'query_semantic',
      hint: expect.stringMatching(hint),
      position: { offset: 7 },
    })
  })

  test.each([
    "td_interval(time, 'last week')",
    "td_time_range(time, 'yesterday')",
    "td_time_range(time, '2020-01-01', null, 'Middle/Earth')",
    "td_time_format(time, 'bbb') = ''",
    "td_time_add(time, '1 month') > 0",
    `td_time_range(time, '${'9'.repeat(100_000)}')`,
  ])('of the data is told: %.60s', async (condition) => {
    await expect(inPresto(`select count(*) from logs where ${condition}`)).rejects.toMatchObject({ code: 'query_data' })
  })
})
