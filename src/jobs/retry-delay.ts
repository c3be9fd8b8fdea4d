import type { Randomness } from '../base/randomness.ts'

const firstMs = 1000
const longestMs = 5 * 60_000

/**
 * How long to wait after the attempt of that number (from 1) failed: about 1 s, doubling, at most 5 minutes, and never
 * less than the failure itself asked for. Up to half of it is left to chance, so that jobs which failed together do not
 * come back together.
 */
export function retryDelayMs(attempt: number, randomness: Randomness, retryAfterSeconds = 0): number {
  const fullMs = Math.min(longestMs, firstMs * 2 ** Math.min(attempt - 1, 30))
  return Math.max(retryAfterSeconds * 1000, Math.round(fullMs * (1 - randomness.fraction() / 2)))
}
