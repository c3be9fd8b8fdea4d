import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { systemRandomness } from '../base/randomness.ts'
import { retryDelayMs } from './retry-delay.ts'

const chance = (fraction: number) => ({ ...systemRandomness, fraction: () => fraction })

describe('the delay before a retry', () => {
  test('doubles up to a limit', () => {
    const delays = [1, 2, 3, 9, 10, 1000].map((attempt) => retryDelayMs(attempt, chance(0)))
    expect(delays).toEqual([1000, 2000, 4000, 256_000, 300_000, 300_000])
  })

  test('is at least what the failure asked for', () => {
    expect(retryDelayMs(1, chance(0.5), { code: 'overloaded', retryAfterSeconds: 60 })).toBe(60_000)
    expect(retryDelayMs(1, chance(0.5), { code: 'worker_lost', retryAfterSeconds: 60 })).toBe(60_000)
  })

  test('is none after a first process that died, and as usual after the next ones', () => {
    const lost = { code: 'worker_lost' } as const
    const delays = [1, 2, 3, 4, 5, 1000].map((attempt) => retryDelayMs(attempt, chance(0), lost))
    expect(delays).toEqual([0, 1000, 2000, 4000, 8000, 300_000])
    expect(retryDelayMs(2, chance(1), lost)).toBe(500)
  })

  test('leaves at most half to chance', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, fraction) => {
          const full = retryDelayMs(attempt, chance(0))
          const delay = retryDelayMs(attempt, chance(fraction))
          expect(delay).toBeLessThanOrEqual(full)
          expect(delay).toBeGreaterThanOrEqual(full / 2)
        },
      ),
    )
  })
})
