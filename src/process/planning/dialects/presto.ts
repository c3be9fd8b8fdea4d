import type { Rule } from './source.ts'

/** ARRAY(bigint) is a list to DuckDB, and its constructor ARRAY[1, 2] is the same to both. */
const arrayType: Rule = (source, at, inner) => {
  if (source.word(at) !== 'array' || source.word(at + 1) !== '(') return undefined
  const close = source.closing(at + 1)
  return { pieces: [...inner(at + 2, close), source.ours('[]', at)], next: close + 1 }
}

/** A timestamp without a zone is one of UTC to Presto; DuckDB would take it for one of the zone that is named. */
const atTimeZone: Rule = (source, at) => {
  if (source.word(at) !== 'at' || source.word(at + 1) !== 'time' || source.word(at + 2) !== 'zone') return undefined
  return { pieces: [source.ours('::timestamptz ', at), ...source.original(at, at + 3)], next: at + 3 }
}

const behindValues: ReadonlySet<string> = new Set(['union', 'except', 'intersect', 'order', 'limit'])

/** VALUES 1, 2 has rows of one column. */
const valuesOfOne: Rule = (source, at, inner) => {
  const first = source.kind(at + 1)
  if (source.word(at) !== 'values' || (first !== 'number' && first !== 'text')) return undefined
  const end = source.until(at + 1, behindValues)
  const rows = source
    .items(at + 1, end)
    .flatMap(([from, to], index) => [
      source.ours(index === 0 ? ' (' : ', (', from),
      ...inner(from, to),
      source.ours(')', from),
    ])
  return { pieces: [...source.original(at, at + 1), ...rows, source.ours(' ', at)], next: end }
}

export const prestoRules: readonly Rule[] = [arrayType, atTimeZone, valuesOfOne]
