/**
 * What a row has to fulfil, in words that the statistics of a chunk can answer. Filters that cannot be said in them are
 * `anything`: a chunk may be opened in vain, and none is left out that has a row of the answer.
 */
export type ChunkCondition =
  | { readonly kind: 'all' | 'any'; readonly of: readonly ChunkCondition[] }
  /** A value between both, which are inside; null is open. As text, as DuckDB prints the type; NaN is above all doubles. */
  | { readonly kind: 'within'; readonly fieldId: number; readonly low: string | null; readonly high: string | null }
  | { readonly kind: 'null' | 'value'; readonly fieldId: number }

export const anything: ChunkCondition = { kind: 'all', of: [] }
export const nothing: ChunkCondition = { kind: 'any', of: [] }

export function isAnything(condition: ChunkCondition): boolean {
  return condition.kind === 'all' && condition.of.length === 0
}

export function isNothing(condition: ChunkCondition): boolean {
  return condition.kind === 'any' && condition.of.length === 0
}

/** Every one of them; of none, anything. */
export function allOf(conditions: readonly ChunkCondition[]): ChunkCondition {
  const parts = conditions.flatMap((part) => (part.kind === 'all' ? part.of : [part]))
  if (parts.some(isNothing)) return nothing
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: 'all', of: parts }
}

/** At least one of them; of none, nothing. */
export function anyOf(conditions: readonly ChunkCondition[]): ChunkCondition {
  const parts = conditions.flatMap((part) => (part.kind === 'any' ? part.of : [part]))
  if (parts.some(isAnything)) return anything
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: 'any', of: parts }
}

/** The fields that the condition asks about. */
export function fieldsOf(condition: ChunkCondition): ReadonlySet<number> {
  return 'of' in condition ? new Set(condition.of.flatMap((part) => [...fieldsOf(part)])) : new Set([condition.fieldId])
}

/** Which of the chunks that touch a range are asked for. */
export interface ChunkChoice {
  /** Only those that, for all their statistics say, have rows that fulfil it. */
  readonly condition?: ChunkCondition
  /** Only some that lie inside of the ranges, if those have so many rows together. */
  readonly rowsEnough?: number
}

/** A figure of all rows of a snapshot in a range of time. */
export type SummaryItem =
  | { readonly kind: 'rows' }
  /** Of the values that are not NULL. */
  | { readonly kind: 'count' | 'min' | 'max'; readonly fieldId: number }

/** A text for each item; null where there is no value. Chunks that lie across an end of the range leave it unknown. */
export type Summary = readonly (string | null)[]
