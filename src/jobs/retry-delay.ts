import type { ErrorRecord } from '../base/errors.ts'
import type { Randomness } from '../base/randomness.ts'
import { causeOfCode } from './retry-rules.ts'

const firstMs = 1000
const longestMs = 5 * 60_000

/**
 * How long to wait after the attempt of that number (from 1) failed: about 1 s, doubling, at most 5 minutes, and never
 * less than the failure itself asked for. Up to half of it is left to chance, so that jobs which failed together do not
 * come back together.
 *
 * A process that died is gone as a rule for reasons of its own: its job begins again at once. Should it be the job that kills
 * them, or a lack of memory, the next ones wait as others do, a repetition later.
 */
export function retryDelayMs(
  attempt: number,
  randomness: Randomness,
  error?: Pick<ErrorRecord, 'code' | 'retryAfterSeconds'> | null,
): number {
  const isLost = error != null && causeOfCode[error.code] === 'worker_lost'
  const askedMs = (error?.retryAfterSeconds ?? 0) * 1000
  if (isLost && attempt === 1) return askedMs
  const doublings = Math.min(attempt - 1, 30) - (isLost ? 1 : 0)
  const fullMs = Math.min(longestMs, firstMs * 2 ** doublings)
  return Math.max(askedMs, Math.round(fullMs * (1 - randomness.fraction() / 2)))
}
