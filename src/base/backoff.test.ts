import { expect, it } from 'vitest'

import { restartMs } from './backoff.ts'

it('what was ready comes back at once, but not twice a second', () => {
  expect([0, 400, 1000, 60_000].map((ranMs) => restartMs(0, ranMs))).toEqual([1000, 600, 0, 0])
})

it('what never was ready waits ever longer', () => {
  expect([1, 2, 3, 4, 7, 1000].map((count) => restartMs(count, 60_000))).toEqual([250, 500, 1000, 2000, 10_000, 10_000])
})
