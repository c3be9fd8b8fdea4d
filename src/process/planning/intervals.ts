import type { PlanConstant } from './plan-constants.ts'

/** Whole numbers from `low` to `high`, both inside; null is open. */
export interface Interval {
  readonly low: bigint | null
  readonly high: bigint | null
}

export type Comparison = '=' | '<' | '<=' | '>' | '>='

/**
 * The whole numbers `v` of which `v / 10^scale` compares so with the constant; undefined where that is not known.
 * `isRounded` says that the values were made doubles by a division, which is not exact.
 */
export function intervalOf(
  comparison: Comparison,
  constant: PlanConstant,
  { scale, isRounded }: { readonly scale: number; readonly isRounded: boolean },
): Interval | undefined {
  if (constant.kind === 'exact') {
    const more = BigInt(10) ** BigInt(Math.abs(scale - constant.scale))
    return scale >= constant.scale
      ? between(comparison, constant.unscaled * more, constant.unscaled * more)
      : between(comparison, divideDown(constant.unscaled, more), divideUp(constant.unscaled, more))
  }
  return constant.kind === 'double' ? intervalOfDouble(comparison, constant.value * 10 ** scale, isRounded) : undefined
}

/** Doubles beyond this are not next to each other any more, so nothing is concluded from them. */
const doubleMax = 2 ** 53

function intervalOfDouble(comparison: Comparison, value: number, isRounded: boolean): Interval | undefined {
  if (!(Math.abs(value) < doubleMax)) return undefined
  const slack = isRounded ? 1 + Math.abs(value) * 1e-12 : 0
  const [down, up] = [BigInt(Math.floor(value - slack)), BigInt(Math.ceil(value + slack))]
  return isRounded ? around(comparison, down, up) : between(comparison, down, up)
}

/** Compared with something between two neighbours, or with one number that is both. */
function between(comparison: Comparison, down: bigint, up: bigint): Interval {
  switch (comparison) {
    case '=':
      return { low: up, high: down }
    case '>':
      return { low: down + 1n, high: null }
    case '>=':
      return { low: up, high: null }
    case '<':
      return { low: null, high: up - 1n }
    case '<=':
      return { low: null, high: down }
  }
}

/** Compared with something that lies anywhere from `down` to `up`. */
function around(comparison: Comparison, down: bigint, up: bigint): Interval {
  return {
    low: comparison.startsWith('<') ? null : down,
    high: comparison.startsWith('>') ? null : up,
  }
}

/** The `v` of which `v * by` is inside. */
export function dividedBy({ low, high }: Interval, by: bigint): Interval {
  return { low: low && divideUp(low, by), high: high && divideDown(high, by) }
}

/** The `v` of which `floor(v / by)` is inside. */
export function multipliedBy({ low, high }: Interval, by: bigint): Interval {
  return { low: low && low * by, high: high === null ? null : high * by + by - 1n }
}

export function isEmpty({ low, high }: Interval): boolean {
  return low !== null && high !== null && low > high
}

function divideDown(value: bigint, by: bigint): bigint {
  const quotient = value / by
  return value % by < 0n ? quotient - 1n : quotient
}

function divideUp(value: bigint, by: bigint): bigint {
  return -divideDown(-value, by)
}
