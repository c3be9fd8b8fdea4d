import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { timesOfFilter } from './time-filters.ts'
import type { TimeSet } from './time-ranges.ts'
import { always, intersection, never, rangesMax, union } from './time-ranges.ts'

const contains = (set: TimeSet, second: number) => set.some(({ from, to }) => from <= second && second < to)

const timeSet = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 10 })))
  .map((ranges) => union(ranges.map(([from, length]) => [{ from, to: from + length }])))

describe('sets of times', () => {
  test('union and intersection are those of sets', () => {
    fc.assert(
      fc.property(timeSet, timeSet, fc.integer({ min: -1, max: 51 }), (a, b, second) => {
        expect(contains(union([a, b]), second)).toBe(contains(a, second) || contains(b, second))
        expect(contains(intersection(a, b), second)).toBe(contains(a, second) && contains(b, second))
        expect(union([a, always])).toEqual(always)
        expect(intersection(a, never)).toEqual(never)
      }),
    )
  })

  test('become one range when they are too many', () => {
    const points = Array.from({ length: rangesMax + 1 }, (_, index) => [{ from: index * 2, to: index * 2 + 1 }])
    expect(union(points)).toEqual([{ from: 0, to: rangesMax * 2 + 1 }])
  })
})

const bigint = (value: unknown) => ({ type: { id: 'BIGINT', type_info: null }, is_null: false, value })
const compared = (comparison: string, constant: unknown) => ({
  filter_type: 'CONSTANT_COMPARISON',
  comparison_type: comparison,
  constant,
})

describe('filters', () => {
  test.each<[string, unknown, TimeSet]>([
    ['equal', compared('COMPARE_EQUAL', bigint(5)), [{ from: 5, to: 6 }]],
    ['not equal', compared('COMPARE_NOTEQUAL', bigint(5)), always],
    ['digits that JSON lost', compared('COMPARE_GREATERTHAN', bigint(2 ** 53)), always],
    ['null', compared('COMPARE_EQUAL', { ...bigint(null), is_null: true }), always],
    ['a text', compared('COMPARE_EQUAL', { ...bigint('5'), type: { id: 'VARCHAR' } }), always],
    ['what comes later', { filter_type: 'SOMETHING_NEW', child_filters: [] }, always],
    ['no filter at all', undefined, always],
    ['an empty disjunction', { filter_type: 'CONJUNCTION_OR', child_filters: [] }, always],
    [
      'a disjunction with something unknown',
      { filter_type: 'CONJUNCTION_OR', child_filters: [compared('COMPARE_EQUAL', bigint(5)), { filter_type: 'X' }] },
      always,
    ],
    [
      'a conjunction with something unknown',
      {
        filter_type: 'CONJUNCTION_AND',
        child_filters: [compared('COMPARE_LESSTHAN', bigint(5)), { filter_type: 'X' }],
      },
      [{ from: Number.NEGATIVE_INFINITY, to: 5 }],
    ],
  ])('%s', (_, filter, times) => {
    expect(timesOfFilter(filter)).toEqual(times)
  })

  test('of any shape are read without failing', () => {
    fc.assert(
      fc.property(
        fc.object({ key: fc.constantFrom('filter_type', 'child_filters', 'expr', 'left', 'value', 'constant') }),
        (filter) => {
          expect(Array.isArray(timesOfFilter(filter))).toBe(true)
        },
      ),
    )
  })
})
