import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { ChunkCondition } from '../../store/conditions.ts'
import { anything } from '../../store/conditions.ts'
import type { TimeSet } from './time-ranges.ts'
import { always, besidesTime, intersection, never, rangesMax, timesOf, union } from './time-ranges.ts'

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

const time = (low: number | null, high: number | null): ChunkCondition => ({
  kind: 'within',
  fieldId: 1,
  low: low === null ? null : String(low),
  high: high === null ? null : String(high),
})
const other: ChunkCondition = { kind: 'within', fieldId: 7, low: 'a', high: 'b' }

describe('a condition', () => {
  test.each<[string, ChunkCondition, TimeSet, ChunkCondition]>([
    ['on time', time(3, 5), [{ from: 3, to: 6 }], anything],
    ['on time that nothing fulfils', time(5, 3), never, anything],
    ['on another column', other, always, other],
    ['on both', { kind: 'all', of: [time(3, 5), other] }, [{ from: 3, to: 6 }], other],
    [
      'on one of two times',
      { kind: 'any', of: [time(3, 3), time(9, null)] },
      [
        { from: 3, to: 4 },
        { from: 9, to: Infinity },
      ],
      anything,
    ],
    [
      'on time or another column',
      { kind: 'any', of: [time(3, 5), other] },
      always,
      { kind: 'any', of: [time(3, 5), other] },
    ],
    ['on NULL as time', { kind: 'null', fieldId: 1 }, never, anything],
  ])('%s is split into times and the rest', (_, condition, times, rest) => {
    expect(timesOf(condition)).toEqual(times)
    expect(besidesTime(condition)).toEqual(rest)
  })
})
