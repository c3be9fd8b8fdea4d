import { timeColumn } from '../../store/columns.ts'
import type { ChunkCondition } from '../../store/conditions.ts'
import { allOf, anything } from '../../store/conditions.ts'
import type { TimeRange } from '../../store/store.ts'

/** Sets of whole seconds, as ranges in order that neither touch nor overlap. */
export type TimeSet = readonly TimeRange[]

export const always: TimeSet = [{ from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }]
export const never: TimeSet = []

export function isAlways(ranges: TimeSet): boolean {
  return ranges.some(({ from, to }) => from === Number.NEGATIVE_INFINITY && to === Number.POSITIVE_INFINITY)
}

/** More ranges than this are rounded up to one that holds them all: the index would be asked too much. */
export const rangesMax = 1000

export function union(sets: readonly TimeSet[]): TimeSet {
  const sorted = sets.flat().toSorted((a, b) => a.from - b.from)
  const merged: TimeRange[] = []
  for (const range of sorted) {
    const last = merged.at(-1)
    if (last !== undefined && range.from <= last.to)
      merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, range.to) }
    else if (range.from < range.to) merged.push(range)
  }
  const [first, last] = [merged[0], merged.at(-1)]
  if (merged.length <= rangesMax || first === undefined || last === undefined) return merged
  return [{ from: first.from, to: last.to }]
}

export function intersection(a: TimeSet, b: TimeSet): TimeSet {
  const common: TimeRange[] = []
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const [x, y] = [a[i], b[j]]
    if (x === undefined || y === undefined) break
    const range = { from: Math.max(x.from, y.from), to: Math.min(x.to, y.to) }
    if (range.from < range.to) common.push(range)
    if (x.to < y.to) i += 1
    else j += 1
  }
  return common
}

/** The times at which rows can fulfil the condition. */
export function timesOf(condition: ChunkCondition): TimeSet {
  switch (condition.kind) {
    case 'all':
      return condition.of.map(timesOf).reduce(intersection, always)
    case 'any':
      return union(condition.of.map(timesOf))
    case 'within':
      return condition.fieldId === timeColumn.fieldId ? within(condition.low, condition.high) : always
    case 'null':
      return condition.fieldId === timeColumn.fieldId ? never : always
    case 'value':
      return always
  }
}

function within(low: string | null, high: string | null): TimeSet {
  const from = low === null ? Number.NEGATIVE_INFINITY : Number(low)
  const to = high === null ? Number.POSITIVE_INFINITY : Number(high) + 1
  return from < to ? [{ from, to }] : never
}

/** What the condition asks beside those times; statistics need not be asked for what the times say already. */
export function besidesTime(condition: ChunkCondition): ChunkCondition {
  if (condition.kind === 'all') return allOf(condition.of.map(besidesTime))
  return asksOnlyTime(condition) ? anything : condition
}

function asksOnlyTime(condition: ChunkCondition): boolean {
  return 'of' in condition ? condition.of.every(asksOnlyTime) : condition.fieldId === timeColumn.fieldId
}
