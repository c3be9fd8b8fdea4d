import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { AppError } from '../../../base/errors.ts'
import { tokenize } from '../tokens.ts'
import { presentText } from './time-travel.ts'

const present = (sql: string) => presentText(sql, tokenize(sql))
const squeezed = (sql: string) => present(sql).text.replaceAll(/ +/g, ' ').replaceAll(' )', ')').trim()
const moments = (sql: string) => present(sql).standIns.map(({ asOf }) => asOf)

describe('a table as it was', () => {
  test.each([
    ['select * from t for version as of 12', 'select * from "@"."0" AS t'],
    ['select * from db.t FOR SYSTEM_VERSION AS OF 12 where a = 1', 'select * from "@"."0" AS t where a = 1'],
    ['from t for version as of 1 select a', 'from "@"."0" AS t select a'],
    ['select x.a from t for version as of 12 as x', 'select x.a from "@"."0" as x'],
    ['select x.a from t for version as of 12 x, u', 'select x.a from "@"."0" x, u'],
    ['select * from t for version as of 12 "X y"', 'select * from "@"."0" "X y"'],
    ['select * from "my t" for version as of 12', 'select * from "@"."0" AS "my t"'],
    [
      'select * from t for version as of 1 old join t for version as of 2 as new using (id)',
      'select * from "@"."0" old join "@"."1" as new using (id)',
    ],
    ['select * from t for version as of 1 left join u on true', 'select * from "@"."0" AS t left join u on true'],
    ['select (select max(a) from t for version as of 1) from u', 'select (select max(a) from "@"."0" AS t) from u'],
    ['(select a from t for version as of 2) except from t', '(select a from "@"."0" AS t) except from t'],
    ['select * from t /* was */ for version -- then\nas of 1', 'select * from "@"."0" AS t'],
    ['from t for version as of 3 since 1 x', 'from "@"."0" x'],
    ['summarize t for version as of 1', 'summarize "@"."0"'],
    ['table db.t for version as of 1', 'table "@"."0"'],
    [
      `select 't for version as of 1', "t for version as of 2" from t`,
      `select 't for version as of 1', "t for version as of 2" from t`,
    ],
    ['select a from t -- for version as of 1', 'select a from t -- for version as of 1'],
    ['select [version for version in l] as of from t', 'select [version for version in l] as of from t'],
  ])('%s', (sql, expected) => {
    expect(squeezed(sql)).toBe(expected)
    expect(present(sql).text).toHaveLength(sql.length)
  })

  test('leaves everything behind it in its place', () => {
    const sql = `select * from db.t for timestamp as of timestamp '2026-01-01 00:00:00' x where x.ü = 1`
    const { text, standIns } = present(sql)
    expect(text.indexOf(' x where')).toBe(sql.indexOf(' x where'))
    expect(standIns).toEqual([
      {
        standIn: { database: '@', name: '0' },
        table: { database: 'db', name: 't', offset: 14 },
        asOf: { time: new Date('2026-01-01T00:00:00Z') },
      },
    ])
  })

  test.each([
    [`timestamp '2026-01-31 12:30:00'`, '2026-01-31T12:30:00.000Z'],
    [`TIMESTAMP '2026-01-31 12:30:00.25'`, '2026-01-31T12:30:00.250Z'],
    [`'2026-01-31'`, '2026-01-31T00:00:00.000Z'],
    [`date '2026-01-31'`, '2026-01-31T00:00:00.000Z'],
    [`'2026-01-31T12:30Z'`, '2026-01-31T12:30:00.000Z'],
    [`'2026-01-31 12:30:00 UTC'`, '2026-01-31T12:30:00.000Z'],
    [`'2026-01-31 12:30:00+09'`, '2026-01-31T03:30:00.000Z'],
    [`'2026-01-31 12:30:00 -03:30'`, '2026-01-31T16:00:00.000Z'],
    ['1769862600', '2026-01-31T12:30:00.000Z'],
  ])('at the time %s', (literal, iso) => {
    expect(moments(`select * from t for timestamp as of ${literal}`)).toEqual([{ time: new Date(iso) }])
    expect(moments(`select * from t for system_time as of ${literal} x`)).toEqual([{ time: new Date(iso) }])
  })

  test.each([
    'select * from t for version as of',
    `select * from t for version as of '1'`,
    'select * from t for version as of 1.5',
    'select * from t for version as of x',
    'select * from t for version as of 3 since x',
    'select * from (select 1) for version as of 1',
    'select * from a.b.c for version as of 1',
    'for version as of 1',
    `select * from t for timestamp as of '2026-13-01'`,
    `select * from t for timestamp as of 'yesterday'`,
    'select * from t for timestamp as of now()',
  ])('is refused: %s', (sql) => {
    expect(() => present(sql)).toThrow(expect.objectContaining({ code: 'query_syntax' }))
  })

  test('any text keeps its length, or fails as expected', () => {
    const parts =
      `t|"q"|.| for | version | as | of | 12 | for version as of 3 |x|,|(|)|'s'| timestamp |\n|--|summarize `.split('|')
    const words = fc.constantFrom(...parts, ` for system_time as of '2026-01-01'`)
    fc.assert(
      fc.property(fc.array(words, { maxLength: 25 }), (all) => {
        const sql = all.join('')
        try {
          const { text, standIns } = present(sql)
          expect(text).toHaveLength(sql.length)
          expect(standIns.every(({ standIn }) => text.includes(`"@"."${standIn.name}"`))).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(AppError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
