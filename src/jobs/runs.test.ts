import { array, assert, integer, property } from 'fast-check'
import { expect, it } from 'vitest'

import { finishedItems, parseFinished } from './channels.ts'
import { runsOf } from './runs.ts'

const numbers = array(integer({ min: 1, max: 60 }), { maxLength: 40 })

it('makes runs that have all numbers, no others, and gaps between them', () => {
  assert(
    property(numbers, (values) => {
      const runs = runsOf(values)
      const told = runs.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i))
      expect(told).toEqual([...new Set(values)].toSorted((a, b) => a - b))
      runs.slice(1).forEach(({ first }, index) => expect(first).toBeGreaterThan((runs[index]?.last ?? 0) + 1))
    }),
  )
})

it('announces finished jobs in runs, and reads them back', () => {
  expect(finishedItems([7, 3, 5, 4])).toEqual(['3-5', '7'])
  assert(
    property(
      numbers.filter(({ length }) => length > 0),
      (ids) => {
        expect(parseFinished(finishedItems(ids).join(','))).toEqual(runsOf(ids))
      },
    ),
  )
})
