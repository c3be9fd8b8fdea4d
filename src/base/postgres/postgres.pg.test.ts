import { afterAll, beforeAll, expect, test } from 'vitest'

import type { TestDatabase } from '../../../test/support/postgres.ts'
import { openTestDatabase } from '../../../test/support/postgres.ts'
import { sql } from './postgres.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database.close())

test('fragments nest and parameters are numbered in order', async () => {
  const condition = sql`a > ${1} and b = ${'x'}`
  const rows = await database.postgres.query(
    sql`select * from (values (1, 'x'), (2, 'x'), (3, 'y')) as t (a, b) where ${condition} and a < ${9}`,
  )
  expect(rows).toEqual([{ a: 2, b: 'x' }])
})
