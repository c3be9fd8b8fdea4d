import { AppError } from '../../../base/errors.ts'
import { quotedName, quotedText } from '../../../store/types.ts'
import { placeAt } from '../places.ts'
import { hiveText } from './hive-text.ts'
import type { Inner, Piece, Rule, Source } from './source.ts'

/** LATERAL VIEW [OUTER] f(…) t [AS a, b]: a join with the rows that f makes of each row. */
export const lateralView: Rule = (source, at, inner) => {
  if (source.word(at) !== 'lateral' || source.word(at + 1) !== 'view') return undefined
  const isOuter = source.word(at + 2) === 'outer'
  const name = at + (isOuter ? 3 : 2)
  if (source.kind(name) !== 'word' || source.word(name + 1) !== '(') throw notUnderstood(source, name)
  const close = source.closing(name + 1)
  const alias = close + 1
  const columns = aliasesAt(source, alias + 1)
  const made = rowsOf(source, name, close, columns.names.length, inner)
  const named = columns.names.length === 0 ? made.columns.join(', ') : undefined
  return {
    pieces: [
      source.ours(isOuter ? 'left join lateral (select ' : 'cross join lateral (select ', at),
      ...made.pieces,
      source.ours(') as ', at),
      ...inner(alias, alias + 1),
      source.ours('(', at),
      ...(named === undefined ? inner(alias + 2, columns.next) : [source.ours(named, at)]),
      source.ours(isOuter ? ') on true' : ')', at),
    ],
    next: columns.next,
  }
}

/** The names behind AS, and the first token that is not of them. */
function aliasesAt(source: Source, at: number): { names: readonly number[]; next: number } {
  if (source.word(at) !== 'as') return { names: [], next: at }
  const names = [at + 1]
  let next = at + 2
  for (; source.word(next) === ','; next += 2) names.push(next + 1)
  return { names, next }
}

interface MadeRows {
  readonly pieces: readonly Piece[]
  /** What Hive calls the columns where the query does not. */
  readonly columns: readonly string[]
}

function rowsOf(source: Source, name: number, close: number, columns: number, inner: Inner): MadeRows {
  const of = (before: string, after: string) => [
    source.ours(before, name),
    ...inner(name + 2, close),
    source.ours(after, name),
  ]
  switch (source.word(name)) {
    case 'explode':
      // A list has one column and a map two: how many are named tells which it is.
      return columns < 2
        ? { pieces: of('unnest(', ')'), columns: ['col'] }
        : { pieces: [...of('unnest(map_keys(', ')), '), ...of('unnest(map_values(', '))')], columns: ['key', 'value'] }
    case 'posexplode':
      return { pieces: [...of('unnest(range(len(', '))), '), ...of('unnest(', ')')], columns: ['pos', 'col'] }
    case 'json_tuple':
      return jsonTuple(source, name, close, inner)
    case 'td_pivot':
      return pivot(source, name, close, inner)
    case 'td_unpivot':
      return unpivot(source, name, close, inner)
    default:
      throw notUnderstood(source, name)
  }
}

function jsonTuple(source: Source, name: number, close: number, inner: Inner): MadeRows {
  const [json, ...keys] = source.items(name + 2, close)
  if (json === undefined) throw notUnderstood(source, name)
  const pieces = keys.flatMap(([from, to], index) => [
    source.ours(`${index === 0 ? '' : ', '}json_extract_string(`, name),
    ...inner(json[0], json[1]),
    source.ours(', ', name),
    ...inner(from, to),
    source.ours(')', name),
  ])
  return { pieces, columns: keys.map((_, index) => `c${index}`) }
}

/** TD_PIVOT(key, value, 'a, b'): the value in the column that is called like the key, and NULL in the others. */
function pivot(source: Source, name: number, close: number, inner: Inner): MadeRows {
  const [key, value, names] = source.items(name + 2, close)
  if (key === undefined || value === undefined || names === undefined) throw notUnderstood(source, name)
  const keys = listedNames(source, names)
  const pieces = keys.flatMap((one, index) => [
    source.ours(`${index === 0 ? '' : ', '}case when (`, name),
    ...inner(...key),
    source.ours(`) = ${quotedText(one)} then `, name),
    ...inner(...value),
    source.ours(' end', name),
  ])
  return { pieces, columns: keys.map(quotedName) }
}

/** TD_UNPIVOT('a, b', x, y): a row for each value, with the name that stands in its place. */
function unpivot(source: Source, name: number, close: number, inner: Inner): MadeRows {
  const [names, ...values] = source.items(name + 2, close)
  if (names === undefined) throw notUnderstood(source, name)
  const keys = listedNames(source, names)
  if (keys.length !== values.length) throw notUnderstood(source, name)
  const pieces = [
    source.ours(`unnest([${keys.map(quotedText).join(', ')}]), unnest([`, name),
    ...values.flatMap(([from, to], index) => [source.ours(index === 0 ? '' : ', ', name), ...inner(from, to)]),
    source.ours('])', name),
  ]
  return { pieces, columns: ['key', 'value'] }
}

/** A constant text with names between commas. */
function listedNames(source: Source, [from, to]: readonly [number, number]): string[] {
  const token = source.tokens[from]
  if (token?.kind !== 'text' || to !== from + 1) throw notUnderstood(source, from)
  return hiveText(token.value)
    .split(',')
    .map((one) => one.trim())
}

function notUnderstood(source: Source, at: number): AppError {
  return new AppError(
    'query_syntax',
    'LATERAL VIEW stands before explode(x), posexplode(x), json_tuple(x, …), td_pivot(key, value, names) or td_unpivot(names, value, …).',
    {
      hint: 'Other rows of a row are made by a join: CROSS JOIN UNNEST(list) AS t(a).',
      position: placeAt(source.sql, source.offset(at)),
    },
  )
}
