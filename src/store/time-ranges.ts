import { assert } from '../base/errors.ts'
import type { TimeRange } from './store.ts'

/**
 * Ranges of time as a PostgreSQL multirange of bigint: `{[0,3600),[7200,)}`. Ends that are infinite or outside of bigint
 * are open; fractions of a second are rounded so that the same whole seconds lie inside; empty ranges are left out.
 */
export function formatMultirange(ranges: readonly TimeRange[]): string {
  const parts = ranges.flatMap(({ from, to }) => {
    assert(!Number.isNaN(from) && !Number.isNaN(to), 'the ends of a time range are numbers')
    const isEmpty = Math.ceil(from) >= Math.ceil(to) || from >= bigintLimit || to <= -bigintLimit
    if (isEmpty) return []
    return [`[${from <= -bigintLimit ? '' : wholeSecond(from)},${to >= bigintLimit ? '' : wholeSecond(to)})`]
  })
  return `{${parts.join(',')}}`
}

const bigintLimit = 2 ** 63

/** From ≤ time and time < to hold for whole times exactly where they hold for the ends rounded up. */
function wholeSecond(seconds: number): string {
  return BigInt(Math.ceil(seconds)).toString()
}

export function coversAllTimes(ranges: readonly TimeRange[]): boolean {
  return ranges.some(({ from, to }) => from <= -bigintLimit && to >= bigintLimit)
}
