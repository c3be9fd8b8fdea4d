import { expect, test } from 'vitest'

import { KnownStatements } from './known-statements.ts'

test('a text is read once, in each dialect', () => {
  const known = new KnownStatements()
  const sql = "select 7 / 2, date_diff('day', a, b) from logs"
  const presto = known.translation(sql, 'presto')
  expect(known.translation(sql, 'presto')).toBe(presto)
  expect(known.translation(sql, 'duckdb')).not.toBe(presto)
  expect(known.translation(sql, 'duckdb').text).toBe(sql)
  const script = known.script('select 1; select 2')
  expect(script).toHaveLength(2)
  expect(known.script('select 1; select 2')).toBe(script)
  expect(known.script('select 1; select 3')).not.toEqual(script)
})

test('a failure is told each time anew, and a long text is not kept', () => {
  const known = new KnownStatements()
  for (let time = 0; time < 2; time += 1) {
    expect(() => known.script(' ')).toThrow(expect.objectContaining({ code: 'query_syntax' }))
  }
  const long = `select '${'x'.repeat(10_000)}'`
  expect(known.script(long)).toEqual(known.script(long))
  expect(known.script(long)).not.toBe(known.script(long))
})

test('the text that nobody asked for longest is forgotten first, where texts are long together', () => {
  const known = new KnownStatements()
  const sqlOf = (number: number): string => `select '${String(number).padStart(9980, ' ')}'`
  const [first, second] = [known.script(sqlOf(1)), known.script(sqlOf(2))]
  for (let number = 3; number <= 50; number += 1) known.script(sqlOf(number))
  expect(known.script(sqlOf(1))).toBe(first)
  known.script(sqlOf(51))
  expect(known.script(sqlOf(1))).toBe(first)
  expect(known.script(sqlOf(2))).not.toBe(second)
})
