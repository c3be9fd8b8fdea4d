import { assert, constantFrom, date, property, tuple } from 'fast-check'
import { expect, it } from 'vitest'

import { parseTimestamp } from './timestamp-text.ts'

it('reads what PostgreSQL writes as the platform does', () => {
  const moments = date({
    min: new Date('0001-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59Z'),
    noInvalidDate: true,
  })
  const shapes = tuple(moments, constantFrom('+00', '+02', '-05', '+05:30'), constantFrom(0, 1, 2, 3, 6))
  assert(
    property(shapes, ([moment, zone, digits]) => {
      const [day = '', time = ''] = moment.toISOString().split('T')
      const fraction =
        digits === 0
          ? ''
          : time
              .slice(8, 12)
              .padEnd(7, '456')
              .slice(0, digits + 1)
      const text = `${day} ${time.slice(0, 8)}${fraction}${zone}`
      expect(parseTimestamp(text)).toEqual(new Date(text))
    }),
    { numRuns: 2000 },
  )
})

it.each(['infinity', '-infinity', '', '2026'])('leaves “%s” to the platform', (text) => {
  expect(parseTimestamp(text)).toEqual(new Date(text))
})
