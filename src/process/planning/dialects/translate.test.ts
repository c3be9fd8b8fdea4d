import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { AppError } from '../../../base/errors.ts'
import { inTranslation, translate } from './translate.ts'

describe('a translation', () => {
  it.each([
    ['presto', 'select concat(a, b), x.concat(1) from t', 'select presto_concat(a, b), x.concat(1) from t'],
    ['duckdb', 'select concat(a, b) from t', 'select concat(a, b) from t'],
    ['presto', 'select \'concat(a)\', "concat"(a) -- concat(a)', 'select \'concat(a)\', "concat"(a) -- concat(a)'],
    ['duckdb', 'select approx_distinct(approx_distinct(a))', 'select approx_count_distinct(approx_count_distinct(a))'],
    ['presto', 'create table split as select 1', 'create table split as select 1'],
    ['presto', 'insert into transform (a, b) select 1, 2', 'insert into transform (a, b) select 1, 2'],
    [
      'presto',
      'with every (a) as (select 1) select a from every',
      'with bool_and(a) as (select 1) select a from every',
    ],
    ['presto', 'values 1, (2), f(3, 4)', 'values (1), ((2)), (f(3, 4)) '],
    ['presto', 'select a at time zone b', 'select a ::timestamptz at time zone b'],
    ['hive', 'select `a` from `b``c`', 'select "a" from "b`c"'],
    ['hive', `select "a'b", 'c\\'d' "e"`, "select 'a''b', 'c''de'"],
    ['hive', 'select a[0], m[k], array(1)[2]', 'select a[0 + 1], m[k], list_value(1)[2 + 1]'],
    ['hive', 'insert into table t select 1', 'insert into  t select 1'],
    ['hive', 'select 1 where a not rlike b', 'select 1 where a <!~> b'],
    ['hive', 'select regexp from rlike', 'select regexp from rlike'],
  ] as const)('from %s: %s', (dialect, sql, text) => {
    expect(translate(sql, dialect).text).toBe(text)
  })

  it('leaves SQL alone that has nothing of a dialect', () => {
    const piece = fc.constantFrom(
      'select',
      'a',
      '(',
      ')',
      ',',
      "'x'",
      '"n"',
      ' ',
      '\n',
      '-- c\n',
      '/* c */',
      '1.5',
      'f',
      '[',
      ']',
      ';',
    )
    fc.assert(
      fc.property(fc.array(piece), fc.constantFrom('duckdb', 'presto'), (pieces, dialect) => {
        const sql = pieces.join('')
        const { text, offsetOf } = translate(sql, dialect)
        expect(text).toBe(sql)
        for (let at = 0; at < text.length; at += 1) expect(offsetOf(at)).toBe(at)
      }),
    )
  })

  it('knows where what it copied comes from', () => {
    const piece = fc.constantFrom(
      'approx_distinct(',
      'td_sumif(',
      ')',
      'a',
      ', ',
      ' > 1',
      'collect_set(',
      "'é'",
      ' from t ',
    )
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }),
        fc.constantFrom('duckdb', 'presto', 'hive'),
        (pieces, dialect) => {
          const sql = `select 1, ${pieces.join('')} marked`
          const { text, offsetOf } = translate(sql, dialect)
          expect(offsetOf(text.lastIndexOf('marked'))).toBe(sql.lastIndexOf('marked'))
        },
      ),
    )
  })

  it.each([
    ['presto', 'collect_set('.repeat(400) + 'a' + ')'.repeat(400)],
    ['presto', 'values 1 '.repeat(100_000)],
    ['presto', 'select '.repeat(140_000)],
    ['presto', 'select td_sessionize('.repeat(400)],
    ['presto', 'unnest(a, '.repeat(490) + ') t(a, b)'.repeat(490)],
    ['hive', 'array<'.repeat(160_000)],
    ['hive', `${'array<'.repeat(80_000)}${'>'.repeat(80_000)}`],
    ['hive', 'lateral view json_tuple('.repeat(300) + ", 'a', 'b') t as a, b".repeat(300)],
    ['hive', 'distribute by '.repeat(70_000)],
    ['hive', `'`.repeat(1_000_000)],
    ['duckdb', `${'map_filter(m, (k, v) -> '.repeat(400)}${')'.repeat(400)}`],
    ['duckdb', 'td_sessionize(a, 1, b) '.repeat(40_000)],
  ] as const)('of hostile SQL comes to an end: %s, %#', (dialect, sql) => {
    try {
      expect(translate(sql, dialect).text.length).toBeLessThan(50_000_000)
    } catch (error) {
      expect(error).toBeInstanceOf(AppError)
    }
  })

  it('gives errors the place in what was written', async () => {
    const sql = 'select approx_distinct(a),\n  oops'
    const fail = async (text: string) => {
      await Promise.resolve()
      throw new AppError('query_semantic', 'no', { position: { offset: text.indexOf('oops') } })
    }
    await expect(inTranslation(sql, translate(sql, 'presto'), fail)).rejects.toMatchObject({
      position: { offset: sql.indexOf('oops'), line: 2, column: 3 },
    })
  })

  it.each([
    'select td_sessionize_window(time, 60) from t',
    'select td_sessionize_window(time, 60) over (partition by a order by time) from t join u on true',
    'select td_sessionize(time, 60, a), count(*) from t group by 1',
    'select td_sessionize(time, 60) from t',
    'select td_sessionize(time, 60, a)',
    'select td_x_rank() from t',
    'select td_x_rank(a), count(*) from t group by 1',
  ])('%s cannot tell sessions', (sql) => {
    expect(() => translate(sql, 'presto')).toThrow(/Sessions and ranks are told/)
  })

  it('of a lateral view of something else fails', () => {
    for (const call of ['stack(1)', 'td_pivot(a, b)', 'td_pivot(a, b, c)', "td_unpivot('a, b', a)", 'td_unpivot()']) {
      expect(() => translate(`select * from t lateral view ${call} u`, 'hive')).toThrow(/LATERAL VIEW/)
    }
  })
})
