import type { ColumnStatistics, NewChunk } from './store.ts'

/** Longer bounds prune no better, and every query that plans would carry them. */
const boundCharactersMax = 256

/**
 * Statistics as the catalog can hold them: bounds that are long, or that PostgreSQL's JSON cannot say (the character
 * zero, half of a character), are left out. A missing bound only means that nothing is known.
 */
export function storableStatistics(statistics: NewChunk['statistics']): Record<number, ColumnStatistics> {
  const entries = Object.entries(statistics).map(([fieldId, { bytes, nulls, min, max, nan }]) => {
    const bounds = { ...(isStorable(min) && { min }), ...(isStorable(max) && { max }) }
    return [Number(fieldId), { bytes, nulls, ...bounds, ...(nan !== undefined && { nan }) }] as const
  })
  return Object.fromEntries(entries)
}

function isStorable(bound: string | undefined): bound is string {
  return bound !== undefined && bound.length <= boundCharactersMax && !/[\0\p{Surrogate}]/u.test(bound)
}
