import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { anything, nothing } from '../../store/conditions.ts'
import type { ChunkCondition } from '../../store/conditions.ts'
import { conditionOfFilter } from './plan-filters.ts'
import { parsePlan } from './plan-nodes.ts'

const column = { fieldId: 6, name: 'n', type: { kind: 'bigint' as const } }

const bigint = (value: unknown) => ({ type: { id: 'BIGINT', type_info: null }, is_null: false, value })
const compared = (comparison: string, constant: unknown) => ({
  filter_type: 'CONSTANT_COMPARISON',
  comparison_type: comparison,
  constant,
})
const within = (low: string | null, high: string | null): ChunkCondition => ({ kind: 'within', fieldId: 6, low, high })

describe('filters', () => {
  test.each<[string, unknown, ChunkCondition]>([
    ['equal', compared('COMPARE_EQUAL', bigint(5)), within('5', '5')],
    ['less', compared('COMPARE_LESSTHAN', bigint(5)), within(null, '4')],
    ['not equal', compared('COMPARE_NOTEQUAL', bigint(5)), { kind: 'value', fieldId: 6 }],
    [
      'digits that JSON loses',
      compared('COMPARE_GREATERTHAN', bigint('9007199254740993')),
      within('9007199254740994', null),
    ],
    ['a number that lost digits', compared('COMPARE_GREATERTHAN', bigint(2 ** 53)), anything],
    ['null', compared('COMPARE_EQUAL', { ...bigint(null), is_null: true }), anything],
    ['a text', compared('COMPARE_EQUAL', { ...bigint('5'), type: { id: 'VARCHAR' } }), anything],
    ['a date', compared('COMPARE_EQUAL', { ...bigint(5), type: { id: 'DATE' } }), anything],
    ['what comes later', { filter_type: 'SOMETHING_NEW', child_filters: [] }, anything],
    ['no filter at all', undefined, anything],
    ['an empty disjunction', { filter_type: 'CONJUNCTION_OR', child_filters: [] }, anything],
    [
      'a contradiction',
      { filter_type: 'CONJUNCTION_AND', child_filters: [compared('COMPARE_EQUAL', decimal(55n, 1))] },
      nothing,
    ],
    [
      'a disjunction with something unknown',
      { filter_type: 'CONJUNCTION_OR', child_filters: [compared('COMPARE_EQUAL', bigint(5)), { filter_type: 'X' }] },
      anything,
    ],
    [
      'a conjunction with something unknown',
      {
        filter_type: 'CONJUNCTION_AND',
        child_filters: [compared('COMPARE_LESSTHAN', bigint(5)), { filter_type: 'X' }],
      },
      within(null, '4'),
    ],
  ])('%s', (_, filter, condition) => {
    expect(conditionOfFilter(filter, column)).toEqual(condition)
  })

  test('of any shape are read without failing', () => {
    fc.assert(
      fc.property(
        fc.object({ key: fc.constantFrom('filter_type', 'child_filters', 'expr', 'left', 'value', 'constant') }),
        (filter) => {
          expect(conditionOfFilter(filter, column)).toHaveProperty('kind')
        },
      ),
    )
  })
})

function decimal(unscaled: bigint, scale: number) {
  return { type: { id: 'DECIMAL', type_info: { scale } }, is_null: false, value: { upper: 0, lower: Number(unscaled) } }
}

describe('the JSON of a plan', () => {
  test.each([
    ['{"value":9007199254740993}', { value: '9007199254740993' }],
    ['{"value":-170141183460469231731687303715884105728}', { value: '-170141183460469231731687303715884105728' }],
    ['{"value":NaN,"other":-Infinity}', { value: 'NaN', other: '-Infinity' }],
    ['{"value":"NaN, 1234567890123456789 \\" Infinity"}', { value: 'NaN, 1234567890123456789 " Infinity' }],
    ['{"value":1234567890123456.5,"other":1e300}', { value: 1234567890123456.5, other: 1e300 }],
  ])('%s keeps what JavaScript would lose', (json, value) => {
    expect(parsePlan(json)).toEqual(value)
  })
})
