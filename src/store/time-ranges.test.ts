import fc from 'fast-check'
import { expect, test } from 'vitest'

import { formatMultirange } from './time-ranges.ts'

test.each([
  [[], '{}'],
  [[{ from: 0, to: 3600 }], '{[0,3600)}'],
  [[{ from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }], '{[,)}'],
  [
    [
      { from: 5, to: 5 },
      { from: 7, to: 6 },
      { from: -2, to: -1 },
    ],
    '{[-2,-1)}',
  ],
  [[{ from: 0.5, to: 1.5 }], '{[1,2)}'],
  [[{ from: 0.1, to: 0.2 }], '{}'],
  [[{ from: -1e300, to: 1e300 }], '{[,)}'],
  [[{ from: 1e300, to: Number.POSITIVE_INFINITY }], '{}'],
  [[{ from: 2 ** 62, to: 2 ** 63 }], '{[4611686018427387904,)}'],
])('%j is %s', (ranges, expected) => {
  expect(formatMultirange(ranges)).toBe(expected)
})

test('a whole second lies in the text exactly where it lies in the range', () => {
  const end = fc.oneof(fc.double({ min: -50, max: 50, noNaN: true }), fc.constantFrom(-Infinity, Infinity))
  fc.assert(
    fc.property(end, end, fc.integer({ min: -60, max: 60 }), (from, to, second) => {
      const found = /^\{(?:\[(-?\d*),(-?\d*)\))?\}$/.exec(formatMultirange([{ from, to }]))
      const [, lower, upper] = found ?? []
      const inText =
        lower !== undefined &&
        upper !== undefined &&
        (lower === '' || Number(lower) <= second) &&
        (upper === '' || second < Number(upper))
      expect(inText).toBe(from <= second && second < to)
    }),
  )
})
