import { expect, test } from 'vitest'

import type { Plan, PlanInput } from '../engines/duckdb/tasks.ts'
import { KnownPlans } from './known-plans.ts'

const column = (name: string) => ({
  column: { fieldId: 6, name, type: { kind: 'bigint' } as const },
  queryName: name,
})

const input = (sql: string, others: Partial<PlanInput> = {}): PlanInput => ({
  sql,
  whole: sql,
  offset: 0,
  nowUs: 1,
  scheduledSeconds: 1,
  database: 'web',
  tables: [{ database: 'web', name: 'logs', columns: [column('n')] }],
  explain: false,
  ...others,
})

/** Counts how often each query was looked at. */
function bench(plan: Partial<Plan> = {}) {
  const looks: string[] = []
  const known = new KnownPlans()
  const made: Plan = {
    columns: [],
    scans: [],
    shortcut: null,
    isOnePass: true,
    dependsOnMoment: false,
    explained: [],
    ...plan,
  }
  const look = (of: PlanInput) =>
    known.of(of, async () => {
      looks.push(of.sql)
      return made
    })
  return { looks, look }
}

test('a query is planned once, whenever and wherever in a text it is asked', async () => {
  const { looks, look } = bench()
  const first = await look(input('select 1'))
  expect(await look(input('select 1', { nowUs: 2, scheduledSeconds: 2, offset: 3, whole: '   select 1' }))).toBe(first)
  expect(looks).toHaveLength(1)
})

test.each<[string, Partial<PlanInput>]>([
  ['database', { database: 'other' }],
  ['rule of division', { integerDivision: true }],
  ['wish for an explanation', { explain: true }],
  ['table', { tables: [{ database: 'web', name: 'other', columns: [column('n')] }] }],
  ['column', { tables: [{ database: 'web', name: 'logs', columns: [column('n'), column('m')] }] }],
])('another %s is another query', async (_, others) => {
  const { looks, look } = bench()
  await look(input('select 1'))
  await look(input('select 1', others))
  expect(looks).toHaveLength(2)
})

test('what depends on the moment is planned each time', async () => {
  const { looks, look } = bench({ dependsOnMoment: true })
  await look(input('select now()'))
  await look(input('select now()'))
  expect(looks).toHaveLength(2)
})

test('a look that fails is not remembered', async () => {
  const known = new KnownPlans()
  await expect(known.of(input('x'), () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  const { look } = bench()
  expect(await look(input('x'))).toBeDefined()
})

test('ten million characters are remembered, those that were asked for last', async () => {
  const { looks, look } = bench()
  const long = (number: number) => input(`select ${number} -- ${'x'.repeat(90_000)}`)
  for (let number = 0; number < 100; number += 1) await look(long(number))
  await look(long(0))
  for (let number = 100; number < 115; number += 1) await look(long(number))
  looks.splice(0)
  await look(long(0))
  await look(long(114))
  expect(looks).toEqual([])
  await look(long(1))
  expect(looks).toHaveLength(1)
})

test('a plan of very many columns is not remembered, however short its text', async () => {
  const columns = Array.from({ length: 1001 }, () => ({})) as unknown as Plan['columns']
  const { look, looks } = bench({ columns })
  await look(input('select l.*, l.* from logs l'))
  await look(input('select l.*, l.* from logs l'))
  expect(looks.length).toBe(2)
})
