import type { TimeRange } from '../../store/store.ts'

/** Sets of whole seconds, as ranges in order that neither touch nor overlap. */
export type TimeSet = readonly TimeRange[]

export const always: TimeSet = [{ from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }]
export const never: TimeSet = []

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
