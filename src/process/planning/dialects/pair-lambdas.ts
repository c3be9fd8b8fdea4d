import type { Inner, Piece, Rule, Source } from './source.ts'

/**
 * Functions whose lambda takes two values, (k, v) -> …: DuckDB's take one, which is an entry or a pair here, and one more lambda
 * over a list of one gives each of its parts the name that the query gives it.
 */
interface PairFunction {
  readonly before: string
  readonly parts: readonly [string, string]
  /** Around what the lambda answers. */
  readonly answer: readonly [string, string]
  readonly after: string
}

const entryParts = ['"@pair".key', '"@pair".value'] as const

const pairFunctions: Readonly<Record<string, PairFunction>> = {
  map_filter: { before: 'map_from_entries(list_filter(map_entries(', parts: entryParts, answer: ['', ''], after: '))' },
  transform_keys: {
    before: 'map_from_entries(list_transform(map_entries(',
    parts: entryParts,
    answer: ["{'key': ", `, 'value': ${entryParts[1]}}`],
    after: '))',
  },
  transform_values: {
    before: 'map_from_entries(list_transform(map_entries(',
    parts: entryParts,
    answer: [`{'key': ${entryParts[0]}, 'value': `, '}'],
    after: '))',
  },
  zip_with: { before: 'list_transform(list_zip(', parts: ['"@pair"[1]', '"@pair"[2]'], answer: ['', ''], after: ')' },
}

/** The names of these functions, to be suggested for those that nobody knows. */
export const pairFunctionNames: readonly string[] = Object.keys(pairFunctions)

export const pairLambda: Rule = (source, at, inner) => {
  const known = source.kind(at) === 'word' ? pairFunctions[source.word(at)] : undefined
  if (known === undefined || source.word(at + 1) !== '(') return undefined
  const close = source.closing(at + 1)
  const items = source.items(at + 2, close)
  const lambda = items.at(-1)
  const given = items.slice(0, -1)
  if (lambda === undefined || given.length === 0 || !isPairLambda(source, lambda[0])) return undefined
  const pieces = [
    source.ours(known.before, at),
    ...given.flatMap(([from, to], index) => [source.ours(index === 0 ? '' : ', ', from), ...inner(from, to)]),
    source.ours(`), lambda "@pair": ${known.answer[0]}`, at),
    ...named(source, lambda, known.parts, inner),
    source.ours(`${known.answer[1]}${known.after}`, at),
  ]
  return { pieces, next: close + 1 }
}

/** (a, b) -> */
function isPairLambda(source: Source, at: number): boolean {
  const marks = [source.word(at), source.word(at + 2), source.word(at + 4), source.word(at + 5), source.word(at + 6)]
  return marks.join(' ') === '( , ) - >'
}

function named(
  source: Source,
  [from, to]: readonly [number, number],
  [first, second]: readonly [string, string],
  inner: Inner,
): Piece[] {
  return [
    source.ours(`list_transform([${first}], lambda `, from),
    ...inner(from + 1, from + 2),
    source.ours(`: list_transform([${second}], lambda `, from),
    ...inner(from + 3, from + 4),
    source.ours(': ', from),
    ...inner(from + 7, to),
    source.ours(')[1])[1]', from),
  ]
}
