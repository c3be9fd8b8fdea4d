import { describe, expect, it } from 'vitest'

import type { Chunk, SchemaChange } from '../store.ts'
import { parseType } from '../types.ts'
import { changesSince } from './changes.ts'

const retype = (type: string): SchemaChange => {
  const to = { fieldId: 20, name: 'v', type: parseType('varchar') }
  return { version: 2, kind: 'retype', from: { fieldId: 6, name: 'v', type: parseType(type) }, to }
}

/** A chunk of ten rows of the columns before the change, with so many nulls by field id. */
const chunk = (nulls: Record<number, number>): Pick<Chunk, 'schemaVersion' | 'statistics' | 'rows'> => {
  const statistics = Object.entries({ 1: 0, ...nulls }).map(([id, count]) => [Number(id), { bytes: 1, nulls: count }])
  return { schemaVersion: 1, rows: 10, statistics: Object.fromEntries(statistics) as Chunk['statistics'] }
}

describe('a change of the type of a column', () => {
  it.each([
    ['bigint', { 6: 9 }, true],
    ['bigint', { 6: 10 }, false],
    ['bigint', { 7: 0 }, false],
    // Of nested columns, an import knows how many are null, and a merge only what is inside.
    ['array(bigint)', { 6: 9 }, true],
    ['array(bigint)', { 6: 10 }, false],
    ['array(bigint)', { 7: 12 }, true],
    ['map(varchar,row(a bigint))', { 9: 10 }, true],
    ['map(varchar,row(a bigint))', { 10: 0 }, false],
  ])('of %s concerns a chunk with the nulls %o: %s', (type, nulls, concerned) => {
    expect(changesSince([retype(type)], chunk(nulls)).length).toBe(concerned ? 1 : 0)
  })
})
