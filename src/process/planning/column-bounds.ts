import { dateText, decimalText, doubleText, timestampText } from '../../base/parquet/value-text.ts'
import type { ChunkCondition } from '../../store/conditions.ts'
import { nothing } from '../../store/conditions.ts'
import type { Column } from '../../store/store.ts'
import type { LogicalType } from '../../store/types.ts'
import type { Comparison, Interval } from './intervals.ts'
import { isEmpty } from './intervals.ts'

// Conditions on one column. They are wider where that is simpler: an end is always inside.

/** Whole numbers in units of the type: days, microseconds, 10^-scale. */
export function withinWhole({ fieldId, type }: Column, interval: Interval): ChunkCondition {
  if (isEmpty(interval)) return nothing
  const { low, high } = expressible(type, interval)
  const text = (value: bigint | null) => (value === null ? null : wholeText(type, value))
  return { kind: 'within', fieldId, low: text(low), high: text(high) }
}

const microsPerDay = 86_400_000_000n

/** The first and the last value that bounds are compared with: of dates, those with a year of four digits. */
const extremes: Partial<Record<LogicalType['kind'], readonly [bigint, bigint]>> = {
  boolean: [0n, 1n],
  bigint: [-(2n ** 63n), 2n ** 63n - 1n],
  date: [-719_162n, 2_932_896n],
  timestamp: [-719_162n * microsPerDay, 2_932_897n * microsPerDay - 1n],
}

function expressible({ kind }: LogicalType, { low, high }: Interval): Interval {
  const [first, last] = extremes[kind] ?? []
  if (first === undefined || last === undefined) return { low, high }
  return {
    low: low === null || low <= first ? null : low > last ? last : low,
    high: high === null || high >= last ? null : high < first ? first : high,
  }
}

function wholeText(type: LogicalType, value: bigint): string {
  switch (type.kind) {
    case 'boolean':
      return String(value === 1n)
    case 'decimal':
      return decimalText(value, type.scale)
    case 'date':
      return dateText(value)
    case 'timestamp':
      return timestampText(value)
    default:
      return String(value)
  }
}

/** NaN equals itself, and is above all others. */
export function withinDoubles({ fieldId }: Column, comparison: Comparison, value: number): ChunkCondition {
  const text = doubleText(value)
  const low = comparison.startsWith('<') ? null : text
  const high = comparison.startsWith('>') || Number.isNaN(value) ? null : text
  return { kind: 'within', fieldId, low, high }
}

/** By bytes, as DuckDB and the order of bounds have it. */
export function withinText({ fieldId }: Column, comparison: Comparison, value: string): ChunkCondition {
  const text = storable(value)
  const low = comparison.startsWith('<') ? null : text
  const high = comparison.startsWith('>') ? null : text
  return { kind: 'within', fieldId, low, high }
}

export function startsWith({ fieldId }: Column, prefix: string): ChunkCondition {
  const end = endOfPrefix(prefix)
  return { kind: 'within', fieldId, low: storable(prefix), high: end === null ? null : storable(end) }
}

/** A text that PostgreSQL cannot hold bounds nothing. */
function storable(text: string): string | null {
  return text.includes('\0') ? null : text
}

/** A text after all that begin with the prefix; null where there is none. */
function endOfPrefix(prefix: string): string | null {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0)
  while (points.at(-1) === 0x10_ff_ff) points.pop()
  const last = points.pop()
  if (last === undefined) return null
  // Between both lie the surrogates, which are no characters.
  return String.fromCodePoint(...points, last === 0xd7_ff ? 0xe0_00 : last + 1)
}
