import { expect, test } from 'vitest'

import type { EngineSql } from '../engines/duckdb/tasks.ts'
import { KnownAnalyses } from './known-analyses.ts'

const text = (whole: string, offset = 0): EngineSql => ({ sql: whole.slice(offset), whole, offset })

/** Counts how often each text was looked at. */
function bench() {
  const looks: string[] = []
  const known = new KnownAnalyses()
  const look = (of: EngineSql) =>
    known.of(of, async () => {
      looks.push(of.sql)
      return { tables: [{ database: null, name: of.sql, offset: of.offset }] }
    })
  return { looks, look }
}

test('a text is looked at once, as long as it is known', async () => {
  const { looks, look } = bench()
  const first = await look(text('select 1'))
  expect(await look(text('select 1'))).toEqual(first)
  expect(looks).toEqual(['select 1'])
})

test('the same SQL at another place is another text, for its tables are placed', async () => {
  const { look } = bench()
  expect(await look(text('   select 1', 3))).toEqual({ tables: [{ database: null, name: 'select 1', offset: 3 }] })
  expect(await look(text('select 1'))).toEqual({ tables: [{ database: null, name: 'select 1', offset: 0 }] })
})

test('what is written for one statement by ourselves are texts of their own, however long each is', async () => {
  const { look } = bench()
  const whole = 'merge into t key (id) select 1'
  const ours = (sql: string): EngineSql => ({ sql, whole, offset: 0 })
  await look(ours('select 1 from a'))
  expect(await look(ours('select 1 from b'))).toMatchObject({ tables: [{ name: 'select 1 from b' }] })
})

test('a look that fails is not remembered', async () => {
  const known = new KnownAnalyses()
  await expect(known.of(text('x'), () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await known.of(text('x'), async () => ({ tables: [] }))).toEqual({ tables: [] })
})

test('a thousand texts are remembered, those that were asked for last', async () => {
  const { looks, look } = bench()
  for (let number = 0; number < 1000; number += 1) await look(text(`select ${number}`))
  await look(text('select 0'))
  await look(text('select 1000'))
  looks.splice(0)
  for (const sql of ['select 0', 'select 1000', 'select 1']) await look(text(sql))
  expect(looks).toEqual(['select 1'])
})
