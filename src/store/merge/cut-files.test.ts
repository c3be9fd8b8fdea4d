import fc from 'fast-check'
import { expect, test } from 'vitest'

import type { HourRows } from './cut-files.ts'
import { cutFiles } from './cut-files.ts'
import { hourSeconds, mergeRules as rules } from './rules.ts'

const hours = (rows: readonly number[], first = 0): HourRows[] =>
  rows.map((count, index) => ({ hour: first + index, rows: count }))

const spans = (cuts: ReturnType<typeof cutFiles>) =>
  cuts.map(({ timeRange: { from, to } }) => [from / hourSeconds, to / hourSeconds])

test('small hours share a file, and a large one begins its own', () => {
  const large = rules.archiveBytesMin
  expect(spans(cutFiles(hours([1, 1, 1]), 10))).toEqual([[0, 3]])
  expect(spans(cutFiles(hours([1, large, 1, 1], -1), 1))).toEqual([
    [-1, 0],
    [0, 1],
    [1, 3],
  ])
  expect(spans(cutFiles(hours([large / 2, large / 2, large / 2]), 1))).toEqual([
    [0, 2],
    [2, 3],
  ])
})

test('hours without rows are passed over', () => {
  const sparse = [
    { hour: 5, rows: 1 },
    { hour: 5000, rows: 1 },
  ]
  expect(spans(cutFiles(sparse, 100))).toEqual([[5, 5001]])
})

test('every hour is in one file, in order; all but those before a large hour and the last are large', () => {
  const anyHours = fc.uniqueArray(
    fc.record({ hour: fc.integer({ min: -50, max: 50 }), rows: fc.integer({ min: 1, max: 200 }) }),
    {
      selector: ({ hour }) => hour,
    },
  )
  fc.assert(
    fc.property(anyHours, (unordered) => {
      const all = unordered.toSorted((a, b) => a.hour - b.hour)
      const bytesPerRow = rules.archiveBytesMin / 100
      const cuts = cutFiles(all, bytesPerRow)
      for (const [index, { timeRange, rows }] of cuts.entries()) {
        const own = all.filter(({ hour }) => hour * hourSeconds >= timeRange.from && hour * hourSeconds < timeRange.to)
        expect(own.reduce((sum, of) => sum + of.rows, 0)).toBe(rows)
        const next = cuts[index + 1]
        if (next === undefined) continue
        expect(timeRange.to).toBeLessThanOrEqual(next.timeRange.from)
        const after = all.find(({ hour }) => hour * hourSeconds === next.timeRange.from)
        expect(rows >= 100 || (after?.rows ?? 0) >= 100).toBe(true)
      }
      expect(cuts.reduce((sum, { rows }) => sum + rows, 0)).toBe(all.reduce((sum, { rows }) => sum + rows, 0))
    }),
  )
})
