import { nestedTypes } from './nested-types.ts'
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

const behindValues: ReadonlySet<string> = new Set(['union', 'except', 'intersect', 'order', 'limit', 'values'])

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

/** X'61' are bytes. */
const bytes: Rule = (source, at, inner) => {
  const isJoined = source.tokens[at]?.end === source.tokens[at + 1]?.start
  if (source.word(at) !== 'x' || source.kind(at + 1) !== 'text' || !isJoined) return undefined
  return { pieces: [source.ours('from_hex(', at), ...inner(at + 1, at + 2), source.ours(')', at)], next: at + 2 }
}

/** UNNEST of a map, of a list of rows or of several lists, by the number of columns behind it. */
const unnest: Rule = (source, at, inner) => {
  if (source.word(at) !== 'unnest' || source.word(at + 1) !== '(') return undefined
  const close = source.closing(at + 1)
  const lists = source.items(at + 2, close)
  const alias = source.word(close + 1) === 'as' ? close + 2 : close + 1
  const columns = source.word(alias + 1) === '(' ? source.items(alias + 2, source.closing(alias + 1)).length : 0
  if (columns < 2 || source.word(close + 1) === 'with') return undefined
  const [[from, to] = [close, close]] = lists
  const of = (start: string, [first, last]: readonly [number, number], end: string) => [
    source.ours(start, at),
    ...inner(first, last),
    source.ours(end, at),
  ]
  const several = lists.flatMap((list, index) => of(index === 0 ? 'unnest(' : ', unnest(', list, ')'))
  const fields = of('unnest(', [from, to], ', max_depth := 2)')
  const entries = [...of('unnest(map_keys(', [from, to], ')), '), ...of('unnest(map_values(', [from, to], '))')]
  const items = lists.length > 1 ? several : columns > 2 ? fields : entries
  return { pieces: [source.ours('(select ', at), ...items, source.ours(')', at)], next: close + 1 }
}

/** LISTAGG(x, ',') WITHIN GROUP (ORDER BY y) has its order inside of the call. */
const orderedList: Rule = (source, at, inner) => {
  if (source.word(at) !== 'listagg' || source.word(at + 1) !== '(') return undefined
  const close = source.closing(at + 1)
  const order = close + 3
  if (source.word(close + 1) !== 'within' || source.word(close + 2) !== 'group' || source.word(order) !== '(')
    return undefined
  const end = source.closing(order)
  const pieces = [
    source.ours('string_agg(', at),
    ...inner(at + 2, close),
    source.ours(' ', order),
    ...inner(order + 1, end),
    source.ours(')', end),
  ]
  return { pieces, next: end + 1 }
}

export const prestoRules: readonly Rule[] = [
  arrayType,
  nestedTypes,
  atTimeZone,
  valuesOfOne,
  bytes,
  unnest,
  orderedList,
]
