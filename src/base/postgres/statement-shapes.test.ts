import { expect, test } from 'vitest'

import { sql } from './postgres.ts'
import type { Sql } from './postgres.ts'
import { StatementShapes } from './statement-shapes.ts'

const nameOf = (statement: Sql): string | undefined => statement.toQuery().name

test('prepares a shape that comes again, whatever its values are', () => {
  const shapes = new StatementShapes('a')
  const names = [1, 2, 3, 4].map((value) => nameOf(shapes.prepared(sql`select ${value}`)))
  expect(names).toEqual([undefined, undefined, 'a_1', 'a_1'])
  expect(shapes.prepared(sql`select ${7}`).toQuery()).toEqual({ name: 'a_1', text: 'select $1', values: [7] })
})

test('leaves texts with long lists as they are, and does not keep them', () => {
  const shapes = new StatementShapes('a')
  const long = sql`select ${1} where ${Array.from({ length: 2000 }).reduce<Sql>((sum) => sql`${sum} and true`, sql`true`)}`
  expect([1, 2, 3, 4].map(() => nameOf(shapes.prepared(long)))).toEqual([undefined, undefined, undefined, undefined])
})

test('gives each shape a name of its own, and names to so many only', () => {
  const shapes = new StatementShapes('a')
  const shape = (ands: number): Sql =>
    Array.from({ length: ands }).reduce<Sql>((sum) => sql`${sum} and true`, sql`true`)
  const asked = (ands: number) => [1, 2, 3].map(() => nameOf(shapes.prepared(shape(ands)))).at(-1)
  const names = Array.from({ length: 100 }, (_, ands) => asked(ands))
  const given = names.filter((name) => name !== undefined)
  expect(new Set(given).size).toBe(given.length)
  expect(given).toHaveLength(40)
  expect(asked(0)).toBe('a_1')
})
