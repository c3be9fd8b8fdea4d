import { expect, it } from 'vitest'

import { restartMs } from './backoff.ts'

it('what was ready comes back within a second, and what never was waits ever longer', () => {
  const failures = [1, 2, 3, 4, 7, 1000]
  expect(failures.map((count) => restartMs(count, true))).toEqual([250, 500, 1000, 1000, 1000, 1000])
  expect(failures.map((count) => restartMs(count, false))).toEqual([250, 500, 1000, 2000, 10_000, 10_000])
})
