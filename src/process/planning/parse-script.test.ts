import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { AppError, must } from '../../base/errors.ts'
import { isLike } from './like.ts'
import { nearestName } from './nearest-name.ts'
import { parseScript } from './parse-script.ts'
import { tokenize } from './tokens.ts'

const parseStatement = (sql: string) => must(parseScript(sql)[0], 'a script has statements')

const shape = (sql: string): unknown => {
  const statement = parseStatement(sql)
  return 'select' in statement ? { ...statement, select: statement.select.text } : statement
}

describe('scripts', () => {
  test('are statements with semicolons between them', () => {
    const sql = "-- of a workflow\n;drop table if exists `a`;\ncreate table a as select ';' as b; select 1 -- ;\n;;"
    expect(parseScript(sql)).toMatchObject([
      { kind: 'drop_table', ifExists: true, table: { database: null, name: 'a', offset: sql.indexOf('`a`') } },
      { kind: 'create_table_as', select: { text: "select ';' as b", offset: sql.indexOf("select ';'") } },
      { kind: 'select', select: { text: 'select 1', offset: sql.indexOf('select 1') } },
    ])
  })

  test('may have names in backticks, which keep every place', () => {
    const sql = 'select `a`, `b``c` from `d`.`e` where x = 1'
    const text = 'select "a", "b`c"  from "d"."e" where x = 1'
    expect(parseScript(sql)).toMatchObject([{ kind: 'select', select: { text, offset: 0 } }])
    for (const broken of ['select `', 'select ``', 'select `a"b`']) {
      expect(() => parseScript(broken)).toThrow(
        expect.objectContaining({ code: 'query_syntax', position: { offset: 7, line: 1, column: 8 } }),
      )
    }
  })

  test('have a limit', () => {
    expect(() => parseScript('select 1;'.repeat(101))).toThrow(
      expect.objectContaining({ code: 'statement_not_allowed' }),
    )
  })
})

describe('statements', () => {
  test.each([
    ['select 1;', { kind: 'select', select: 'select 1' }],
    ['/* a /* b */ */ select ";" -- ;\n;', { kind: 'select', select: 'select ";"' }],
    [`SELECT ';--' ; ;`, { kind: 'select', select: `SELECT ';--'` }],
    [`select E'\\';' , $$;$$, $a$ ; $a$;`, { kind: 'select', select: `select E'\\';' , $$;$$, $a$ ; $a$` }],
    ['(select 1)', { kind: 'select', select: '(select 1)' }],
    ['from t', { kind: 'select', select: 'from t' }],
    ['explain select 1', { kind: 'explain', select: 'select 1' }],
    [
      'insert into a.b (c, "D d") select 1, 2',
      {
        kind: 'insert',
        table: { database: 'a', name: 'b', offset: 12 },
        columns: ['c', 'D d'],
        overwrite: false,
        select: 'select 1, 2',
      },
    ],
    [
      'insert into b (select 1)',
      {
        kind: 'insert',
        table: { database: null, name: 'b', offset: 12 },
        columns: null,
        overwrite: false,
        select: '(select 1)',
      },
    ],
    [
      'create table if not exists t as with x as (select 1) select * from x',
      {
        kind: 'create_table_as',
        table: { database: null, name: 't', offset: 27 },
        ifNotExists: true,
        select: 'with x as (select 1) select * from x',
      },
    ],
    [
      'drop table if exists a.t',
      { kind: 'drop_table', table: { database: 'a', name: 't', offset: 21 }, ifExists: true },
    ],
    ['describe t', { kind: 'describe', table: { database: null, name: 't', offset: 9 } }],
    ['show columns from a.t', { kind: 'describe', table: { database: 'a', name: 't', offset: 18 } }],
    ['show databases', { kind: 'show_databases', like: null }],
    [`show tables in a like 'it''s%'`, { kind: 'show_tables', database: 'a', like: `it's%` }],
    ['delete from t', { kind: 'delete', table: { database: null, name: 't', offset: 12 }, where: null }],
    ['truncate a.t', { kind: 'truncate', table: { database: 'a', name: 't', offset: 9 } }],
    ['TRUNCATE TABLE t;', { kind: 'truncate', table: { database: null, name: 't', offset: 15 } }],
    [
      'merge into t (a, b) key (a) values (1, 2)',
      {
        kind: 'merge',
        table: { database: null, name: 't', offset: 11 },
        columns: ['a', 'b'],
        keys: ['a'],
        select: 'values (1, 2)',
      },
    ],
    [
      'insert overwrite table t select 1',
      {
        kind: 'insert',
        table: { database: null, name: 't', offset: 23 },
        columns: null,
        overwrite: true,
        select: 'select 1',
      },
    ],
    [
      'alter table t rename to b.u',
      {
        kind: 'rename_table',
        table: { database: null, name: 't', offset: 12 },
        to: { database: 'b', name: 'u', offset: 24 },
      },
    ],
    [
      'alter table t swap with u',
      {
        kind: 'swap_tables',
        table: { database: null, name: 't', offset: 12 },
        other: { database: null, name: 'u', offset: 24 },
      },
    ],
    [
      `alter table t set properties (expire_days = 30, CLUSTER_BY = 'it''s', history_hours = default)`,
      {
        kind: 'set_properties',
        table: { database: null, name: 't', offset: 12 },
        properties: new Map<string, unknown>([
          ['expire_days', 30],
          ['cluster_by', "it's"],
          ['history_hours', null],
        ]),
      },
    ],
    ['alter table t purge history', { kind: 'purge_history', table: { database: null, name: 't', offset: 12 } }],
    ['undrop table a.t', { kind: 'undrop_table', table: { database: 'a', name: 't', offset: 13 } }],
  ])('%s', (sql, expected) => {
    expect(shape(sql)).toEqual(expected)
  })

  test.each([
    ['delete from t where a = 1; ;', 't', 'a = 1', 20],
    ['delete from a.t as x where x.b -- why\n', 'x', 'x.b', 27],
    ['DELETE FROM t "X" WHERE (a or b)', 'X', '(a or b)', 24],
  ])('the condition of %s', (sql, alias, text, offset) => {
    expect(parseStatement(sql)).toMatchObject({ kind: 'delete', where: { alias, text, offset } })
  })

  test.each([
    ['delete t', 'query_syntax'],
    ['delete from t where', 'query_syntax'],
    ['delete from t using u where a = b', 'query_syntax'],
    ['merge into t select 1', 'query_syntax'],
    ['merge into t key () select 1', 'query_syntax'],
    ['truncate t where a', 'query_syntax'],
    ['alter table t', 'statement_not_allowed'],
    ['alter view t rename to u', 'statement_not_allowed'],
    ['alter table t rename to u v', 'query_syntax'],
    ['alter table t set properties (a = b)', 'query_syntax'],
    ['update t set a = 1', 'statement_not_allowed'],
    ['insert into t for version as of 3 select 1', 'statement_not_allowed'],
    ['delete from a.t for version as of 3 where a', 'statement_not_allowed'],
    ['drop table t for version as of 3', 'statement_not_allowed'],
  ])('%s fails with %s', (sql, code) => {
    expect(() => parseStatement(sql)).toThrow(expect.objectContaining({ code }))
  })

  test('any text is a statement or fails as expected, and its tokens lie in order', () => {
    const words = fc.constantFrom(
      'select',
      'insert',
      'into',
      '"',
      "'",
      '$$',
      '/*',
      '*/',
      '--',
      '\n',
      ';',
      '(',
      ')',
      '.',
      'é',
      '1',
      ' ',
    )
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(words, { maxLength: 30 }).map((all) => all.join('')),
    )
    fc.assert(
      fc.property(text, (sql) => {
        try {
          const tokens = tokenize(sql)
          tokens.reduce((end, token) => {
            expect(token.start).toBeGreaterThanOrEqual(end)
            expect(token.end).toBeGreaterThan(token.start)
            return token.end
          }, 0)
          parseStatement(sql)
        } catch (error) {
          expect(error).toBeInstanceOf(AppError)
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('a megabyte of anything takes no time to speak of', () => {
    for (const part of ["'", '"', '/*', '--\n', '$a', '(a)', ' ', 'é', '1', 'E']) {
      tokenize(part.repeat(Math.floor(1e6 / part.length)))
    }
  })
})

test('LIKE means what PostgreSQL means by it', () => {
  const cases: [name: string, pattern: string, matches: boolean][] = [
    ['logs', 'l%', true],
    ['logs', '%g_', true],
    ['logs', 'l', false],
    ['logs', 'LOGS', true],
    ['logs', '', false],
    ['', '%%', true],
    ['a.b', 'a_b', true],
    ['axb', 'a.b', false],
    ['aXbXc'.toLowerCase(), '%x%x%', true],
    ['a'.repeat(128), `${'a%'.repeat(10_000)}b`, false],
  ]
  for (const [name, pattern, matches] of cases) expect(isLike(name, pattern), pattern.slice(0, 20)).toBe(matches)
})

test('the nearest name is near', () => {
  const names = ['logs', 'events', 'user_sessions']
  expect(nearestName('lgos', names)).toBe('logs')
  expect(nearestName('event', names)).toBe('events')
  expect(nearestName('wbe', ['web'])).toBe('web')
  expect(nearestName('api', ['web'])).toBeUndefined()
  expect(nearestName('user_session', names)).toBe('user_sessions')
  expect(nearestName('x', names)).toBeUndefined()
  expect(nearestName('payments', names)).toBeUndefined()
})
