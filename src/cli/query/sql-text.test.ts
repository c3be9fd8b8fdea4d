import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { fillIn, readParameters } from './parameters.ts'
import { splitStatements, sqlSpans } from './sql-spans.ts'

const fragment = fc.constantFrom(
  'select',
  ' ',
  "'",
  "''",
  '"',
  '--',
  '\n',
  '/*',
  '*/',
  '$$',
  '$a$',
  ';',
  '${x}',
  'e',
  'E',
  '\\',
  '1',
)
const sqlText = fc.array(fragment, { maxLength: 30 }).map((parts) => parts.join(''))

describe('spans', () => {
  test('cover the SQL without gaps', () => {
    fc.assert(
      fc.property(sqlText, (sql) => {
        const spans = sqlSpans(sql)
        expect(spans.map(({ start, end }) => sql.slice(start, end)).join('')).toBe(sql)
        for (const [index, span] of spans.entries()) expect(span.start).toBe(index === 0 ? 0 : spans[index - 1]?.end)
      }),
    )
  })

  test('know quotes and comments', () => {
    const sql = `a 'it''s' "n""m" -- c 'x\nb /* ' */ e'\\'' like'y' $t$ ' $t$ c$d$e $1`
    expect(
      sqlSpans(sql).flatMap(({ kind, start, end }) => (kind === 'code' ? [] : [[kind, sql.slice(start, end)]])),
    ).toEqual([
      ['text', "'it''s'"],
      ['name', '"n""m"'],
      ['comment', "-- c 'x"],
      ['comment', "/* ' */"],
      ['text', "e'\\''"],
      ['text', "'y'"],
      ['text', "$t$ ' $t$"],
    ])
  })
})

test('statements end with a semicolon that is code', () => {
  expect(splitStatements(`select ';' ; -- a;\nselect 2;; select "`)).toEqual({
    statements: [`select ';'`, `-- a;\nselect 2`],
    rest: ' select "',
  })
})

describe('parameters', () => {
  const fill = (sql: string, ...options: string[]) => fillIn(sql, readParameters(options))

  test('become literals', () => {
    expect(fill('a = ${x} and b > ${n} and c = ${x}', "x=it's", 'n:=-1.5')).toBe(
      "a = 'it''s' and b > (-1.5) and c = 'it''s'",
    )
    expect(fill('${a}, ${b}, ${c}', 'a:=12', 'b:=NULL', 'c=12')).toBe("12, NULL, '12'")
    expect(fill("select '${x}'")).toBe("select '${x}'")
  })

  test('never become anything but one literal', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("'", '"', '-', ';', '$', '{x}', '\\', '/*', '\n', 'a') }),
        (value) => {
          const filled = fill('before ${x} after', `x=${value}`)
          const texts = sqlSpans(filled).filter(({ kind }) => kind !== 'code')
          expect(texts).toEqual([{ kind: 'text', start: 7, end: filled.length - 6, closed: true }])
          expect(filled.slice(8, -7).replaceAll("''", "'")).toBe(value)
        },
      ),
    )
  })

  test.each([
    ['select ${y}', ['x=1'], /y.*no value/],
    ['select 1', ['x=1'], /does not name/],
    ["select '${x}'", ['x=1'], /inside of quotes/],
    ['select "${x}"', ['x=1'], /inside of quotes/],
    ['select $$${x}$$', ['x=1'], /inside of quotes/],
    ['select ${x}', ['x'], /not name=text/],
    ['select ${x}', ['x:=1; drop table t'], /no number/],
    ['select ${x}', ['x=1', 'x=2'], /twice/],
    ['select ${x}', ['x=a\0b'], /NUL/],
  ])('that cannot be filled in are refused: %s with %j', (sql, options, message) => {
    expect(() => fill(sql, ...options)).toThrow(message)
  })
})
